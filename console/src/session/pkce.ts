/** Secrets of one sign-in. RFC 7636 (PKCE) and OpenID Connect's nonce. */

export function randomText(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(32)));
}

/** The code challenge of a verifier: base64url(SHA-256). */
export async function challenge(verifier: string): Promise<string> {
  return base64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

/** Encrypts a text with a key that `randomText` made. */
export async function sealed(text: string, key: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const bytes = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await aes(key), new TextEncoder().encode(text));
  return base64Url(iv) + "." + base64Url(new Uint8Array(bytes));
}

/** The text that was sealed with this key. Rejects for another key. */
export async function unsealed(text: string, key: string): Promise<string> {
  const [iv = "", bytes = ""] = text.split(".");
  const plain = await crypto.subtle.decrypt(
    { name: "AES-GCM", iv: fromBase64Url(iv) },
    await aes(key),
    fromBase64Url(bytes),
  );
  return new TextDecoder().decode(plain);
}

/** The claims of a token. They are not verified here: the token comes from the token endpoint itself. */
export function claims(token: string): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(fromBase64Url(token.split(".")[1] ?? ""))) as Record<string, unknown>;
}

async function aes(key: string): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", fromBase64Url(key), "AES-GCM", false, ["encrypt", "decrypt"]);
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}

/**
 * Signing in with an authorization code and PKCE, and the tokens, which are kept in memory only.
 *
 * Over the redirect to the sign-in page, the browser's session storage keeps the code verifier, the nonce and the page to
 * come back to, encrypted. The key is the `state` of the sign-in: only the answer to this sign-in can read them, and no
 * customer's identifier can be read in the storage.
 */

import { NetworkProblem } from "../api/problem";
import { type Config, HOME, readConfig } from "./config";
import { challenge, claims, randomText, sealed, unsealed } from "./pkce";

const PENDING = "sign-in";
const CHANNEL = "journeys-sign-in";
const SCOPES = "openid journey/api";
/** Seconds before its end at which a token is replaced. */
const EARLY = 60;
/** Milliseconds after which a request for tokens is given up. */
const TIMEOUT = 20_000;
/** Milliseconds between two looks whether the window of a sign-in was closed. */
const WATCH = 500;
/** What a signed-out window tells the others. */
const SIGNED_OUT = "signed out";

interface Pending {
  readonly verifier: string;
  readonly nonce: string;
  readonly returnTo: string;
}

interface Tokens {
  readonly access: string;
  readonly refresh: string | undefined;
  /** Milliseconds since the epoch. */
  readonly ends: number;
}

interface TokenAnswer {
  readonly access_token: string;
  readonly id_token?: string;
  readonly refresh_token?: string;
  readonly expires_in: number;
}

/** A sign-in that did not succeed. The message is for the reader. */
export class SignInFailed extends Error {}

export class Session {
  #config: Config;
  #tokens: Tokens | undefined;
  /** Who is signed in; it outlives the tokens. */
  #subject: string | undefined;
  #refreshing: Promise<string> | undefined;
  #ended = false;
  /** Shows the request to sign in again, over the page with its unsaved forms. Resolves when it succeeded. */
  askAgain: () => Promise<void> = () => Promise.reject(new SignInFailed("Sign in again."));

  /** Takes the page away: the reader signed out, here or in another window. */
  signedOut: () => void = () => undefined;

  private constructor(config: Config) {
    this.#config = config;
    new BroadcastChannel(CHANNEL).addEventListener("message", ({ data }) => {
      if (data === SIGNED_OUT && !this.#ended && this.#subject !== undefined) void this.#end();
    });
  }

  /**
   * Starts the session: completes a sign-in that returns, or goes to the sign-in page (and never resolves then).
   *
   * A window that was opened to sign in again hands its answer to the window that opened it, and closes.
   */
  static async start(): Promise<Session> {
    const session = new Session(await readConfig());
    const answer = new URLSearchParams(location.search);
    if (!answer.has("code") && !answer.has("error")) return session.#leave();
    const kept = sessionStorage.getItem(PENDING);
    const pending = await opened(answer, kept);
    if (!pending && window.name === CHANNEL) {
      new BroadcastChannel(CHANNEL).postMessage(location.search);
      window.close();
      return new Promise(() => undefined);
    }
    sessionStorage.removeItem(PENDING);
    history.replaceState(null, "", HOME + (pending?.returnTo ?? ""));
    await session.#complete(answer, pending);
    return session;
  }

  /** A valid access token. Asks to sign in again where the session ended. */
  async token(): Promise<string> {
    if (this.#tokens && Date.now() < this.#tokens.ends) return this.#tokens.access;
    return this.renewed();
  }

  /** Another access token than `refused`, which the API did not take. Requests that are refused together share one. */
  async renewed(refused?: string): Promise<string> {
    if (refused !== undefined && this.#tokens && this.#tokens.access !== refused) return this.token();
    this.#refreshing ??= this.#renew().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Signs in again in a window of its own, so that this page keeps what was entered. Call it from a click. */
  async signInAgain(): Promise<void> {
    const popup = window.open("about:blank", CHANNEL, "popup,width=480,height=720");
    if (!popup) throw new SignInFailed("The browser did not open a window. Allow windows of this site, and try again.");
    const { url, pending } = await this.#request("");
    const answered = answerTo(pending, popup);
    popup.location.href = url;
    const answer = await answered;
    await this.#complete(answer, await opened(answer, pending));
  }

  /** Ends the session here, in the console's other windows, and on the sign-in page. */
  async signOut(): Promise<void> {
    const ended = this.#end();
    new BroadcastChannel(CHANNEL).postMessage(SIGNED_OUT);
    await ended;
    location.assign(
      `${this.#config.signOutUrl}?${new URLSearchParams({ client_id: this.#config.clientId, logout_uri: HOME })}`,
    );
  }

  /** Drops the tokens and the page at once, so that the Back button shows neither, and revokes the refresh token. */
  async #end(): Promise<void> {
    const refresh = this.#tokens?.refresh;
    this.#tokens = undefined;
    this.#ended = true;
    this.signedOut();
    if (refresh === undefined) return;
    const body = new URLSearchParams({ token: refresh, client_id: this.#config.clientId });
    await post(this.#config.revokeUrl, body).catch(() => undefined);
  }

  /** Goes to the sign-in page. The promise never resolves, since the page is left. */
  async #leave(): Promise<never> {
    const { url, pending } = await this.#request(location.hash);
    sessionStorage.setItem(PENDING, pending);
    location.replace(url);
    return new Promise(() => undefined);
  }

  async #request(returnTo: string): Promise<{ url: string; pending: string }> {
    const state = randomText();
    const pending: Pending = { verifier: randomText(), nonce: randomText(), returnTo };
    const parameters = new URLSearchParams({
      response_type: "code",
      client_id: this.#config.clientId,
      redirect_uri: HOME,
      scope: SCOPES,
      state,
      nonce: pending.nonce,
      code_challenge: await challenge(pending.verifier),
      code_challenge_method: "S256",
    });
    return { url: `${this.#config.authorizeUrl}?${parameters}`, pending: await sealed(JSON.stringify(pending), state) };
  }

  /** Takes the tokens of a sign-in that was started here, by the person who was signed in before. */
  async #complete(answer: URLSearchParams, pending: Pending | undefined): Promise<void> {
    // The text of an answer to no sign-in could be anybody's: it is not shown.
    if (!pending) throw new SignInFailed("This sign-in was not started here, or it was completed before.");
    const error = answer.get("error");
    if (error !== null)
      throw new SignInFailed(`The sign-in page refused the sign-in: ${answer.get("error_description") ?? error}.`);
    const tokens = await this.#exchange({
      grant_type: "authorization_code",
      code: answer.get("code") ?? "",
      redirect_uri: HOME,
      code_verifier: pending.verifier,
    });
    const { nonce, sub } = idClaims(tokens);
    if (nonce !== pending.nonce || typeof sub !== "string")
      throw new SignInFailed("The answer of the sign-in page belongs to another sign-in.");
    if (this.#subject !== undefined && sub !== this.#subject)
      throw new SignInFailed("Somebody else signed in. Sign in as the person who uses this page, or reload it.");
    this.#subject = sub;
    this.#take(tokens);
  }

  async #renew(): Promise<string> {
    const refresh = this.#tokens?.refresh;
    if (refresh !== undefined) {
      try {
        return this.#take(await this.#exchange({ grant_type: "refresh_token", refresh_token: refresh }));
      } catch (error) {
        if (!(error instanceof SignInFailed)) throw error; // The network failed: the session may still be good.
      }
    }
    this.#tokens = undefined;
    await this.askAgain();
    return this.#access();
  }

  #access(): string {
    if (!this.#tokens) throw new SignInFailed("You are signed out.");
    return this.#tokens.access;
  }

  /** Keeps the tokens, unless the reader signed out while they were fetched. Returns the access token. */
  #take(answer: TokenAnswer): string {
    if (this.#ended) throw new SignInFailed("You are signed out.");
    this.#tokens = {
      access: answer.access_token,
      refresh: answer.refresh_token ?? this.#tokens?.refresh,
      ends: Date.now() + (answer.expires_in - EARLY) * 1000,
    };
    return answer.access_token;
  }

  async #exchange(parameters: Record<string, string>): Promise<TokenAnswer> {
    const body = new URLSearchParams({ ...parameters, client_id: this.#config.clientId });
    const response = await post(this.#config.tokenUrl, body);
    if (response.status >= 500 || response.status === 429) throw new NetworkProblem();
    if (!response.ok) throw new SignInFailed(`The sign-in could not be completed (status ${response.status}).`);
    return (await response.json()) as TokenAnswer;
  }
}

/** What was kept for the sign-in that this answers; undefined for the answer to another one. */
async function opened(answer: URLSearchParams, kept: string | null): Promise<Pending | undefined> {
  try {
    return JSON.parse(await unsealed(kept ?? "", answer.get("state") ?? "")) as Pending;
  } catch {
    return undefined;
  }
}

/** Waits for the answer that `pending` belongs to. Messages of other windows, and forged ones, are passed over. */
function answerTo(pending: string, popup: Window): Promise<URLSearchParams> {
  return new Promise((resolve, reject) => {
    const channel = new BroadcastChannel(CHANNEL);
    let closed = false;
    const watch = setInterval(() => {
      if (closed) {
        finish();
        reject(new SignInFailed("The window was closed before the sign-in was complete."));
      }
      closed = popup.closed; // The answer may still be on its way: it has until the next look.
    }, WATCH);
    const finish = () => {
      clearInterval(watch);
      channel.close();
    };
    channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      const answer = new URLSearchParams(String(data));
      void opened(answer, pending).then((own) => {
        if (!own) return;
        finish();
        resolve(answer);
      });
    });
  });
}

function idClaims({ id_token }: TokenAnswer): Record<string, unknown> {
  try {
    return claims(id_token ?? "");
  } catch {
    return {};
  }
}

/** Posts to the sign-in address. Secrets do not follow a redirect. */
async function post(url: string, body: URLSearchParams): Promise<Response> {
  try {
    return await fetch(url, { method: "POST", body, redirect: "error", signal: AbortSignal.timeout(TIMEOUT) });
  } catch {
    throw new NetworkProblem();
  }
}

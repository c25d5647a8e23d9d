/**
 * Signing in with an authorization code and PKCE, and the tokens, which are kept in memory only.
 *
 * Over the redirect to the sign-in page, the browser's session storage keeps the code verifier, the nonce and the page to
 * come back to, encrypted. The key is the `state` of the sign-in: only the answer to this sign-in can read them, and no
 * customer's identifier can be read in the storage.
 */

import { type Config, HOME, readConfig } from "./config";
import { challenge, claims, randomText, sealed, unsealed } from "./pkce";

const PENDING = "sign-in";
const CHANNEL = "journeys-sign-in";
const SCOPES = "openid journey/api";
/** Seconds before its end at which a token is replaced. */
const EARLY = 60;

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
  #refreshing: Promise<string> | undefined;
  /** Shows the request to sign in again, over the page with its unsaved forms. Resolves when it succeeded. */
  askAgain: () => Promise<void> = () => Promise.reject(new SignInFailed("Sign in again."));

  private constructor(config: Config) {
    this.#config = config;
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
    if (window.opener || window.name === CHANNEL) {
      new BroadcastChannel(CHANNEL).postMessage(location.search);
      window.close();
      return new Promise(() => undefined);
    }
    const pending = sessionStorage.getItem(PENDING);
    sessionStorage.removeItem(PENDING);
    history.replaceState(null, "", HOME);
    const { returnTo } = await session.#complete(answer, pending);
    history.replaceState(null, "", HOME + returnTo);
    return session;
  }

  /** A valid access token. Asks to sign in again where the session ended. */
  async token(): Promise<string> {
    if (this.#tokens && Date.now() < this.#tokens.ends) return this.#tokens.access;
    return this.renewed();
  }

  /** Another access token, after the API refused the present one. */
  async renewed(): Promise<string> {
    this.#refreshing ??= this.#renew().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Signs in again in a window of its own, so that this page keeps what was entered. Call it from a click. */
  async signInAgain(): Promise<void> {
    const opened = window.open("about:blank", CHANNEL, "popup,width=480,height=720");
    if (!opened)
      throw new SignInFailed("The browser did not open a window. Allow windows of this site, and try again.");
    const { url, pending } = await this.#request("");
    const answered = new Promise<string>((resolve, reject) => {
      const channel = new BroadcastChannel(CHANNEL);
      const watch = setInterval(() => {
        if (opened.closed)
          finish(() => {
            reject(new SignInFailed("The window was closed before the sign-in was complete."));
          });
      }, 500);
      const finish = (settle: () => void) => {
        clearInterval(watch);
        channel.close();
        settle();
      };
      channel.onmessage = (message: MessageEvent<string>) => {
        finish(() => {
          resolve(message.data);
        });
      };
    });
    opened.location.href = url;
    await this.#complete(new URLSearchParams(await answered), pending);
  }

  /** Ends the session here and on the sign-in page. */
  async signOut(): Promise<void> {
    const refresh = this.#tokens?.refresh;
    this.#tokens = undefined;
    if (refresh) {
      const body = new URLSearchParams({ token: refresh, client_id: this.#config.clientId });
      await fetch(this.#config.revokeUrl, { method: "POST", body }).catch(() => undefined);
    }
    location.assign(
      `${this.#config.signOutUrl}?${new URLSearchParams({ client_id: this.#config.clientId, logout_uri: HOME })}`,
    );
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

  async #complete(answer: URLSearchParams, sealedPending: string | null): Promise<Pending> {
    const error = answer.get("error");
    if (error)
      throw new SignInFailed(`The sign-in page refused the sign-in: ${answer.get("error_description") ?? error}.`);
    let pending: Pending;
    try {
      pending = JSON.parse(await unsealed(sealedPending ?? "", answer.get("state") ?? "")) as Pending;
    } catch {
      throw new SignInFailed("This sign-in was not started here, or it was completed before.");
    }
    const tokens = await this.#exchange({
      grant_type: "authorization_code",
      code: answer.get("code") ?? "",
      redirect_uri: HOME,
      code_verifier: pending.verifier,
    });
    if (claims(tokens.id_token ?? "")["nonce"] !== pending.nonce) {
      this.#tokens = undefined;
      throw new SignInFailed("The answer of the sign-in page belongs to another sign-in.");
    }
    return pending;
  }

  async #renew(): Promise<string> {
    const refresh = this.#tokens?.refresh;
    if (refresh) {
      try {
        return (await this.#exchange({ grant_type: "refresh_token", refresh_token: refresh })).access_token;
      } catch (error) {
        if (!(error instanceof SignInFailed)) throw error; // The network failed: the session may still be good.
      }
    }
    this.#tokens = undefined;
    await this.askAgain();
    return this.token();
  }

  async #exchange(parameters: Record<string, string>): Promise<TokenAnswer> {
    const body = new URLSearchParams({ ...parameters, client_id: this.#config.clientId });
    const response = await fetch(this.#config.tokenUrl, { method: "POST", body });
    if (!response.ok) throw new SignInFailed(`The sign-in could not be completed (status ${response.status}).`);
    const answer = (await response.json()) as TokenAnswer;
    this.#tokens = {
      access: answer.access_token,
      refresh: answer.refresh_token ?? this.#tokens?.refresh,
      ends: Date.now() + (answer.expires_in - EARLY) * 1000,
    };
    return answer;
  }
}

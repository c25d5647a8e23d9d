import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api, call, useSession } from "../src/api/client";
import { NetworkProblem } from "../src/api/problem";
import { HOME } from "../src/session/config";
import { Session, SignInFailed } from "../src/session/session";

const CONFIG = {
  clientId: "console",
  authorizeUrl: "https://people.example/oauth2/authorize",
  tokenUrl: "https://people.example/oauth2/token",
  revokeUrl: "https://people.example/oauth2/revoke",
  signOutUrl: "https://people.example/logout",
};

/** Another window of the browser, or the page's own parts: every channel of a name gets what another one posts. */
class Channel extends EventTarget {
  static all = new Set<Channel>();

  constructor() {
    super();
    Channel.all.add(this);
  }

  postMessage(data: unknown): void {
    for (const other of Channel.all) {
      if (other !== this) other.dispatchEvent(new MessageEvent("message", { data }));
    }
  }

  close(): void {
    Channel.all.delete(this);
  }
}

/** The sign-in address, the API, and what the browser keeps. */
let kept: Map<string, string>;
let posts: { url: string; body: URLSearchParams; redirect: string | undefined }[];
let nonce: string;
let subject: string;
let answerTokens: () => Response;
let answerApi: (request: Request) => Response;
let gone: string[];
let shown: string[];
let popup: { closed: boolean; location: { href: string } };

beforeEach(() => {
  kept = new Map();
  [posts, gone, shown] = [[], [], []];
  [nonce, subject] = ["", "ada"];
  popup = { closed: false, location: { href: "" } };
  answerTokens = () => Response.json(tokens());
  answerApi = () => Response.json({});
  Channel.all.clear();
  vi.stubGlobal("BroadcastChannel", Channel);
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
  vi.stubGlobal("history", { replaceState: (_state: unknown, _title: string, url: string) => shown.push(url) });
  vi.stubGlobal("window", { open: () => popup, close: () => undefined, name: "" });
  vi.stubGlobal("fetch", fakeFetch);
  at("", "");
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function at(search: string, hash: string): void {
  const leave = (url: string) => gone.push(url);
  vi.stubGlobal("location", { href: HOME, search, hash, replace: leave, assign: leave });
}

async function fakeFetch(input: Request | URL | string, init: RequestInit = {}): Promise<Response> {
  if (input instanceof Request) return answerApi(input);
  if (String(input).endsWith("config.json")) return Response.json(CONFIG);
  const body = init.body as URLSearchParams;
  posts.push({ url: String(input), body, redirect: init.redirect });
  return Promise.resolve(String(input) === CONFIG.tokenUrl ? answerTokens() : new Response());
}

function tokens(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const claims = Buffer.from(JSON.stringify({ nonce, sub: subject })).toString("base64url");
  const access = `access ${posts.length}`;
  return { access_token: access, refresh_token: "refresh", id_token: `e30.${claims}.`, expires_in: 900, ...changes };
}

/** Leaves for the sign-in page, and returns the parameters of its address. */
async function leave(hash = "#/views/7"): Promise<URLSearchParams> {
  at("", hash);
  void Session.start();
  await vi.waitFor(() => {
    expect(gone).toHaveLength(1);
  });
  return asked(gone.pop() ?? "");
}

function asked(url: string): URLSearchParams {
  const parameters = new URL(url).searchParams;
  nonce = parameters.get("nonce") ?? "";
  return parameters;
}

function answerOf(parameters: URLSearchParams): string {
  return `?${new URLSearchParams({ code: "code", state: parameters.get("state") ?? "" })}`;
}

async function signedIn(): Promise<Session> {
  at(answerOf(await leave()), "");
  return Session.start();
}

/** Ends the present access token, and refuses the refresh token. */
function end(): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 24 * 3_600_000 });
  answerTokens = () => new Response("", { status: 400 });
}

/** Starts to sign in again. Resolves when the window shows the sign-in page. */
async function startAgain(session: Session): Promise<{ done: Promise<void>; answer: string }> {
  answerTokens = () => Response.json(tokens());
  const done = session.signInAgain();
  done.catch(() => undefined);
  await vi.waitFor(() => {
    expect(popup.location.href).not.toBe("");
  });
  return { done, answer: answerOf(asked(popup.location.href)) };
}

// -- signing in --------------------------------------------------------------------------------------------------------

test("a sign-in returns to the page that was asked for, and leaves nothing in storage or address", async () => {
  const session = await signedIn();
  expect(await session.token()).toBe("access 1");
  expect(shown).toEqual([`${HOME}#/views/7`]);
  expect(kept.size).toBe(0);
});

test("what is kept over the sign-in cannot be read without its state", async () => {
  const parameters = await leave("#/customers?value=jane");
  const text = [...kept.values()].join();
  expect(text).not.toContain("jane");
  expect(text).not.toContain(parameters.get("nonce"));
  expect(text).not.toContain(parameters.get("state"));
});

test.each(["?code=code&state=forged", "?code=code", "?code=code&state="])(
  "an answer with another state is refused before its code is used: %s",
  async (forged) => {
    await leave();
    at(forged, "");
    await expect(Session.start()).rejects.toThrow(SignInFailed);
    expect(posts).toEqual([]);
  },
);

test("the text of a forged refusal is not shown", async () => {
  await leave();
  at("?error=x&error_description=Call+555", "");
  await expect(Session.start()).rejects.toThrow("not started here");
});

test("an answer is taken once", async () => {
  const answer = answerOf(await leave());
  at(answer, "");
  await Session.start();
  at(answer, "");
  await expect(Session.start()).rejects.toThrow("not started here");
});

test.each([
  { id_token: `e30.${btoa('{"nonce":"other","sub":"ada"}')}.` },
  { id_token: undefined },
  { id_token: "a.b.c" },
])("tokens of another sign-in are refused: %j", async (changes) => {
  at(answerOf(await leave()), "");
  answerTokens = () => Response.json(tokens(changes));
  await expect(Session.start()).rejects.toThrow("belongs to another sign-in");
});

test("a page to return to stays in the console, whatever its address", async () => {
  at(answerOf(await leave("#//evil.example/@x")), "");
  await Session.start();
  expect(new URL(shown[0] ?? "").origin).toBe(new URL(HOME).origin);
});

test("secrets go to the sign-in address alone, and follow no redirect", async () => {
  const session = await signedIn();
  end();
  session.askAgain = () => Promise.reject(new SignInFailed("ended"));
  await expect(session.token()).rejects.toThrow("ended");
  await session.signOut();
  expect(posts.map(({ url, redirect }) => [new URL(url).origin, redirect])).toEqual(
    posts.map(() => ["https://people.example", "error"]),
  );
});

// -- tokens ------------------------------------------------------------------------------------------------------------

test("requests that find the token ended or refused together renew it once", async () => {
  const session = await signedIn();
  const first = await session.token();
  const fresh = await Promise.all([session.renewed(first), session.renewed(first), session.renewed(first)]);
  expect(new Set(fresh).size).toBe(1);
  expect(await session.renewed(first)).toBe(fresh[0]); // The refusal came late: the token is new already.
  expect(posts).toHaveLength(2);
});

test.each([500, 429])("an answer of %i leaves the session alone", async (status) => {
  const session = await signedIn();
  answerTokens = () => new Response("", { status });
  await expect(session.renewed()).rejects.toThrow(NetworkProblem);
  expect(await session.token()).toBe("access 1");
});

test("a request is sent once more after the session ended, with its form", async () => {
  const session = await signedIn();
  useSession(session);
  const sent: string[] = [];
  answerApi = (request) => {
    sent.push(request.headers.get("authorization") ?? "");
    expect(request.redirect).toBe("error");
    return sent.length === 1 ? new Response("", { status: 401 }) : Response.json({ name: "kept" });
  };
  const body = { name: "kept" } as never;
  await call(api.POST("/api/v2/journey/views", { body }));
  expect(sent).toEqual(["Bearer access 1", "Bearer access 2"]);
});

// -- signing in again --------------------------------------------------------------------------------------------------

test("a session that ended goes on after signing in again", async () => {
  const session = await signedIn();
  end();
  session.askAgain = async () => {
    const { done, answer } = await startAgain(session);
    new Channel().postMessage(answer);
    await done;
  };
  expect(await session.token()).toMatch(/^access/);
});

test.each(["?code=code&state=forged", "?error=access_denied", "signed", 7])(
  "signing in again passes over a message that its sign-in cannot open: %s",
  async (forged) => {
    const session = await signedIn();
    const { done, answer } = await startAgain(session);
    const other = new Channel();
    other.postMessage(forged);
    await new Promise((resolve) => setTimeout(resolve, 0));
    other.postMessage(answer);
    await done;
    expect(posts).toHaveLength(2);
  },
);

test("somebody else cannot go on with the page", async () => {
  const session = await signedIn();
  const { done, answer } = await startAgain(session);
  subject = "eve";
  new Channel().postMessage(answer);
  await expect(done).rejects.toThrow("Somebody else signed in");
  expect(await session.token()).toBe("access 1");
});

test("the window of signing in again hands its answer over, and takes none itself", async () => {
  vi.stubGlobal("window", { name: "journeys-sign-in", close: () => gone.push("closed") });
  const heard: unknown[] = [];
  new Channel().addEventListener("message", (message) => heard.push((message as MessageEvent).data));
  at("?code=code&state=of-another-window", "");
  void Session.start();
  await vi.waitFor(() => {
    expect(gone).toEqual(["closed"]);
  });
  expect(heard).toEqual(["?code=code&state=of-another-window"]);
  expect(posts).toEqual([]);
});

test("a closed window ends the wait", async () => {
  const session = await signedIn();
  const { done } = await startAgain(session);
  popup.closed = true;
  await expect(done).rejects.toThrow("was closed");
});

// -- signing out -------------------------------------------------------------------------------------------------------

test("signing out takes the page away in every window, and revokes", async () => {
  const [here, there] = [await signedIn(), await signedIn()];
  const away: string[] = [];
  here.signedOut = () => away.push("here");
  there.signedOut = () => away.push("there");
  await here.signOut();
  expect(away.sort()).toEqual(["here", "there"]);
  expect(posts.filter(({ url }) => url === CONFIG.revokeUrl)).toHaveLength(2);
  expect(gone).toEqual([expect.stringContaining(CONFIG.signOutUrl)]);
  for (const session of [here, there]) {
    session.askAgain = () => Promise.reject(new SignInFailed("ended"));
    await expect(session.token()).rejects.toThrow("ended");
  }
});

test("a token that arrives after the sign-out is dropped", async () => {
  const session = await signedIn();
  const renewed = session.renewed();
  renewed.catch(() => undefined);
  session.askAgain = () => Promise.reject(new SignInFailed("ended"));
  await session.signOut();
  await expect(renewed).rejects.toThrow(SignInFailed);
  await expect(session.token()).rejects.toThrow("ended");
});

// -- paths -------------------------------------------------------------------------------------------------------------

test.each(["", ".", ".."])("an id %j never leads to another operation", async (viewId) => {
  useSession(await signedIn());
  answerApi = () => expect.unreachable("a request was sent");
  const deletion = call(api.DELETE("/api/v2/journey/views/{viewId}", { params: { path: { viewId } } }));
  await expect(deletion).rejects.toThrow("nothing with this id");
});

test.each(["a/../b", "%2e%2e", "..%2f", "?x", "#x"])("an id %j stays one segment", async (viewId) => {
  useSession(await signedIn());
  let path = "";
  answerApi = (request) => {
    path = new URL(request.url).pathname;
    return new Response(undefined, { status: 204 });
  };
  await call(api.DELETE("/api/v2/journey/views/{viewId}", { params: { path: { viewId } } }));
  expect(decodeURIComponent(path)).toBe(`/api/v2/journey/views/${viewId}`);
});

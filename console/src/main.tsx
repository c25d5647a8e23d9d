/** The console starts here: it signs the reader in, asks the API who that is, and shows the page of the address. */

import "./styles/base.css";
import "./styles/shell.css";
import { render } from "preact";
import { api, call, useSession } from "./api/client";
import { ApiProblem } from "./api/problem";
import { Problem } from "./components/states";
import { type Me, MeContext } from "./me";
import { PAGES } from "./pages/pages";
import { parseRoute } from "./routing";
import { HOME } from "./session/config";
import { Session } from "./session/session";
import { Shell } from "./shell";

const app = document.getElementById("app") ?? document.body;

function Start({ session, me }: { session: Session; me: Me }) {
  return (
    <MeContext.Provider value={me}>
      <Shell session={session} />
    </MeContext.Provider>
  );
}

/** A person who may sign in but belongs to no organization, or a start that failed. */
function NotStarted({ error, session }: { error: unknown; session: Session | undefined }) {
  const unregistered = error instanceof ApiProblem && error.status === 403;
  return (
    <main class="not-started stack">
      <h1>{unregistered ? "You have no access yet" : "The console could not start"}</h1>
      {unregistered ? (
        <p>
          You are signed in, but you belong to no organization. Ask an administrator of your organization to invite you,
          with the e-mail address that you signed in with.
        </p>
      ) : (
        <Problem error={error} />
      )}
      <div class="row">
        <button type="button" class="primary" onClick={startAgain}>
          Try again
        </button>
        {session && (
          <button
            type="button"
            onClick={() => {
              void session.signOut();
            }}
          >
            Sign out
          </button>
        )}
      </div>
    </main>
  );
}

/** After a sign-out, here or in another window. Nothing of the page stays. */
function SignedOut() {
  return (
    <main class="not-started stack">
      <h1>You are signed out</h1>
      <div class="row">
        <button type="button" class="primary" onClick={startAgain}>
          Sign in
        </button>
      </div>
    </main>
  );
}

/** Loads the console again, without the answer of a sign-in that may be in the address. */
function startAgain(): void {
  history.replaceState(null, "", HOME + location.hash);
  location.reload();
}

/** Loads the page of an address while the API is asked who the reader is. A failure shows when the page is shown. */
function loadPage(hash: string): void {
  const [first = ""] = parseRoute(hash).path;
  PAGES.find(({ path }) => path === first)
    ?.load()
    .catch(() => undefined);
}

async function start(): Promise<void> {
  let session: Session | undefined;
  try {
    session = await Session.start();
    session.signedOut = () => {
      render(<SignedOut />, app);
    };
    useSession(session);
    loadPage(location.hash);
    const me = await call(api.GET("/api/v2/journey/me"));
    render(<Start session={session} me={me} />, app);
  } catch (error) {
    app.replaceChildren(); // The frame in index.html has a main part of its own.
    render(<NotStarted error={error} session={session} />, app);
  }
}

void start();

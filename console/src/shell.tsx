/** What surrounds every page: the menu, who is signed in, and the request to sign in again. */

import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAction } from "./api/loading";
import { Dialog } from "./components/dialogs";
import { PageLayout } from "./components/layout";
import { Failed, Loading } from "./components/states";
import icon from "./icon.svg";
import { useMe } from "./me";
import { PAGES, type PageEntry, type PageProps } from "./pages/pages";
import { address, mayLeave, useRoute } from "./routing";
import type { Session } from "./session/session";

export function Shell({ session }: { session: Session }) {
  const { path } = useRoute();
  const [first = "", ...rest] = path;
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const me = useMe();
  const offered = PAGES.filter(
    (page) => page.permission === undefined || me.permissions.some((granted) => granted === page.permission),
  );
  const page = PAGES.find((one) => one.path === first);
  const where = path.join("/");
  const visited = useRef(where);
  useEffect(() => {
    if (visited.current === where) return;
    visited.current = where;
    setOpen(false);
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [where]);
  return (
    <div class="shell">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the page
      </a>
      <header class={open ? "open" : ""}>
        <a class="brand" href="#/">
          <img src={icon} alt="" />
          Journeys
        </a>
        <button
          type="button"
          class="menu"
          aria-expanded={open}
          onClick={() => {
            setOpen(!open);
          }}
        >
          Menu
        </button>
        <nav aria-label="Pages">
          <ul>
            {offered
              .filter(({ partOf }) => partOf === undefined)
              .map((one) => (
                <li key={one.path}>
                  <a
                    href={address(one.path ? [one.path] : [])}
                    aria-current={one === page ? "page" : one.path === page?.partOf ? "true" : undefined}
                  >
                    {one.title}
                  </a>
                </li>
              ))}
          </ul>
        </nav>
        <div class="person small">
          <span class="wrap-anywhere">
            <strong>{me.name}</strong>
            <br />
            {me.role && `${me.role}, `}
            {me.organization.name}
          </span>
          <button
            type="button"
            onClick={() => {
              if (mayLeave()) void session.signOut();
            }}
          >
            Sign out
          </button>
          <a href="licenses.txt" target="_blank" rel="noreferrer">
            Licenses
          </a>
        </div>
      </header>
      {}
      <main ref={main} id="main" tabindex={-1}>
        {!page ? (
          <PageLayout title="There is no such page">
            <a href="#/">Go to the first page</a>
          </PageLayout>
        ) : !offered.includes(page) ? (
          <PageLayout title={`You may not see the page ${page.title}`}>
            <p>
              It needs the permission <code>{page.permission}</code>. Ask an administrator of {me.organization.name} for
              another role.
            </p>
          </PageLayout>
        ) : (
          <PageHolder key={page.path} page={page} rest={rest} />
        )}
      </main>
      <SignInAgain session={session} />
    </div>
  );
}

/** Loads the module of a page when it is first shown. */
function PageHolder({ page, rest }: { page: PageEntry } & PageProps) {
  const [module, setModule] = useState<{ default: ComponentType<PageProps> }>();
  const [error, setError] = useState<unknown>();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    setError(undefined);
    page.load().then(setModule, () => {
      setError(new Error("This page could not be loaded. After an update, reload the console."));
    });
  }, [page, turn]);
  if (error !== undefined) {
    return (
      <>
        <Failed error={error} />
        <button
          type="button"
          onClick={() => {
            setTurn(turn + 1);
          }}
        >
          Try again
        </button>
      </>
    );
  }
  if (!module) return <Loading what={page.title} />;
  const Page = module.default;
  return <Page rest={rest} />;
}

/** A dialog over the page, when the session has ended. What was entered stays. */
function SignInAgain({ session }: { session: Session }) {
  const [waiting, setWaiting] = useState<() => void>();
  const action = useAction(() => session.signInAgain());
  useEffect(() => {
    session.askAgain = () =>
      new Promise<void>((resolve) => {
        setWaiting(() => resolve);
      });
  }, [session]);
  if (!waiting) return null;
  return (
    <Dialog title="Your session has ended" onClose={() => undefined}>
      <p>Sign in again to go on. What you entered on this page is kept.</p>
      {action.error !== undefined && <Failed error={action.error} />}
      <div class="row">
        <button
          type="button"
          class="primary"
          disabled={action.running}
          onClick={async () => {
            if (!(await action.run())) return;
            setWaiting(undefined);
            waiting();
          }}
        >
          Sign in
        </button>
      </div>
    </Dialog>
  );
}

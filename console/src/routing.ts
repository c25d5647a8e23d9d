/** Hash routes, such as `#/views/ID?tab=table`. Only the browser sees what follows the `#`: no server logs it. */

import { useSyncExternalStore } from "preact/compat";

/** An address within the console: the segments of its path, and its parameters. */
export interface Route {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

export type Query = Readonly<Record<string, string | number | undefined>>;

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

/** The address of a page, for `href`. Parameters that are undefined or empty are left out. */
export function address(path: readonly string[], query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text && `?${text}`}`;
}

/** Goes to another page, as a link does. `replace` leaves no entry in the browser's history. */
export function go(to: string, { replace = false } = {}): void {
  if (replace) location.replace(to);
  else location.hash = to;
}

/** Changes parameters of the current page. They are part of the address, so that a link shows the same. */
export function setQuery(changes: Query, options?: { replace?: boolean }): void {
  const { path, query } = parseRoute(location.hash);
  go(address(path, { ...Object.fromEntries(query), ...changes }), options);
}

export function useRoute(): Route {
  return parseRoute(useSyncExternalStore(onHashChange, () => location.hash));
}

// -- unsaved changes ---------------------------------------------------------------------------------------------------

let unsaved = "";
let shown = location.hash;

/** While `question` is not empty, the reader is asked before the page is left. Returns the function that ends this. */
export function guardUnsaved(question: string): () => void {
  unsaved = question;
  shown = location.hash; // After a sign-in the address changes without an event.
  return () => {
    unsaved = "";
  };
}

/** Whether the page may be left: nothing is unsaved, or the reader agrees to lose it. */
export function mayLeave(): boolean {
  return !unsaved || confirm(unsaved);
}

addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});

function onHashChange(changed: () => void): () => void {
  const listener = () => {
    // Within one page, only the parameters change: nothing is lost.
    const samePage = parseRoute(shown).path.join("/") === parseRoute(location.hash).path.join("/");
    if (!samePage && !mayLeave()) {
      history.replaceState(null, "", shown || "#/");
      return;
    }
    if (!samePage) unsaved = "";
    shown = location.hash;
    changed();
  };
  addEventListener("hashchange", listener);
  return () => {
    removeEventListener("hashchange", listener);
  };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

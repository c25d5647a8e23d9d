/** The head of a page, sections that load, and the end of a listing. */

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { Listed, Loaded } from "../api/loading";
import { Failed, Loading } from "./states";

interface PageProps {
  title: string;
  /** A sentence on what the page shows. */
  about?: ComponentChildren;
  /** What can be done here, at the right of the title. */
  actions?: ComponentChildren;
  /** Where the page belongs: a link to the page above it. */
  above?: { label: string; href: string };
  children: ComponentChildren;
}

export function PageLayout({ title, about, actions, above, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Journeys`;
  }, [title]);
  return (
    <div class="stack">
      <div class="stack tight">
        {above && (
          <p class="small">
            <a href={above.href}>‹ {above.label}</a>
          </p>
        )}
        <div class="row apart">
          <h1 class="wrap-anywhere">
            <bdi>{title}</bdi>
          </h1>
          {actions && <div class="row">{actions}</div>}
        </div>
        {about && <p class="soft">{about}</p>}
      </div>
      {children}
    </div>
  );
}

/** Shows loaded data; before that, that it loads or why it failed. Data that is there stays while it is loaded again. */
export function WhenLoaded<T>({
  loaded,
  what,
  children,
}: {
  loaded: Loaded<T>;
  what: string;
  children: (data: T) => ComponentChildren;
}) {
  return (
    <>
      {loaded.error !== undefined && <Failed error={loaded.error} retry={loaded.reload} />}
      {loaded.data !== undefined ? children(loaded.data) : loaded.loading && <Loading what={what} />}
    </>
  );
}

/** Shows a listing with a button for its next page; `empty` when it has no items. */
export function WhenListed<T>({
  listed,
  what,
  empty,
  children,
}: {
  listed: Listed<T>;
  what: string;
  empty: ComponentChildren;
  children: (items: readonly T[]) => ComponentChildren;
}) {
  const { items, error, loading, more, loadMore, reload } = listed;
  return (
    <>
      {items.length > 0 && children(items)}
      {error !== undefined && <Failed error={error} retry={reload} />}
      {loading && <Loading what={what} />}
      {!loading && error === undefined && items.length === 0 && !more && empty}
      {!loading && more && (
        <div>
          <button type="button" onClick={loadMore}>
            Load more
          </button>
        </div>
      )}
    </>
  );
}

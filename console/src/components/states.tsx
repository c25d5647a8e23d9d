/** What a part of a page shows while it loads, when it failed, and when there is nothing to show. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiProblem, isRetryable } from "../api/problem";

/** Shown only after a moment, so that quick answers do not flicker. */
export function Loading({ what }: { what: string }) {
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      setVisible(true);
    }, 150);
    return () => {
      clearTimeout(timer);
    };
  }, []);
  return (
    <p class="loading" role="status">
      {visible ? `Loading ${what} …` : ""}
    </p>
  );
}

/** An error with what the reader can do about it. `retry` is offered where the same request may succeed later. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div class="notice bad" role="alert">
      <Problem error={error} />
      {retry && isRetryable(error) && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** The text of an error: what is wrong, what is allowed, and the request's id for the operator. */
export function Problem({ error }: { error: unknown }) {
  return (
    <>
      <p>{error instanceof Error ? error.message : "Something went wrong."}</p>
      {error instanceof ApiProblem && error.status >= 500 && error.contextId && (
        <p class="soft small">
          If this goes on, give an operator the request's id: <code>{error.contextId}</code>
        </p>
      )}
    </>
  );
}

/** There is nothing to show: says why, and what to do next. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

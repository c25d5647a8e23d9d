/** Hooks that load data from the API and give a component its state: loading, failed, or ready. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { NetworkProblem } from "./problem";

export interface Loaded<T> {
  /** The latest data; kept while it is loaded again. */
  readonly data: T | undefined;
  readonly error: unknown;
  readonly loading: boolean;
  /** Loads again. The data stays until the new data is there. */
  readonly reload: () => void;
}

/**
 * Loads data when `key` changes. Answers to an earlier key are dropped.
 *
 * `load` gets a signal that is aborted when the answer is no longer wanted. A key of null loads nothing.
 * What failed for want of a network is loaded again when the browser has one.
 */
export function useLoaded<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ key: string | null; data?: T; error?: unknown; loading: boolean }>({
    key: null,
    loading: key !== null,
  });
  const [turn, setTurn] = useState(0);
  const loader = useRef(load);
  loader.current = load;
  useEffect(() => {
    if (key === null) return undefined;
    const abort = new AbortController();
    setState((before) => (before.key === key ? { ...before, loading: true } : { key, loading: true }));
    loader.current(abort.signal).then(
      (data) => {
        if (!abort.signal.aborted) setState({ key, data, loading: false });
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setState((before) => ({ ...before, key, error, loading: false }));
      },
    );
    return () => {
      abort.abort();
    };
  }, [key, turn]);
  const reload = useCallback(() => {
    setTurn((before) => before + 1);
  }, []);
  useEffect(() => {
    if (!(state.error instanceof NetworkProblem)) return undefined;
    addEventListener("online", reload);
    return () => {
      removeEventListener("online", reload);
    };
  }, [state.error]);
  const current = state.key === key;
  return {
    data: current ? state.data : undefined,
    error: current ? state.error : undefined,
    loading: current ? state.loading : key !== null,
    reload,
  };
}

/** A page of a listing, in either of the API's forms. */
export interface Page<T> {
  readonly entities: readonly T[];
  /** The cursor of the next page. */
  readonly next: string | undefined;
}

export interface Listed<T> {
  readonly items: readonly T[];
  readonly error: unknown;
  readonly loading: boolean;
  /** Whether there are more pages. */
  readonly more: boolean;
  readonly loadMore: () => void;
  readonly reload: () => void;
}

/** Loads a listing page by page. The first page is loaded when `key` changes. */
export function useListing<T>(
  key: string | null,
  load: (after: string | undefined, signal: AbortSignal) => Promise<Page<T>>,
): Listed<T> {
  const [pages, setPages] = useState<{ key: string | null; items: readonly T[]; next: string | undefined }>({
    key: null,
    items: [],
    next: undefined,
  });
  const [after, setAfter] = useState<{ key: string | null; cursor: string | undefined }>({ key, cursor: undefined });
  const cursor = after.key === key ? after.cursor : undefined;
  const pageKey = key === null ? null : `${key}|${cursor ?? ""}`;
  const page = useLoaded(pageKey, (signal) => load(cursor, signal));
  useEffect(() => {
    if (!page.data) return;
    const { entities, next } = page.data;
    setPages((before) => ({
      key,
      next,
      items: cursor !== undefined && before.key === key ? [...before.items, ...entities] : entities,
    }));
  }, [page.data]);
  const own = pages.key === key;
  return {
    items: own ? pages.items : [],
    error: page.error,
    loading: page.loading || (page.data !== undefined && !own),
    more: own && pages.next !== undefined,
    loadMore: () => {
      if (own && pages.next !== undefined) setAfter({ key, cursor: pages.next });
    },
    reload: () => {
      if (cursor === undefined) page.reload();
      else setAfter({ key, cursor: undefined });
    },
  };
}

/** The state of something that the reader started: saving, deleting, computing. */
export interface Action<Arguments extends unknown[]> {
  readonly run: (...args: Arguments) => Promise<boolean>;
  readonly running: boolean;
  readonly error: unknown;
  readonly clear: () => void;
}

/** Runs `act` once at a time. `run` resolves to whether it succeeded; an error is in `error` until the next run. */
export function useAction<Arguments extends unknown[]>(
  act: (...args: Arguments) => Promise<unknown>,
): Action<Arguments> {
  const [state, setState] = useState<{ running: boolean; error: unknown }>({ running: false, error: undefined });
  const busy = useRef(false);
  const latest = useRef(act);
  latest.current = act;
  const run = useCallback(async (...args: Arguments) => {
    if (busy.current) return false;
    busy.current = true;
    setState({ running: true, error: undefined });
    try {
      await latest.current(...args);
      setState({ running: false, error: undefined });
      return true;
    } catch (error) {
      setState({ running: false, error });
      return false;
    } finally {
      busy.current = false;
    }
  }, []);
  return {
    run,
    ...state,
    clear: useCallback(() => {
      setState({ running: false, error: undefined });
    }, []),
  };
}

/** Which job's figures the page shows: the one of the address, or the newest complete one. */

import { useEffect, useRef, useState } from "preact/hooks";
import { follow } from "../../api/following";
import { useLoaded } from "../../api/loading";
import { getJob, type Job, newestComplete, outcome, type Outcome } from "./requests";
import { isUnfinished } from "./status";

export interface FollowedJob {
  readonly job: Job | undefined;
  readonly error: unknown;
  /** Takes the job as a request has answered it. */
  readonly seen: (job: Job) => void;
}

/** A job by its id, looked at again until it has ended. */
export function useJob(viewId: string, version: number, jobId: string | undefined): FollowedJob {
  const loaded = useLoaded(jobId === undefined ? null : `${viewId}|${version}|${jobId}`, (signal) =>
    getJob(viewId, version, jobId ?? "", signal),
  );
  const [latest, setLatest] = useState<Job>();
  const [problem, setProblem] = useState<unknown>();
  const job = jobId !== undefined && latest?.id === jobId ? latest : loaded.data;
  useEffect(() => {
    setProblem(undefined);
    if (!job || !isUnfinished(job.status)) return undefined;
    const look = (signal: AbortSignal) => getJob(viewId, version, job.id, signal);
    const onLook = (seen: Job) => {
      setLatest(seen);
      return isUnfinished(seen.status);
    };
    return follow(look, onLook, setProblem);
  }, [job?.id, isUnfinished(job?.status)]);
  return { job, error: loaded.error ?? problem, seen: setLatest };
}

export interface Shown {
  /** The figures; those of the job before stay until those of the next one are there. */
  readonly outcome: Outcome | undefined;
  /** Whether the figures are those that the address asks for, not those before. */
  readonly current: boolean;
  /** The newest complete job of the version, once it is known. */
  readonly newest: string | undefined;
  /** The job of the address; undefined if the address names none. */
  readonly chosen: FollowedJob;
  readonly error: unknown;
  readonly loading: boolean;
  readonly reload: () => void;
}

export function useShown(viewId: string, version: number, jobId: string | undefined): Shown {
  const key = `${viewId}|${version}`;
  const newest = useLoaded(key, (signal) => newestComplete(viewId, version, signal));
  const isNewest = jobId === undefined || jobId === newest.data;
  const chosen = useJob(viewId, version, isNewest ? undefined : jobId);
  const unfinished = useRef<string>(undefined);
  useEffect(() => {
    if (isUnfinished(chosen.job?.status)) unfinished.current = chosen.job?.id;
    // It may be the newest one now.
    else if (chosen.job && unfinished.current === chosen.job.id) newest.reload();
  }, [chosen.job?.id, chosen.job?.status]);
  const id = isNewest ? newest.data : chosen.job?.status === "Complete" ? jobId : undefined;
  const results = useLoaded(id === undefined ? null : `${key}|${id}`, (signal) =>
    outcome(viewId, version, id ?? "", signal),
  );
  const held = useRef<{ key: string; outcome: Outcome }>(undefined);
  if (results.data) held.current = { key, outcome: results.data };
  const error = isNewest ? (newest.error ?? results.error) : results.error;
  const waiting = isNewest ? newest.loading : chosen.job === undefined || isUnfinished(chosen.job.status);
  const loading = error === undefined && (results.loading || (waiting && chosen.error === undefined));
  const before = loading && held.current?.key === key ? held.current.outcome : undefined;
  return {
    outcome: results.data ?? before,
    current: results.data !== undefined,
    newest: newest.data,
    chosen,
    error,
    loading,
    reload: () => {
      newest.reload();
      results.reload();
    },
  };
}

/** The state of a job: its badge, and its progress while it is computed. */

import { useEffect, useRef, useState } from "preact/hooks";
import { follow } from "../../api/following";
import { useAction } from "../../api/loading";
import { Failed } from "../../components/states";
import { Time } from "../../components/times";
import { useMay } from "../../me";
import { cancelJob, createJob, getJob, type Job, latestJob, type Status } from "./requests";

const LOOKS: Record<Status, { text: string; look: string; mark: string }> = {
  Accepted: { text: "Waiting", look: "", mark: "◌" },
  Scheduled: { text: "Scheduled", look: "", mark: "◌" },
  Executing: { text: "Computing", look: "", mark: "◔" },
  Complete: { text: "Complete", look: "good", mark: "✓" },
  Failed: { text: "Failed", look: "bad", mark: "✕" },
  Cancelled: { text: "Canceled", look: "warn", mark: "–" },
};

export function StatusBadge({ status }: { status: Status }) {
  const { text, look, mark } = LOOKS[status];
  return (
    <span class={`badge ${look}`}>
      <span aria-hidden="true">{mark}</span>
      {text}
    </span>
  );
}

/** What a job without options computes. */
export const THIS_VIEW = "The figures of this view";

export function isUnfinished(status: Status | undefined): boolean {
  return status === "Accepted" || status === "Executing" || status === "Scheduled";
}

export interface Computation {
  /** The latest job of the version; undefined before it is known, and if there is none. */
  readonly job: Job | undefined;
  readonly known: boolean;
  readonly error: unknown;
  readonly starting: boolean;
  readonly start: () => void;
  readonly cancel: () => void;
  readonly stopping: boolean;
}

/** The latest job of a version, followed while it is computed. `onComplete` is called when it has become complete. */
export function useComputation(viewId: string, version: number | undefined, onComplete: () => void): Computation {
  const [job, setJob] = useState<Job>();
  const [known, setKnown] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const completed = useRef(onComplete);
  completed.current = onComplete;
  useEffect(() => {
    setKnown(false);
    setJob(undefined);
    setProblem(undefined);
    if (version === undefined) return undefined;
    const abort = new AbortController();
    latestJob(viewId, version, abort.signal).then(
      (latest) => {
        setJob(latest);
        setKnown(true);
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setProblem(error);
      },
    );
    return () => {
      abort.abort();
    };
  }, [viewId, version]);
  useEffect(() => {
    if (!job || version === undefined || !isUnfinished(job.status)) return undefined;
    const look = (signal: AbortSignal) => getJob(viewId, version, job.id, signal);
    const onLook = (seen: Job) => {
      setJob(seen);
      if (seen.status === "Complete") completed.current();
      return isUnfinished(seen.status);
    };
    return follow(look, onLook, setProblem);
  }, [job?.id, isUnfinished(job?.status)]);
  const start = useAction(async () => {
    if (version !== undefined) setJob(await createJob(viewId, version));
    setProblem(undefined);
  });
  const cancel = useAction(async () => {
    if (job) setJob(await cancelJob(job));
  });
  return {
    job,
    known,
    error: start.error ?? cancel.error ?? problem,
    starting: start.running,
    start: () => void start.run(),
    cancel: () => void cancel.run(),
    stopping: cancel.running,
  };
}

interface ProgressProps {
  status: Status;
  /** What is computed, in the plural: "The figures of this view". */
  what: string;
  cancel: () => void;
  stopping: boolean;
}

/** A job that has not ended. It goes on without its reader, who may cancel it. */
export function Progress({ status, what, cancel, stopping }: ProgressProps) {
  const mayCancel = useMay("viewsJobs:edit");
  return (
    <div class="notice">
      <p>
        <StatusBadge status={status} /> {what} {status === "Executing" ? "are being computed" : "wait for their turn"}.
        You can leave this page: the computation goes on.
      </p>
      <progress aria-label={`Computation: ${what}`} />
      {mayCancel && (
        <button type="button" disabled={stopping} onClick={cancel}>
          Cancel computation<span class="unseen">: {what}</span>
        </button>
      )}
    </div>
  );
}

/** What the latest computation does, or why it gave no result. */
export function ComputationState({ computation }: { computation: Computation }) {
  const { job, error, cancel, stopping } = computation;
  return (
    <div class="view-computation" role="status">
      {error !== undefined && <Failed error={error} />}
      {job && isUnfinished(job.status) && (
        <Progress status={job.status} what={THIS_VIEW} cancel={cancel} stopping={stopping} />
      )}
      {job?.status === "Failed" && (
        <div class="notice bad">
          <p>
            <StatusBadge status="Failed" /> The latest computation failed{" "}
            {job.dateCompleted && <Time value={job.dateCompleted} show="relative" />}. {job.error?.message}
          </p>
        </div>
      )}
      {job?.status === "Cancelled" && (
        <div class="notice warn">
          <p>
            <StatusBadge status="Cancelled" /> The latest computation was canceled.
          </p>
        </div>
      )}
    </div>
  );
}

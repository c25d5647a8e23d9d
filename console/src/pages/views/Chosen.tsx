/** The state of the job that the address names, where it has no figures to show. */

import type { ComponentChildren } from "preact";
import { useAction } from "../../api/loading";
import { ApiProblem } from "../../api/problem";
import { Failed } from "../../components/states";
import { setQuery } from "../../routing";
import { cancelJob } from "./requests";
import { type FollowedJob } from "./shown";
import { isUnfinished, Progress } from "./status";
import { NOTHING_ASKED } from "./useAsked";

interface Props {
  followed: FollowedJob;
  /** What is computed, in the plural: "The figures of version 2". */
  what: string;
  /** Computes the same again, where the address says what it was. */
  again?: { readonly run: () => Promise<unknown>; readonly running: boolean } | undefined;
}

export function ChosenState({ followed: { job, error, seen }, what, again }: Props) {
  const cancel = useAction(async () => {
    if (job) seen(await cancelJob(job));
  });
  if (error instanceof ApiProblem && error.status === 404) {
    return (
      <Missing again={again} text={`${what} no longer exist.`}>
        Results are kept for 90 days, unless your operator chose another time.
      </Missing>
    );
  }
  if (error !== undefined) return <Failed error={error} />;
  if (job && isUnfinished(job.status)) {
    return (
      <div role="status">
        <Progress status={job.status} what={what} cancel={() => void cancel.run()} stopping={cancel.running} />
        {cancel.error !== undefined && <Failed error={cancel.error} />}
      </div>
    );
  }
  if (job?.status === "Failed" || job?.status === "Cancelled") {
    return (
      <Missing
        again={again}
        text={
          job.status === "Failed" ? `${what} could not be computed.` : `${what} were not computed: it was canceled.`
        }
      >
        {job.error?.message}
      </Missing>
    );
  }
  return null;
}

interface MissingProps {
  text: string;
  again: Props["again"];
  children?: ComponentChildren;
}

/** Something that the address asks for is not there. */
export function Missing({ text, again, children }: MissingProps) {
  return (
    <div class="notice warn" role="alert">
      <p>
        <strong>{text}</strong> {children}
      </p>
      <div class="row">
        {again && (
          <button type="button" class="primary" disabled={again.running} onClick={() => void again.run()}>
            Compute again
          </button>
        )}
        <button
          type="button"
          onClick={() => {
            setQuery(NOTHING_ASKED);
          }}
        >
          Show the newest figures
        </button>
      </div>
    </div>
  );
}

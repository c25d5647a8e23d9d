/** The state of the job that the address names, where it has no figures to show. */

import type { ComponentChildren } from "preact";
import { ApiProblem } from "../../api/problem";
import { Failed } from "../../components/states";
import { setQuery } from "../../routing";
import { type FollowedJob } from "./shown";
import { isUnfinished, StatusBadge } from "./status";
import { NOTHING_ASKED } from "./useAsked";

interface Props {
  followed: FollowedJob;
  /** What is computed: "The figures", "The other figures". */
  what: string;
  /** Computes the same again, where the address says what it was. */
  again?: { readonly run: () => Promise<unknown>; readonly running: boolean } | undefined;
}

export function ChosenState({ followed: { job, error }, what, again }: Props) {
  if (error instanceof ApiProblem && error.status === 404) {
    return (
      <Missing again={again} text={`${what} of this address no longer exist.`}>
        Results are kept for 90 days, unless your operator chose another time.
      </Missing>
    );
  }
  if (error !== undefined) return <Failed error={error} />;
  if (job && isUnfinished(job.status)) {
    return (
      <div class="notice" role="status">
        <p>
          <StatusBadge status={job.status} /> {what} are being computed. You can leave this page: it goes on, and this
          address will show the result.
        </p>
        <progress aria-label={`Computation of ${what.toLowerCase()}`} />
      </div>
    );
  }
  if (job?.status === "Failed" || job?.status === "Cancelled") {
    return (
      <Missing
        again={again}
        text={
          job.status === "Failed" ? `${what} could not be computed.` : `The computation of this address was canceled.`
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

/** Starts the jobs of breakdowns and comparisons. The address has what was asked, and the ids of the jobs. */

import { useRef } from "preact/hooks";
import { useAction } from "../../api/loading";
import { useMay } from "../../me";
import { setQuery, useRoute } from "../../routing";
import { type By, byOptions, byText, parseBy, parseWith, type With, withOptions, withText } from "./asked";
import { createJob, type View } from "./requests";
import type { Shown } from "./shown";

export interface Asked {
  readonly by: By | undefined;
  readonly compared: With | undefined;
  /** The id of the job that the figures are compared with. */
  readonly otherId: string | undefined;
  readonly breakDown: (by: By) => Promise<void>;
  readonly compare: (asked: With) => Promise<void>;
  /** Whether the reader has just asked: the result takes the focus, which brings it into view. */
  readonly fresh: { current: boolean };
  /** Computes again what the address asks; undefined if it asks for the figures alone, or the reader may not compute. */
  readonly again: ReturnType<typeof useAction<[]>> | undefined;
}

/** The parameters of an address that a breakdown or a comparison sets. */
export const NOTHING_ASKED = { by: undefined, with: undefined, other: undefined, job: undefined, who: undefined };

export function useAsked(viewId: string, version: number, view: View, { newest }: Shown): Asked {
  const { query } = useRoute();
  const by = parseBy(query.get("by"));
  const compared = parseWith(query.get("with"));
  const fresh = useRef(false);
  const breakDown = async (next: By) => {
    const { id } = await createJob(viewId, version, byOptions(next));
    fresh.current = true;
    setQuery({ ...NOTHING_ASKED, by: byText(next), job: id });
  };
  const compare = async (next: With) => {
    const otherVersion = next.kind === "version" ? next.version : version;
    const other = await createJob(viewId, otherVersion, withOptions(next));
    // A time frame that ends now has moved on since the newest result: both sides are computed at the same time. The
    // other side comes first, so that the period before never reaches into this one.
    const moved = view.duration !== undefined && next.kind !== "interval";
    const job = moved || newest === undefined ? (await createJob(viewId, version)).id : newest;
    fresh.current = true;
    setQuery({ ...NOTHING_ASKED, with: withText(next), job, other: other.id });
  };
  const may = useMay("viewsJobs:add");
  const again = useAction(async () => {
    if (by) await breakDown(by);
    else if (compared) await compare(compared);
  });
  return {
    by,
    compared,
    otherId: query.get("other") ?? undefined,
    breakDown,
    compare,
    fresh,
    again: may && (by || compared) ? again : undefined,
  };
}

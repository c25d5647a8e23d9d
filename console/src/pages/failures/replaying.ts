/** A replay of many failures: requests that each run for a bounded time, until all are done or the reader stops it. */

import type { Model } from "../../api/client";

export type ReplayFilter = Model<"ReplayFilter">;
type Result = Model<"ReplayResult">;

export interface Progress {
  readonly replayed: number;
  readonly created: number;
  readonly duplicate: number;
  readonly failed: number;
  readonly ignored: number;
  /** How many failed again, by reason, most first. */
  readonly failedReasons: readonly Model<"ReasonCount">[];
  /** What the last request did not reach; the API counts 1,000 at most. */
  readonly remaining: number;
  readonly complete: boolean;
}

export const NOTHING: Progress = {
  replayed: 0,
  created: 0,
  duplicate: 0,
  failed: 0,
  ignored: 0,
  failedReasons: [],
  remaining: 0,
  complete: false,
};

/** The progress after one more response. */
export function added(progress: Progress, result: Result): Progress {
  const reasons = new Map(progress.failedReasons.map((one) => [one.reason, one.count]));
  for (const { reason, count } of result.failedReasons) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  return {
    replayed: progress.replayed + result.replayed,
    created: progress.created + result.created,
    duplicate: progress.duplicate + result.duplicate,
    failed: progress.failed + result.failed,
    ignored: progress.ignored + result.ignored,
    failedReasons: [...reasons]
      .map(([reason, count]) => ({ reason, count }))
      .sort((one, other) => other.count - one.count),
    remaining: result.remaining ?? 0,
    complete: result.complete,
  };
}

/**
 * Replays all that match a filter; yields the progress after each request.
 *
 * Without an end of its period, the replay ends at `now`: a failure that fails again gets a later date, and must not
 * be replayed over and over. The filter has to be the same in all requests, since the cursors belong to it.
 */
export async function* replayAll(
  filter: ReplayFilter,
  now: string,
  send: (filter: ReplayFilter) => Promise<Result>,
): AsyncGenerator<Progress> {
  const fixed = { ...filter, to: filter.to ?? now };
  let progress = NOTHING;
  let cursor: string | null = null;
  do {
    const result: Result = await send({ ...fixed, cursor });
    progress = added(progress, result);
    cursor = result.nextCursor ?? null;
    if (cursor === null) progress = { ...progress, complete: true };
    yield progress;
  } while (!progress.complete);
}

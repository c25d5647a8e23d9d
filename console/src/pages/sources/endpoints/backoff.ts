/** When to ask again for something that somebody else has to do first. */

const FIRST = 1_000;
const LONGEST = 10_000;
const GROWTH = 1.4;

/** Milliseconds to wait before the next request. `attempt` is how many requests in a row brought nothing new. */
export function delayBefore(attempt: number): number {
  return Math.min(LONGEST, Math.round(FIRST * GROWTH ** attempt));
}

/** Milliseconds after which waiting stops until the reader asks for more. */
export const PATIENCE = 15 * 60_000;

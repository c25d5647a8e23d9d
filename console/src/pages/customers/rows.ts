/** The rows of a timeline: events, and the days to which they belong. */

import { localDate } from "../../formats";

export interface Dated {
  readonly id: string;
  readonly dateCreated: string;
}

export type Row<T> =
  | { readonly day: string; readonly event: undefined; readonly number: number }
  | { readonly day: string; readonly event: T; readonly number: number };

/** Calculating the local date of an event takes longer than all else here, so it is done once. */
const days = new WeakMap<object, string>();

function dayOf(event: Dated): string {
  let day = days.get(event);
  if (day === undefined) {
    day = localDate(event.dateCreated);
    days.set(event, day);
  }
  return day;
}

/** The events in their order, with a row before the first event of each day. `number` counts the events from 1. */
export function rowsOf<T extends Dated>(events: readonly T[]): Row<T>[] {
  const rows: Row<T>[] = [];
  let day = "";
  events.forEach((event, index) => {
    if (dayOf(event) !== day) {
      day = dayOf(event);
      rows.push({ day, event: undefined, number: index + 1 });
    }
    rows.push({ day, event, number: index + 1 });
  });
  return rows;
}

/** The next row with an event in a direction, or the same row if there is none. */
export function neighbor(rows: readonly Row<unknown>[], from: number, step: 1 | -1): number {
  for (let index = from + step; index >= 0 && index < rows.length; index += step) {
    if (rows[index]?.event !== undefined) return index;
  }
  return from;
}

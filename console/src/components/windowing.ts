/** Long lists of which only the rows in sight are in the document. */

import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Pixels above and below the visible part in which rows are drawn as well. */
const MARGIN = 250;

/** The rows from `first` up to and without `end`. */
export interface Range {
  readonly first: number;
  readonly end: number;
}

/** Where each row begins, from the heights of the rows. The last entry is the height of all. */
export function offsetsOf(heights: ArrayLike<number>): Float64Array {
  const offsets = new Float64Array(heights.length + 1);
  for (let index = 0; index < heights.length; index += 1) {
    offsets[index + 1] = (offsets[index] ?? 0) + (heights[index] ?? 0);
  }
  return offsets;
}

/** The rows that lie between two heights, at least in part. */
export function rangeBetween(offsets: Float64Array, top: number, bottom: number): Range {
  const rows = offsets.length - 1;
  const first = Math.min(Math.max(rowAt(offsets, top), 0), rows);
  return { first, end: Math.max(first, Math.min(rowAt(offsets, bottom) + 1, rows)) };
}

/** The last row that begins at or above a height; -1 above the first. */
export function rowAt(offsets: Float64Array, height: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] ?? Infinity) <= height) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** What of the list is in sight, as the page scrolls: the rows to draw, and the height at the top of the window. */
export function useWindow(
  list: RefObject<HTMLElement | null>,
  offsets: Float64Array,
): Range & { readonly top: number } {
  const [seen, setSeen] = useState<Range & { top: number }>({ first: 0, end: 30, top: 0 });
  useEffect(() => {
    const look = () => {
      if (!list.current) return;
      const top = -list.current.getBoundingClientRect().top;
      const { first, end } = rangeBetween(offsets, top - MARGIN, top + innerHeight + MARGIN);
      setSeen((before) =>
        before.first === first && before.end === end && rowAt(offsets, before.top) === rowAt(offsets, top)
          ? before
          : { first, end, top },
      );
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [offsets]);
  return { ...seen, end: Math.min(seen.end, offsets.length - 1) };
}

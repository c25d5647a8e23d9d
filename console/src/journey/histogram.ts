/**
 * Where the bars and the marks of a duration's histogram stand. The scale is logarithmic. The area of a bar is its
 * customers: bars have different widths, so heights of counts would show peaks that are not in the data.
 */

import { shortDuration } from "../formats";
import type { Duration } from "./model";

export type Bar = Duration["histogram"][number];

/** A place along the axis: 0 is its start and 1 its end. */
type Place = number;

export interface DrawnBar {
  readonly bar: Bar;
  readonly start: Place;
  readonly width: number;
  /** 1 is the height of the highest bar. */
  readonly height: number;
}

export interface Histogram {
  readonly bars: readonly DrawnBar[];
  readonly ticks: readonly { readonly at: Place; readonly text: string }[];
  /** The place of a duration in milliseconds. */
  readonly place: (milliseconds: number) => Place;
}

/** Few bars do not fill the axis: they would look like walls. Fewer than these get a part of it. */
const FILLING = 12;
/** Ticks are at least this far from each other, as a part of the axis, and half of it from its ends. */
const TICK_GAP = 0.2;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ROUND = [
  ...[1, 10, 100, SECOND, 10 * SECOND, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR],
  ...[DAY, 7 * DAY, 30 * DAY, 100 * DAY, 365 * DAY],
];

export function histogram(bars: readonly Bar[]): Histogram {
  // Of 1 + x, since a duration can be 0.
  const [low, high] = [Math.log1p(bars[0]?.from ?? 0), Math.log1p(bars.at(-1)?.to ?? 1)];
  const filled = Math.min(1, bars.length / FILLING);
  const place = (milliseconds: number) => {
    const along = (Math.log1p(milliseconds) - low) / (high - low);
    return (1 - filled) / 2 + filled * Math.min(1, Math.max(0, along));
  };
  const drawn = bars.map((bar) => {
    const [start, end] = [place(bar.from), place(bar.to)];
    return { bar, start, width: end - start, density: bar.customerCount / (end - start) };
  });
  const most = Math.max(...drawn.map(({ density }) => density)) || 1;
  return {
    bars: drawn.map(({ density, ...one }) => ({ ...one, height: density / most })),
    ticks: ticks(bars, place),
    place,
  };
}

/** Round durations that fit beside each other; the edges of the bars where there are fewer than two. */
function ticks(bars: readonly Bar[], place: (milliseconds: number) => Place): Histogram["ticks"] {
  const [low, high] = [bars[0]?.from, bars.at(-1)?.to];
  if (low === undefined || high === undefined) return [];
  const fitting: number[] = [];
  for (const one of ROUND.filter((value) => value >= low && value <= high)) {
    const last = fitting.at(-1);
    const at = place(one);
    if (at < TICK_GAP / 2 || at > 1 - TICK_GAP / 2) continue;
    if (last === undefined || at - place(last) >= TICK_GAP) fitting.push(one);
  }
  const shown = fitting.length > 1 ? fitting : place(high) - place(low) < TICK_GAP ? [low] : [low, high];
  return shown.map((one) => ({ at: place(one), text: shortDuration(one) }));
}

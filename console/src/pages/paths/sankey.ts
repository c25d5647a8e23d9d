/**
 * Where the steps of paths are drawn: a column per level with a bar per step, and a band from each bar to what follows it.
 *
 * Bars stand in the order of the tree, each no higher than its band begins at the step before. Bands therefore never cross.
 */

import type { Branch, Figures } from "./tree";

/** What heights stand for. Paths of a step add up to those of what follows; a customer can take several of them. */
export type Measure = keyof Figures;

export interface Bar {
  readonly branch: Branch;
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

/** A band between two bars, from top to bottom on either side. */
export interface Band {
  readonly branch: Branch;
  readonly from: { readonly x: number; readonly top: number; readonly bottom: number };
  readonly to: { readonly x: number; readonly top: number; readonly bottom: number };
}

export interface Picture {
  readonly bars: readonly Bar[];
  readonly bands: readonly Band[];
  /** The left edge of each level's column. */
  readonly columns: readonly number[];
  readonly width: number;
  readonly height: number;
}

export interface Sizes {
  /** Pixels from one column to the next. */
  readonly pitch: number;
  /** Whether later levels stand further left. */
  readonly mirrored: boolean;
}

export const BAR_WIDTH = 14;
/** The height of the start's bar. */
export const START_HEIGHT = 320;
/** Bars of few customers can still be seen. */
export const LEAST_HEIGHT = 3;
/** The height of a text in two lines, its name and its figures, and in one. */
const TWO_LINES = 34;
const ONE_LINE = 18;
/** The least pitch at which the name and the figures of an outcome fit one line, as "Earlier steps 12,345 · 30%" does. */
const PITCH_OF_ONE_LINE = 220;
/** Pixels between a bar and its text. */
export const BESIDE = 6;
/** The button that hides what follows: its radius, and that of what can be pressed. */
export const BUTTON = { radius: 7, reach: 12 };
const GAP = 8;
/** Where the bars begin: the titles of the columns are above them, and buttons at their sides. */
const TOP = 34;
export const SIDE = 26;

export function draw(root: Branch, measure: Measure, { pitch, mirrored }: Sizes): Picture {
  const scale = START_HEIGHT / Math.max(1, root.figures[measure]);
  const bars: Bar[] = [];
  const bands: Band[] = [];
  const levels = levelsOf(root);
  const width = 2 * SIDE + levels * pitch;
  const columns = Array.from({ length: levels }, (_, level) =>
    mirrored ? width - SIDE - BAR_WIDTH - level * pitch : SIDE + level * pitch,
  );
  const free: number[] = columns.map(() => TOP);
  const add = (branch: Branch, wanted: number): Bar => {
    const { level, figures, outcome, next } = branch;
    const height = Math.max(LEAST_HEIGHT, figures[measure] * scale);
    const y = Math.max(wanted, free[level] ?? TOP);
    const x = columns[level] ?? 0;
    free[level] = y + Math.max(height, outcome && outcomesHaveOneLine(pitch) ? ONE_LINE : TWO_LINES) + GAP;
    const bar = { branch, x, y, height };
    bars.push(bar);
    const all = next.reduce((sum, one) => sum + one.figures[measure], 0);
    const share = scale * Math.min(1, figures[measure] / Math.max(1, all));
    let top = y;
    for (const one of next) {
      const bottom = top + one.figures[measure] * share;
      const target = add(one, top);
      const [start, end] = mirrored ? [x, target.x + BAR_WIDTH] : [x + BAR_WIDTH, target.x];
      const to = { x: end, top: target.y, bottom: target.y + target.height };
      bands.push({ branch: one, from: { x: start, top, bottom }, to });
      top = bottom;
    }
    return bar;
  };
  add(root, TOP);
  return { bars, bands, columns, width, height: Math.max(...free) };
}

/** Whether what became of paths has its name and its figures in one line. */
export function outcomesHaveOneLine(pitch: number): boolean {
  return pitch >= PITCH_OF_ONE_LINE;
}

/** Pixels that a text has: up to the buttons at the bars of the next column. */
export function textRoom(pitch: number): number {
  return pitch - BAR_WIDTH - BESIDE - BUTTON.reach - BUTTON.radius - 2;
}

function levelsOf(branch: Branch): number {
  return Math.max(branch.level + 1, ...branch.next.map(levelsOf));
}

/** The outline of a band, level at both ends. */
export function bandPath({ from, to }: Band): string {
  const middle = round((from.x + to.x) / 2);
  const [x, end] = [round(from.x), round(to.x)];
  const [top, bottom, toTop, toBottom] = [from.top, from.bottom, to.top, to.bottom].map(round);
  return `M${x},${top}C${middle},${top} ${middle},${toTop} ${end},${toTop}V${toBottom}C${middle},${toBottom} ${middle},${bottom} ${x},${bottom}Z`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/**
 * The key of the branch that a key on the keyboard leads to; undefined where it leads nowhere.
 *
 * The arrow to the next column leads to the greatest continuation, the opposite one to the step before. Up and down go
 * through a column, also across steps.
 */
export function branchAfterKey(bars: readonly Bar[], at: string, key: string, mirrored: boolean): string | undefined {
  const bar = bars.find(({ branch }) => branch.key === at);
  if (!bar) return undefined;
  const { branch } = bar;
  const column = bars.filter((one) => one.branch.level === branch.level).map((one) => one.branch.key);
  const place = column.indexOf(at);
  const [on, back] = mirrored ? ["ArrowLeft", "ArrowRight"] : ["ArrowRight", "ArrowLeft"];
  switch (key) {
    case on:
      return branch.next[0]?.key;
    case back:
      return bars.find((one) => one.branch.next.some((next) => next.key === at))?.branch.key;
    case "ArrowDown":
      return column[place + 1];
    case "ArrowUp":
      return column[place - 1];
    case "Home":
      return bars[0]?.branch.key;
    case "End":
      return column.at(-1);
    default:
      return undefined;
  }
}

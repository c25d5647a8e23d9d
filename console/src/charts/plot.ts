/** Draws a panel of a chart with Observable Plot. This module is loaded when a chart is shown: it is large. */

import * as Plot from "@observablehq/plot";
import { number, shortNumber } from "../formats";
import type { Group } from "../journey/who";
import { axisLabel, type ChartData, type Drawn, periodLabel, type TimeUnit } from "./data";

const HEIGHT = 240;
/** Pixels that a label along the axis takes. */
const LABEL_WIDTH = 68;
const BAR_HEIGHT = 22;
/** Letters of a group's name beside its bar. */
const LABEL_LENGTH = 22;
/** Shapes of points, so that color is not all that tells lines apart. */
const SYMBOLS = ["circle", "square", "triangle", "diamond", "star", "cross", "wye", "plus"] as const;

interface Datum {
  readonly at: string;
  readonly series: string;
  readonly value: number;
  readonly group: Group | undefined;
}

interface Options {
  readonly data: Pick<ChartData, "kind" | "unit">;
  readonly drawn: Drawn;
  /** The name of the values: "orders". */
  readonly metric: string;
  readonly width: number;
  /** A bar or a point was clicked. */
  readonly onGroup?: ((group: Group) => void) | undefined;
}

export function draw({ data, drawn, metric, width, onGroup }: Options): Element {
  const { axis, series } = drawn;
  const rows = series.map(({ name, values, groups }) =>
    values.flatMap((value, position): Datum[] =>
      value === undefined ? [] : [{ at: axis[position] ?? "", series: name, value, group: groups[position] }],
    ),
  );
  const title = ({ at, series: name, value }: Datum) =>
    [periodLabel(data.unit, at), name, `${number(value)} ${metric}`, onGroup && "Click to see who"]
      .filter(Boolean)
      .join("\n");
  const picture = { Column: columns, Bar: bars, Line: lines }[data.kind]({ axis, series, rows, title, data, width });
  // The policy of the page refuses the style sheet that Plot writes into its picture. charts.css has its rules.
  picture.querySelector("style")?.remove();
  picture.removeAttribute("class");
  if (onGroup) listen(picture, onGroup);
  return picture;
}

/** The value of a picture is the datum that the pointer is at. */
function listen(picture: Element, onGroup: (group: Group) => void): void {
  picture.addEventListener("click", () => {
    const { value } = picture as Element & { value?: Datum | null };
    if (value?.group) onGroup(value.group);
  });
}

interface Parts {
  axis: readonly string[];
  series: Drawn["series"];
  rows: readonly (readonly Datum[])[];
  title: (datum: Datum) => string;
  data: Options["data"];
  width: number;
}

function color(index: number): string {
  return `var(--series-${index + 1})`;
}

/** The labels along an axis: only as many as fit. */
function spaced(axis: readonly string[], unit: TimeUnit | undefined, width: number): (at: string) => string {
  const step = Math.max(1, Math.ceil(axis.length / Math.max(1, Math.floor(width / LABEL_WIDTH))));
  const label = axisLabel(unit, axis);
  const shown = new Set(axis.filter((_, position) => position % step === 0));
  return (at) => (shown.has(at) ? label(at) : "");
}

/** Upright bars; with several series, a group of bars for each place on the axis. */
function columns({ axis, series, rows, title, data, width }: Parts): Element {
  const grouped = series.length > 1;
  const places = grouped ? { fx: "at", x: "series" } : { x: "at" };
  const along = { domain: axis, padding: 0.15, label: null, tickFormat: spaced(axis, data.unit, width), tickSize: 0 };
  return Plot.plot({
    width,
    height: HEIGHT,
    marginLeft: 52,
    marginBottom: 34,
    ...(grouped
      ? { fx: { ...along, axis: "bottom" }, x: { axis: null, domain: series.map(({ name }) => name), padding: 0.05 } }
      : { x: along }),
    y: { label: null, grid: true, zero: true, tickFormat: shortNumber, ticks: 5 },
    marks: [
      Plot.ruleY([0]),
      ...rows.map((values, index) => Plot.barY(values, { ...places, y: "value", fill: color(index) })),
      Plot.tip(rows.flat(), Plot.pointerX({ ...places, y: "value", title })),
    ],
  });
}

/** Bars to the right, with room for the names of groups. */
function bars({ axis, series, rows, title, data, width }: Parts): Element {
  const grouped = series.length > 1;
  const places = grouped ? { fy: "at", y: "series" } : { y: "at" };
  const tickFormat = (at: string) => {
    const label = periodLabel(data.unit, at);
    return label.length > LABEL_LENGTH ? `${label.slice(0, LABEL_LENGTH - 1)}…` : label;
  };
  const longest = Math.max(0, ...axis.map((at) => tickFormat(at).length));
  const along = { domain: axis, padding: 0.2, label: null, tickFormat, tickSize: 0 };
  return Plot.plot({
    width,
    height: axis.length * BAR_HEIGHT * Math.max(1, series.length * 0.7) + 60,
    marginLeft: Math.min(170, 24 + longest * 7),
    marginBottom: 34,
    ...(grouped
      ? { fy: { ...along, axis: "left" }, y: { axis: null, domain: series.map(({ name }) => name), padding: 0.05 } }
      : { y: along }),
    x: { label: null, grid: true, zero: true, tickFormat: shortNumber, ticks: Math.max(2, Math.floor(width / 90)) },
    marks: [
      Plot.ruleX([0]),
      ...rows.map((values, index) => Plot.barX(values, { ...places, x: "value", fill: color(index) })),
      Plot.tip(rows.flat(), Plot.pointerY({ ...places, x: "value", title })),
    ],
  });
}

function lines({ axis, rows, title, data, width }: Parts): Element {
  const place = { x: "at", y: "value" };
  return Plot.plot({
    width,
    height: HEIGHT,
    marginLeft: 52,
    marginBottom: 34,
    x: { type: "point", domain: axis, label: null, tickFormat: spaced(axis, data.unit, width), tickSize: 0 },
    y: { label: null, grid: true, zero: true, tickFormat: shortNumber, ticks: 5 },
    marks: [
      Plot.ruleY([0]),
      ...rows.flatMap((values, index) => [
        Plot.lineY(values, { ...place, stroke: color(index), strokeWidth: 2 }),
        Plot.dot(values, { ...place, fill: color(index), symbol: SYMBOLS[index] ?? "circle", r: 3.5 }),
      ]),
      Plot.tip(rows.flat(), Plot.pointer({ ...place, title })),
    ],
  });
}

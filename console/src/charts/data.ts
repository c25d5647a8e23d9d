/** A chart's result as series along an axis. */

import type { Model } from "../api/client";
import type { Group } from "../journey/who";

type Chart = Model<"JourneyViewChart">;
type Metric = Model<"JourneyViewChartMetric">;
type Result = Model<"ViewChartResult">;
export type TimeUnit = NonNullable<Chart["groupByTime"]>;
export type ChartKind = "Column" | "Bar" | "Line";

/** Values in the order of the axis; undefined where a group has no value. */
export interface Series {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
  /** The groups that the values are of, as the API names them; undefined where the result has none. */
  readonly groups: readonly (Group | undefined)[];
}

/** One metric of a chart. Each metric has a picture of its own, since their units differ. */
export interface Panel {
  readonly metric: Metric;
  readonly series: readonly Series[];
}

export interface ChartData {
  readonly kind: ChartKind;
  readonly unit: TimeUnit | undefined;
  /** The groups along the axis: periods such as 2026-W40 without gaps, or values of an attribute. */
  readonly axis: readonly string[];
  readonly panels: readonly Panel[];
}

/** The `attribute` of a group's entry that names the time. */
const TIME = "groupByTime";
export const NO_VALUE = "no value";
/** Counts of a group without events are zero; other metrics have no value then. */
const COUNTS: readonly string[] = ["EventCount", "CustomerCount"];

/**
 * The data of a chart. The first group is the axis; further groups are the series. So a chart by week and category has
 * weeks along the axis, and a series for each category.
 */
export function chartData(chart: Chart, result: Result): ChartData {
  const metrics = (chart.metrics ?? []).map((metric) => ({ metric, groups: groupsOf(chart, metric, result) }));
  const seen = [...new Set(metrics.flatMap(({ groups }) => groups.map(({ at }) => at)))];
  const unit = chart.groupByTime;
  const axis = unit ? periods(unit, seen) : seen;
  return {
    kind: chart.displayAttributes?.type ?? (unit ? "Column" : "Bar"),
    unit,
    axis,
    panels: metrics.map(({ metric, groups }) => ({ metric, series: seriesOf(metric, groups, axis) })),
  };
}

interface Grouped {
  readonly group: Group;
  readonly at: string;
  readonly series: string;
  readonly value: number | undefined;
}

/** The attributes that the groups of a metric have, the time first. */
function groupNames(chart: Chart, metric: Metric): string[] {
  const attributes = (chart.groupByAttributes ?? []).filter(({ elementId }) => elementId === metric.elementId);
  return [...(chart.groupByTime ? [TIME] : []), ...attributes.map(({ attribute = "" }) => attribute)];
}

function groupsOf(chart: Chart, metric: Metric, result: Result): Grouped[] {
  const names = groupNames(chart, metric);
  const found = result.metrics.find(({ id }) => id === metric.id);
  return (found?.values ?? []).map(({ value, groupByAttributes = [] }) => {
    const entries = new Map(groupByAttributes.map((entry) => [entry.attribute, entry.value]));
    const group = names.map((name) => entries.get(name) ?? null);
    const [at = "", ...others] = group.map((text) => text ?? NO_VALUE);
    return { group, at, series: others.join(", "), value };
  });
}

function seriesOf(metric: Metric, groups: readonly Grouped[], axis: readonly string[]): Series[] {
  const index = new Map(axis.map((at, position) => [at, position]));
  const without = COUNTS.includes(metric.aggregate ?? "CustomerCount") ? 0 : undefined;
  const bySeries = new Map<string, { values: (number | undefined)[]; groups: (Group | undefined)[] }>();
  for (const { group, at, series, value } of groups) {
    const own = bySeries.get(series) ?? { values: axis.map(() => without), groups: axis.map(() => undefined) };
    const position = index.get(at) ?? 0;
    own.values[position] = value;
    own.groups[position] = group;
    bySeries.set(series, own);
  }
  return [...bySeries].map(([name, own]) => ({ name, ...own }));
}

// -- what is drawn -----------------------------------------------------------------------------------------------------

/** The most series that colors and shapes can tell apart. */
export const MAX_SERIES = 8;
/** The most values of an attribute that fit along an axis. */
export const MAX_GROUPS = 30;

export interface Drawn {
  readonly axis: readonly string[];
  readonly series: readonly Series[];
  /** What the picture leaves out; the table has it. Empty if nothing. */
  readonly omitted: string;
}

/** The largest series, and of an attribute the largest groups, in their order. */
export function drawn({ axis, unit }: ChartData, panel: Panel): Drawn {
  const series = largest(panel.series, MAX_SERIES, ({ values }) => sum(values));
  const total = axis.map((_, position) => sum(series.map(({ values }) => values[position])));
  const kept = unit ? axis.map((_, position) => position) : largestPositions(total, MAX_GROUPS);
  const omitted = [
    series.length < panel.series.length && `the ${MAX_SERIES} largest of ${panel.series.length} series`,
    kept.length < axis.length && `the ${MAX_GROUPS} largest of ${axis.length} groups`,
  ].filter(Boolean);
  return {
    axis: kept.map((position) => axis[position] ?? ""),
    series: series.map(({ name, values, groups }) => ({
      name,
      values: kept.map((position) => values[position]),
      groups: kept.map((position) => groups[position]),
    })),
    omitted: omitted.length > 0 ? `The picture shows ${omitted.join(" and ")}. The table has all.` : "",
  };
}

function largest<T>(items: readonly T[], most: number, size: (item: T) => number): T[] {
  const kept = new Set(largestPositions(items.map(size), most));
  return items.filter((_, position) => kept.has(position));
}

/** The positions of the largest values, in their order. */
function largestPositions(values: readonly number[], most: number): number[] {
  return values
    .map((value, position) => ({ value, position }))
    .sort((one, other) => other.value - one.value || one.position - other.position)
    .slice(0, most)
    .map(({ position }) => position)
    .sort((one, other) => one - other);
}

function sum(values: readonly (number | undefined)[]): number {
  return values.reduce<number>((total, value) => total + Math.abs(value ?? 0), 0);
}

/** A group in words: "week 40, 2026", "delivery", "week 40, 2026, delivery"; empty for a chart without groups. */
export function groupLabel(chart: Chart, group: Group): string {
  return group
    .map((text, position) => {
      if (text === null) return NO_VALUE;
      return position === 0 && chart.groupByTime ? periodLabel(chart.groupByTime, text) : text;
    })
    .join(", ");
}

// -- time --------------------------------------------------------------------------------------------------------------

/** The most periods that gaps are filled up to. */
const MAX_PERIODS = 4000;
const DAY = 86_400_000;

/** All periods from the first to the last, such as 2026-W52, 2026-W53, 2027-W01. */
export function periods(unit: TimeUnit, seen: readonly string[]): string[] {
  const sorted = [...seen].sort();
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return [];
  const all = [first];
  while (all.length < MAX_PERIODS) {
    const before = all.at(-1) ?? first;
    if (before >= last) break;
    all.push(following(unit, before));
  }
  return all.includes(last) ? all : sorted;
}

function following(unit: TimeUnit, period: string): string {
  const start = periodStart(unit, period);
  switch (unit) {
    case "Day":
      return new Date(start.getTime() + DAY).toISOString().slice(0, 10);
    case "Week":
      return isoWeek(new Date(start.getTime() + 7 * DAY));
    case "Month":
      return new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1)).toISOString().slice(0, 7);
    case "Year":
      return String(start.getUTCFullYear() + 1).padStart(4, "0");
  }
}

/** The beginning of a period, in UTC. A week begins on Monday; the first week of a year has its first Thursday. */
export function periodStart(unit: TimeUnit, period: string): Date {
  if (unit !== "Week") return new Date(`${period}${{ Day: "", Month: "-01", Year: "-01-01" }[unit]}T00:00:00Z`);
  const [year = "", week = ""] = period.split("-W");
  const fourth = Date.parse(`${year}-01-04T00:00:00Z`);
  return new Date(fourth - mondayDistance(fourth) * DAY + (Number(week) - 1) * 7 * DAY);
}

function mondayDistance(moment: number): number {
  return (new Date(moment).getUTCDay() + 6) % 7;
}

function isoWeek(monday: Date): string {
  const thursday = new Date(monday.getTime() + 3 * DAY);
  const year = thursday.getUTCFullYear();
  const week = 1 + Math.round((monday.getTime() - periodStart("Week", `${year}-W01`).getTime()) / (7 * DAY));
  return `${year}-W${String(week).padStart(2, "0")}`;
}

const formats: Record<"Day" | "Month", Intl.DateTimeFormat> = {
  Day: new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }),
  Month: new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric", timeZone: "UTC" }),
};

/** A period at the axis: without its year where all periods are of one year. */
export function axisLabel(unit: TimeUnit | undefined, axis: readonly string[]): (period: string) => string {
  const oneYear = axis[0]?.slice(0, 4) === axis.at(-1)?.slice(0, 4);
  if (oneYear && unit === "Week") return (period) => period.replace(/^\d+-W0?/, "week ");
  if (oneYear && unit === "Day") return (period) => dayOnly.format(periodStart(unit, period));
  return (period) => periodLabel(unit, period);
}

const dayOnly = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });

/** A period for readers: "Nov 3, 2026", "week 40, 2026", "Nov 2026". */
export function periodLabel(unit: TimeUnit | undefined, period: string): string {
  if (unit === "Week") return period.replace(/^(\d+)-W0?(\d+)$/, "week $2, $1");
  return unit === "Day" || unit === "Month" ? formats[unit].format(periodStart(unit, period)) : period;
}

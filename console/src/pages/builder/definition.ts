/**
 * The definition of a view while it is edited. It has the fields of the API's `ViewDefinition`; what the builder has no
 * control for is carried through unchanged. A number that is being typed is a text until the definition is sent.
 */

import type { Model } from "../../api/client";
import { type JsonNumber, jsonNumber, numberText } from "./exact";

/** A number, or what was typed in its place. */
export type Typed = JsonNumber | string;

export const UNITS = ["Seconds", "Minutes", "Hours", "Days", "Weeks", "Months"] as const;
export type Unit = (typeof UNITS)[number];
export const COMPARATORS = ["gte", "gt", "lte", "lt", "eq", "neq"] as const;
export type Comparator = (typeof COMPARATORS)[number];
export type Operator = "Matches" | "NotMatches";
export type EventCountType = "All" | "Concurrent" | "Sequential";
export const AGGREGATES = ["CustomerCount", "EventCount", "Sum", "Average", "Minimum", "Maximum"] as const;
export type Aggregate = (typeof AGGREGATES)[number];

export interface TimeConstraint {
  readonly unit: Unit;
  readonly value: Typed;
}

export interface Link {
  /** The id of the element that the link leads to. */
  readonly id: string;
  readonly constraintWithin?: TimeConstraint | null | undefined;
  readonly constraintAfter?: TimeConstraint | null | undefined;
  readonly eventCountType?: EventCountType | undefined;
  readonly joinAttributes?: readonly string[] | null | undefined;
}

export interface Predicate {
  readonly dimension: string;
  readonly values?: readonly string[] | null | undefined;
  readonly operator?: Operator | undefined;
  readonly noValue?: boolean | undefined;
}

export interface RangeValue {
  readonly number?: Typed | null | undefined;
  readonly duration?: string | null | undefined;
}

export type Range = { readonly [name in Comparator]?: RangeValue | null | undefined };

export interface NumberPredicate {
  readonly dimension: string;
  readonly operator?: Operator | undefined;
  readonly noValue?: boolean | undefined;
  readonly range?: Range | null | undefined;
}

export interface Filter {
  readonly type?: "And" | undefined;
  readonly predicates?: readonly Predicate[] | undefined;
  readonly numberPredicates?: readonly NumberPredicate[] | undefined;
}

export interface Element {
  readonly id: string;
  readonly name: string;
  /** `id` is the id of the event definition. */
  readonly attributes: {
    readonly type?: "Event" | undefined;
    readonly id: string;
    readonly source?: string | null | undefined;
  };
  readonly displayAttributes?: unknown;
  readonly filter?: Filter | null | undefined;
  readonly followedBy?: readonly Link[] | undefined;
}

export interface Metric {
  readonly id: string;
  readonly elementId: string;
  readonly aggregate?: Aggregate | undefined;
  readonly displayLabel?: string | null | undefined;
  readonly attribute?: string | null | undefined;
}

export interface GroupByAttribute {
  readonly elementId: string;
  readonly attribute: string;
}

export interface ChartDisplay {
  readonly type?: "Column" | "Bar" | "Line" | null | undefined;
  readonly groupByTitle?: string | null | undefined;
  readonly metricsTitle?: string | null | undefined;
  readonly secondaryMetricsTitle?: string | null | undefined;
  readonly showLegend?: boolean | null | undefined;
}

export interface Chart {
  readonly id?: string | null | undefined;
  readonly name: string;
  readonly rank?: number | null | undefined;
  readonly groupByTime?: "Day" | "Week" | "Month" | "Year" | null | undefined;
  readonly groupByAttributes?: readonly GroupByAttribute[] | undefined;
  readonly metrics: readonly Metric[];
  readonly displayAttributes?: ChartDisplay | null | undefined;
  readonly groupByMax?: Typed | null | undefined;
  readonly version?: number | null | undefined;
}

/** Two elements between which the view measures how long customers take, by their ids. */
export interface Span {
  readonly fromId: string;
  readonly toId: string;
}

export interface Definition {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly interval?: string | null | undefined;
  readonly duration?: string | null | undefined;
  /** What is one customer. A view without it counts people. */
  readonly identity?: "Person" | "Identifier" | null | undefined;
  readonly elements: readonly Element[];
  readonly charts?: readonly Chart[] | undefined;
  readonly durations?: readonly Span[] | null | undefined;
}

export const EMPTY: Definition = { name: "", duration: "P30D", elements: [] };

/** Fields of a view that only the platform sets. */
const READ_ONLY = ["id", "version", "createdBy", "modifiedBy", "dateCreated", "dateModified", "selfUri"] as const;

/** The definition of a saved view. */
export function fromView(view: unknown): Definition {
  const definition: Record<string, unknown> = { ...(view as Record<string, unknown>) };
  for (const name of READ_ONLY) Reflect.deleteProperty(definition, name);
  return definition as unknown as Definition;
}

/** The body that saves a definition: typed numbers become numbers, and fields that are undefined are left out. */
export function toBody(definition: Definition): Model<"ViewDefinition"> {
  const body = {
    ...definition,
    elements: definition.elements.map((element) => ({
      ...element,
      ...(element.filter && { filter: sentFilter(element.filter) }),
      ...(element.followedBy && { followedBy: element.followedBy.map(sentLink) }),
    })),
    ...(definition.charts && { charts: definition.charts.map(sentChart) }),
  };
  return withoutUndefined(body) as Model<"ViewDefinition">;
}

function sentFilter(filter: Filter): Filter {
  if (!filter.numberPredicates) return filter;
  return { ...filter, numberPredicates: filter.numberPredicates.map(sentPredicate) };
}

function sentPredicate(predicate: NumberPredicate): NumberPredicate {
  if (!predicate.range) return predicate;
  const range = Object.entries(predicate.range).map(([name, value]) => [
    name,
    value && typeof value.number === "string" ? { ...value, number: sentNumber(value.number) } : value,
  ]);
  return { ...predicate, range: Object.fromEntries(range) as Range };
}

function sentLink(link: Link): Link {
  const limit = (name: "constraintWithin" | "constraintAfter") => {
    const value = link[name];
    return value && { [name]: { ...value, value: sentNumber(value.value) } };
  };
  return { ...link, ...limit("constraintWithin"), ...limit("constraintAfter") };
}

function sentChart(chart: Chart): Chart {
  return typeof chart.groupByMax === "string" ? { ...chart, groupByMax: sentNumber(chart.groupByMax) } : chart;
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** Whether a text is a number as JSON writes it. */
export function isNumber(text: string): boolean {
  return NUMBER.test(text.trim());
}

/** A typed number as it is sent. What is no number is sent as it is: the API then names the field. */
function sentNumber(value: Typed): Typed {
  return typeof value === "string" && isNumber(value) ? jsonNumber(value.trim()) : value;
}

/** A number as its field shows it. */
export function typedText(value: Typed | null | undefined): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : numberText(value);
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== "object" || value === null || "rawJSON" in value) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) => (one === undefined ? [] : [[name, withoutUndefined(one)]])),
  );
}

/** The ids of an element and of all elements that links lead to from it. */
export function downstream(elements: readonly Element[], start: string): Set<string> {
  const byId = new Map(elements.map((element) => [element.id, element]));
  const reached = new Set([start]);
  for (const id of reached) for (const link of byId.get(id)?.followedBy ?? []) reached.add(link.id);
  return reached;
}

/** Whether an element can get a link to another one: it has none yet, and no chain of links leads back. */
export function canConnect(elements: readonly Element[], from: string, to: string): boolean {
  const linked = elements.find(({ id }) => id === from)?.followedBy?.some(({ id }) => id === to) ?? false;
  return !linked && !downstream(elements, to).has(from);
}

/** A pair of elements joined by links that is not measured yet: the farthest if there is one, since each link is measured anyway. */
export function nextSpan({ elements, durations }: Definition): Span | undefined {
  const pairs = elements.flatMap(({ id: fromId, followedBy = [] }) =>
    [...downstream(elements, fromId)]
      .filter((toId) => toId !== fromId)
      .filter((toId) => !durations?.some((span) => span.fromId === fromId && span.toId === toId))
      .map((toId) => ({ fromId, toId, linked: followedBy.some(({ id }) => id === toId) })),
  );
  const start = pairs.find(({ linked }) => !linked)?.fromId;
  const found = pairs.findLast(({ fromId, linked }) => fromId === start && !linked) ?? pairs[0];
  return found && { fromId: found.fromId, toId: found.toId };
}

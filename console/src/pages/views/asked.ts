/** What a reader asks of a view beyond its figures, as the address and the options of jobs say it. */

import { moment } from "../../formats";
import { timeFrame } from "../../journey/words";

/** What a breakdown divides the customers by: an attribute of an element, or where their journeys begin. */
export type By = { readonly elementId: string; readonly attribute: string } | "Source";

/** What the figures are compared with. */
export type With =
  | { readonly kind: "before" }
  | { readonly kind: "interval"; readonly interval: string }
  | { readonly kind: "version"; readonly version: number };

/** What a job computes differently from its view. */
export interface Options {
  readonly interval?: string;
  readonly period?: "Before";
  readonly breakdown?: { readonly elementId?: string; readonly attribute?: string; readonly by?: "Source" };
}

// -- breakdown ---------------------------------------------------------------------------------------------------------

export function byOptions(by: By): Options {
  return { breakdown: by === "Source" ? { by: "Source" } : by };
}

export function byOf(options: Options | undefined): By | undefined {
  const { elementId, attribute, by } = options?.breakdown ?? {};
  if (by === "Source") return by;
  return elementId !== undefined && attribute !== undefined ? { elementId, attribute } : undefined;
}

/** The value of an address's parameter. */
export function byText(by: By): string {
  return by === "Source" ? "source" : new URLSearchParams({ ...by }).toString();
}

export function parseBy(text: string | null): By | undefined {
  if (text === "source") return "Source";
  const parameters = new URLSearchParams(text ?? "");
  const [elementId, attribute] = [parameters.get("elementId"), parameters.get("attribute")];
  return elementId !== null && attribute !== null ? { elementId, attribute } : undefined;
}

/** "channel at Order placed". `names` are those of the elements, by id. */
export function byTitle(by: By, names: ReadonlyMap<string, string>): string {
  if (by === "Source") return "where journeys begin";
  return `${by.attribute} at ${names.get(by.elementId) ?? by.elementId}`;
}

// -- comparison --------------------------------------------------------------------------------------------------------

export function withOptions(asked: With): Options {
  if (asked.kind === "before") return { period: "Before" };
  return asked.kind === "interval" ? { interval: asked.interval } : {};
}

/** The value of an address's parameter. */
export function withText(asked: With): string {
  if (asked.kind === "before") return "before";
  return asked.kind === "interval" ? `interval ${asked.interval}` : `version ${asked.version}`;
}

export function parseWith(text: string | null): With | undefined {
  if (text === "before") return { kind: "before" };
  const interval = /^interval (\S+\/\S+)$/.exec(text ?? "")?.[1];
  if (interval !== undefined && interval.split("/").every((one) => !Number.isNaN(Date.parse(one)))) {
    return { kind: "interval", interval };
  }
  const version = /^version ([1-9]\d{0,8})$/.exec(text ?? "")?.[1];
  return version === undefined ? undefined : { kind: "version", version: Number(version) };
}

/** "the period before", "version 2". */
export function withTitle(asked: With): string {
  if (asked.kind === "before") return "the period before";
  return asked.kind === "version" ? `version ${asked.version}` : intervalTitle(asked.interval);
}

/** What a job of other options than the view's computes, in words; undefined for the view as it is. */
export function optionsTitle(options: Options | undefined, names: ReadonlyMap<string, string>): string | undefined {
  const by = byOf(options);
  const parts = [
    options?.period && "the period before",
    options?.interval !== undefined && intervalTitle(options.interval),
    by && `broken down by ${byTitle(by, names)}`,
  ];
  return parts.filter(Boolean).join(", ") || undefined;
}

/** What a job computes, in the plural: "The figures of the breakdown by channel at Order placed". */
export function figuresTitle(options: Options | undefined, names: ReadonlyMap<string, string>): string {
  const by = byOf(options);
  if (by) return `The figures of the breakdown by ${byTitle(by, names)}`;
  if (options?.interval !== undefined) return `The figures of ${intervalTitle(options.interval)}`;
  return `The figures of ${options?.period ? "the period before" : "this view"}`;
}

/** The time that a job covers: that of its view, unless its options say another one. */
export function coveredTime(view: Parameters<typeof timeFrame>[0], options: Options | undefined): string {
  if (options?.interval !== undefined) return intervalTitle(options.interval);
  return options?.period ? `the period before ${timeFrame(view)}` : timeFrame(view);
}

/** An interval from two days of the reader's calendar, both of them included; undefined if the end comes first. */
export function intervalOf(firstDay: string, lastDay: string): string | undefined {
  const [start, end] = [new Date(`${firstDay}T00:00:00`), new Date(`${lastDay}T00:00:00`)];
  if (Number.isNaN(start.getTime()) || Number.isNaN(end.getTime()) || end < start) return undefined;
  end.setDate(end.getDate() + 1);
  return `${start.toISOString()}/${end.toISOString()}`;
}

/** Whether a day of the reader's calendar has not begun yet. */
export function isFuture(day: string, now = Date.now()): boolean {
  return new Date(`${day}T00:00:00`).getTime() > now;
}

/** An interval in words: its days, or both moments if it is not of whole days of the reader's calendar. */
function intervalTitle(interval: string): string {
  const isWhole = interval.split("/").every((one) => new Date(one).setHours(0, 0, 0, 0) === Date.parse(one));
  return isWhole ? daysText(interval) : `the time ${timeFrame({ interval })}`;
}

/** Both ends of an interval: "Sep 27, 2026, 2:00 AM – Nov 27, 2026, 2:00 AM". */
export function intervalText(interval: string): string {
  return interval.split("/").map(moment).join(" – ");
}

/** The days of an interval, whose end is not included: "Sep 27 – Nov 26, 2026". */
export function daysText(interval: string): string {
  const [start = 0, end = 0] = interval.split("/").map(Date.parse);
  return days.formatRange(start, Math.max(start, end - 1));
}

const days = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/** The parts of a view in words. */

import type { Model } from "../api/client";
import { count, moment } from "../formats";
import type { Figures, GraphElement } from "./model";
import { linkKey } from "./model";

/** A view in an answer. Which customers it counts, and the durations, are our additions to the contract's model. */
export type View = Model<"JourneyView"> & Pick<Model<"ViewDefinition">, "identity" | "durations">;
type Link = Model<"JourneyViewLink">;
type Constraint = Model<"JourneyViewLinkTimeConstraint">;

/** What the picture shows of an event definition. */
export interface DefinitionName {
  readonly name: string;
  readonly native: boolean;
}

/** The elements of a view for the picture, with the event definitions by id. */
export function graphElements(
  view: View,
  definitions: ReadonlyMap<string, DefinitionName> = new Map(),
): GraphElement[] {
  return (view.elements ?? []).map((element) => {
    const event = element.attributes?.id ?? "";
    const definition = definitions.get(event);
    return {
      id: element.id ?? "",
      name: element.name ?? "",
      source: element.attributes?.source ?? definition?.name,
      native: definition?.native ? event : undefined,
      followedBy: (element.followedBy ?? []).map((link) => ({ id: link.id ?? "", note: linkNote(link) })),
    };
  });
}

/** The figures of a result. */
export function resultFigures(result: Model<"ViewResult">): Figures {
  const elements = new Map(
    result.elements.map(({ id, metrics }) => [
      id,
      {
        participants: metrics.participantCount ?? 0,
        completed: metrics.completedCount ?? 0,
        flow: metrics.flowCount ?? 0,
        active: metrics.activeCount ?? 0,
        dropout: metrics.dropoutCount ?? 0,
      },
    ]),
  );
  const links = result.elements.flatMap(({ id, followedBy }) =>
    followedBy.map((link) => [linkKey(id, link.id), link.connectionCount] as const),
  );
  const durations = result.elements.flatMap(({ id, followedBy }) =>
    followedBy.flatMap((link) => (link.duration ? [[linkKey(id, link.id), link.duration] as const] : [])),
  );
  return { elements, links: new Map(links), durations: new Map(durations) };
}

/** The time limits of a link: "within 7 days", "after at least 1 hour and within 7 days"; undefined without any. */
export function timeLimit(link: Link): string | undefined {
  if (link.eventCountType === "Concurrent") return "at the same time";
  const parts = [
    link.constraintAfter && `after at least ${span(link.constraintAfter)}`,
    link.constraintWithin && `within ${span(link.constraintWithin)}`,
    link.eventCountType === "All" ? "or at the same time" : undefined,
  ];
  return (
    parts
      .filter(Boolean)
      .join(" and ")
      .replace(/(?:^| and )or at/, (text) => (text.startsWith(" ") ? ", or at" : "later or at")) || undefined
  );
}

/** What both events of a link have in common beside the customer: "in the same conversation"; undefined without it. */
export function joinNote({ joinAttributes }: { readonly joinAttributes?: readonly string[] | null | undefined }) {
  return joinAttributes?.length ? "in the same conversation" : undefined;
}

function linkNote(link: Link): string | undefined {
  return [timeLimit(link), joinNote(link)].filter(Boolean).join(", ") || undefined;
}

function span({ unit = "Days", value = 0 }: Constraint): string {
  return count(value, unit.toLowerCase().slice(0, -1));
}

/** The time that a view covers: "the last 30 days", "from … to …". */
export function timeFrame({ duration, interval }: Pick<View, "duration" | "interval">): string {
  if (interval) {
    const [start = "", end = ""] = interval
      .split("/")
      .map((one) => (/(Z|[+-]\d\d:?\d\d)$/.test(one) ? one : `${one}Z`));
    return `from ${moment(start)} to ${moment(end)}`;
  }
  return `the last ${durationText(duration ?? "")}`;
}

const UNITS = ["year", "month", "week", "day", "hour", "minute", "second"] as const;

/** An ISO-8601 duration in words: "30 days". A text of another form stays as it is. */
export function durationText(duration: string): string {
  const match =
    /^P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$/.exec(
      duration,
    );
  if (!match) return duration;
  const parts = match.slice(1).flatMap((digits, index) => {
    const unit = UNITS[index];
    return (digits as string | undefined) && unit ? [count(Number(digits.replace(",", ".")), unit)] : [];
  });
  return parts.join(" and ") || duration;
}

/** What a view counts as one customer. */
export function countedText({ identity }: Pick<View, "identity">): string {
  return identity === "Identifier" ? "identifiers" : "people";
}

const COMPARATORS = { lt: "<", lte: "≤", gt: ">", gte: "≥", eq: "=", neq: "≠" } as const;

/** The predicates of an element's filter, each in words. */
export function filterTexts(filter: Model<"JourneyViewElementFilter"> | undefined): string[] {
  const values = (filter?.predicates ?? []).map((predicate) => {
    const negated = predicate.operator === "NotMatches";
    const { dimension = "", noValue } = predicate;
    if (noValue) return `${dimension} ${negated ? "has a value" : "has no value"}`;
    const list = (predicate.values ?? []).map((value) => `“${value}”`).join(" or ");
    return `${dimension} is ${negated ? "not " : ""}${list}`;
  });
  const ranges = (filter?.numberPredicates ?? []).map((predicate) => {
    const negated = predicate.operator === "NotMatches";
    const { dimension = "", noValue, range = {} } = predicate;
    if (noValue) return `${dimension} ${negated ? "has a value" : "has no value"}`;
    const limits = (Object.keys(COMPARATORS) as (keyof typeof COMPARATORS)[]).flatMap((name) => {
      const limit = range[name];
      return limit
        ? [`${COMPARATORS[name]} ${limit.duration ? durationText(limit.duration) : String(limit.number)}`]
        : [];
    });
    return `${negated ? "not: " : ""}${dimension} ${limits.join(" and ")}`;
  });
  return [...values, ...ranges];
}

const AGGREGATES = {
  EventCount: "number of events",
  CustomerCount: "number of customers",
  Minimum: "smallest",
  Maximum: "largest",
  Average: "average",
  Sum: "sum of",
} as const;

/** A chart's metric in words: "sum of amount at Order placed". `elements` are the names of the elements, by id. */
export function metricText(metric: Model<"JourneyViewChartMetric">, elements: ReadonlyMap<string, string>): string {
  const what = [AGGREGATES[metric.aggregate ?? "CustomerCount"], metric.attribute].filter(Boolean).join(" ");
  return `${what} at ${elements.get(metric.elementId ?? "") ?? metric.elementId ?? ""}`;
}

/** A chart's groups in words: "by week and category". */
export function groupText(chart: Pick<Model<"JourneyViewChart">, "groupByTime" | "groupByAttributes">): string {
  const attributes = (chart.groupByAttributes ?? []).map(({ attribute }) => attribute);
  const by = [...new Set([chart.groupByTime?.toLowerCase(), ...attributes])].filter(Boolean);
  return by.length > 0 ? `by ${by.join(" and ")}` : "in all";
}

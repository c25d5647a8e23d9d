/**
 * What is wrong with a definition, by the path of the field: `elements[2].filter.predicates[0].dimension`. The API checks
 * the same rules again and more; its paths have the same form.
 */

import type { ApiProblem } from "../../api/problem";
import { type Attribute, type EventDefinition, type EventDefinitions, isNumeric } from "./attributes";
import {
  type Chart,
  COMPARATORS,
  type Definition,
  downstream,
  type Element,
  isNumber,
  type Link,
  type NumberPredicate,
  type Predicate,
  type TimeConstraint,
  typedText,
  type Unit,
} from "./definition";

export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** Limits of the API's models, and the largest numbers of charts. A test compares them with the OpenAPI document. */
export const LIMITS = {
  elements: 50,
  links: 50,
  predicates: 50,
  values: 1000,
  charts: 10,
  durations: 10,
  metrics: 10,
  groups: 10,
  name: 256,
  text: 4096,
  constraint: 1_000_000_000,
  groupByMax: 100_000,
} as const;

export function findProblems(definition: Definition, events: EventDefinitions): Problem[] {
  const { elements, charts = [] } = definition;
  return [
    ...nameProblems(definition.name, "name", "The view"),
    ...lengthProblems(definition.description, "description"),
    ...timeProblems(definition),
    ...(elements.length === 0 ? [problem("elements", "The view has no element. Add the first event.")] : []),
    ...tooMany(elements, LIMITS.elements, "elements", "elements"),
    ...duplicates(elements, "elements", "element"),
    ...elements.flatMap((element, index) => [
      ...nameProblems(element.name, `elements[${index}].name`, "The element"),
      ...elementProblems(element, `elements[${index}]`, events.get(element.attributes.id)),
      ...linkProblems(element, `elements[${index}].followedBy`, elements),
    ]),
    ...spanProblems(definition),
    ...tooMany(charts, LIMITS.charts, "charts", "charts"),
    ...duplicates(charts, "charts", "chart"),
    ...charts.flatMap((chart, index) => chartProblems(chart, `charts[${index}]`, elements, events)),
  ];
}

function problem(path: string, message: string): Problem {
  return { path, message };
}

// -- the view ----------------------------------------------------------------------------------------------------------

export function nameProblems(name: string, path: string, what: string): Problem[] {
  if (!name.trim()) return [problem(path, `${what} has no name. Enter one.`)];
  if (characters(name.trim()) <= LIMITS.name) return [];
  return [problem(path, `The name is too long. At most ${LIMITS.name} characters are allowed.`)];
}

function lengthProblems(text: string | null | undefined, path: string): Problem[] {
  if (characters(text ?? "") <= LIMITS.text) return [];
  return [problem(path, `The text is too long. At most ${LIMITS.text} characters are allowed.`)];
}

/** Characters as the API counts them. */
function characters(text: string): number {
  return Array.from(text).length;
}

const DURATION =
  /^P(?=\d|T\d)(\d{1,6}Y)?(\d{1,6}M)?(\d{1,6}W)?(\d{1,6}D)?(T(?=\d)(\d{1,9}H)?(\d{1,9}M)?(\d{1,9}([.,]\d{1,3})?S)?)?$/;

export function timeProblems({ interval, duration }: Definition): Problem[] {
  if (typeof interval === "string") {
    const [start, end] = interval.split("/").map(utcMoment);
    if (start === undefined || end === undefined || Number.isNaN(start) || Number.isNaN(end)) {
      return [problem("interval", "The time frame needs a start and an end.")];
    }
    return start < end ? [] : [problem("interval", "The time frame does not end after its start.")];
  }
  if (typeof duration !== "string") return [problem("interval", "The view has no time frame. Choose one.")];
  if (!DURATION.test(duration)) {
    return [problem("duration", "Enter a whole number, or a duration of ISO 8601 such as P30D or PT12H.")];
  }
  return /[1-9]/.test(duration) ? [] : [problem("duration", "The time frame is empty. Use more than zero.")];
}

function utcMoment(text: string): number {
  return Date.parse(/(Z|[+-]\d\d(:?\d\d)?)$/i.test(text) ? text : `${text}Z`);
}

function tooMany(items: readonly unknown[], most: number, path: string, what: string): Problem[] {
  return items.length > most ? [problem(path, `At most ${most} ${what} are allowed; there are ${items.length}.`)] : [];
}

function duplicates(items: readonly { readonly name: string }[], path: string, what: string): Problem[] {
  const seen = new Set<string>();
  return items.flatMap(({ name }, index) => {
    const key = name.trim().toLowerCase();
    if (key && seen.has(key)) {
      return [problem(`${path}[${index}].name`, `Another ${what} has the same name. Use a different one.`)];
    }
    seen.add(key);
    return [];
  });
}

// -- elements ----------------------------------------------------------------------------------------------------------

export function elementProblems(element: Element, path: string, event: EventDefinition | undefined): Problem[] {
  const { predicates = [], numberPredicates = [] } = element.filter ?? {};
  return [
    ...(event
      ? []
      : [problem(`${path}.attributes.id`, "This event is not active. Choose another one, or activate its type.")]),
    ...tooMany(predicates, LIMITS.predicates, `${path}.filter.predicates`, "conditions"),
    ...tooMany(numberPredicates, LIMITS.predicates, `${path}.filter.numberPredicates`, "conditions on numbers"),
    ...predicates.flatMap((one, index) => predicateProblems(one, `${path}.filter.predicates[${index}]`, event)),
    ...numberPredicates.flatMap((one, index) =>
      numberPredicateProblems(one, `${path}.filter.numberPredicates[${index}]`, event),
    ),
  ];
}

function attributeProblems(name: string, path: string, event: EventDefinition | undefined): Problem[] {
  if (!name) return [problem(path, "Choose an attribute.")];
  if (!event) return [];
  const attribute = event.attributes.get(name);
  if (!attribute) return [problem(path, `${event.name} has no attribute “${name}”. Choose another one.`)];
  if (attribute.kind !== "none") return [];
  return [problem(path, `“${name}” cannot be filtered or grouped by. Choose another attribute.`)];
}

function numberProblems(name: string, path: string, event: EventDefinition | undefined): Problem[] {
  if (!name) return [problem(path, "Choose an attribute.")];
  if (!event || isNumeric(event.attributes.get(name))) return [];
  return [problem(path, `“${name}” is no number of ${event.name}. Choose a number.`)];
}

function predicateProblems(predicate: Predicate, path: string, event: EventDefinition | undefined): Problem[] {
  const values = predicate.values ?? [];
  const attribute = event?.attributes.get(predicate.dimension);
  const found = attributeProblems(predicate.dimension, `${path}.dimension`, event);
  if (values.length === 0 && !predicate.noValue) found.push(problem(`${path}.values`, "Choose or enter a value."));
  if (values.length > 0 && predicate.noValue) found.push(problem(`${path}.values`, "A missing value has no values."));
  found.push(...tooMany(values, LIMITS.values, `${path}.values`, "values"));
  values.forEach((value, index) => {
    const wrong = attribute && valueProblem(attribute, value);
    if (wrong) found.push(problem(`${path}.values[${index}]`, wrong));
  });
  return found;
}

/** Why an attribute cannot have a value; undefined when it can. */
export function valueProblem(attribute: Attribute, value: string): string | undefined {
  switch (attribute.kind) {
    case "enum":
      return attribute.values.includes(value) ? undefined : `“${attribute.title}” cannot be “${value}”.`;
    case "boolean":
      return value === "true" || value === "false" ? undefined : "Use true or false.";
    case "integer":
      return /^-?\d{1,38}(\.0+)?$/.test(value) ? undefined : "Enter a whole number, such as -12.";
    case "number":
      return /^-?\d{1,38}(\.\d{1,38})?$/.test(value) ? undefined : "Enter a number, such as -12.5.";
    default:
      return undefined;
  }
}

function numberPredicateProblems(
  predicate: NumberPredicate,
  path: string,
  event: EventDefinition | undefined,
): Problem[] {
  const found = numberProblems(predicate.dimension, `${path}.dimension`, event);
  const limits = COMPARATORS.filter((name) => predicate.range?.[name]);
  if (predicate.noValue) return found;
  if (limits.length === 0) found.push(problem(`${path}.range`, "Add a limit."));
  const numbers = new Map<string, number>();
  for (const name of limits) {
    const limit = predicate.range?.[name];
    const at = `${path}.range.${name}`;
    if (typeof limit?.duration === "string") {
      if (!DURATION.test(limit.duration)) found.push(problem(`${at}.duration`, "Enter a duration such as PT5M."));
    } else if (!isNumber(typedText(limit?.number))) {
      found.push(problem(`${at}.number`, "Enter a number."));
    } else {
      numbers.set(name, Number(typedText(limit?.number)));
    }
  }
  if (isEmpty(numbers)) found.push(problem(`${path}.range`, "No number is within all of these limits."));
  return found;
}

function isEmpty(limits: ReadonlyMap<string, number>): boolean {
  const [low = -Infinity, high = Infinity] = [limits.get("gte"), limits.get("lte")];
  const [above = -Infinity, below = Infinity] = [limits.get("gt"), limits.get("lt")];
  const exact = limits.get("eq");
  if (exact !== undefined) {
    return exact < low || exact > high || exact <= above || exact >= below || exact === limits.get("neq");
  }
  return low > high || above >= below || low >= below || above >= high;
}

// -- links -------------------------------------------------------------------------------------------------------------

const MILLISECONDS: Readonly<Record<Unit, number>> = {
  Seconds: 1000,
  Minutes: 60_000,
  Hours: 3_600_000,
  Days: 86_400_000,
  Weeks: 7 * 86_400_000,
  Months: 30 * 86_400_000,
};

function linkProblems(element: Element, path: string, elements: readonly Element[]): Problem[] {
  const links = element.followedBy ?? [];
  const found = tooMany(links, LIMITS.links, path, "links of an element");
  links.forEach((link, index) => {
    const at = `${path}[${index}]`;
    if (!elements.some(({ id }) => id === link.id)) {
      found.push(problem(`${at}.id`, "The link leads to no element of the view. Remove it."));
    } else if (downstream(elements, link.id).has(element.id)) {
      found.push(problem(`${at}.id`, "The link is part of a circle. Remove one of its links."));
    }
    found.push(...limitProblems(link, at));
  });
  return found;
}

function limitProblems(link: Link, path: string): Problem[] {
  const { constraintWithin: within, constraintAfter: after } = link;
  const found = [
    ...constraintProblems(within, `${path}.constraintWithin.value`),
    ...constraintProblems(after, `${path}.constraintAfter.value`),
  ];
  if (found.length > 0 || !within) return found;
  if (after && milliseconds(after) > milliseconds(within)) {
    return [problem(`${path}.constraintAfter`, "The least time is longer than the longest.")];
  }
  if (milliseconds(within) === 0 && (link.eventCountType ?? "Sequential") === "Sequential") {
    return [problem(`${path}.constraintWithin`, "A later event needs more than no time.")];
  }
  return [];
}

function milliseconds({ unit, value }: TimeConstraint): number {
  return Number(typedText(value)) * MILLISECONDS[unit];
}

const LONGEST = 36_500 * MILLISECONDS.Days;

function constraintProblems(constraint: TimeConstraint | null | undefined, path: string): Problem[] {
  if (!constraint) return [];
  const text = typedText(constraint.value).trim();
  if (!/^\d{1,10}$/.test(text) || Number(text) > LIMITS.constraint) {
    return [problem(path, "Enter a whole number, such as 7.")];
  }
  return milliseconds(constraint) > LONGEST ? [problem(path, "The time is longer than 100 years. Shorten it.")] : [];
}

function spanProblems({ elements, durations }: Definition): Problem[] {
  const spans = durations ?? [];
  return [
    ...tooMany(spans, LIMITS.durations, "durations", "times"),
    ...spans.flatMap(({ fromId, toId }, index) => {
      const path = `durations[${index}].toId`;
      if (fromId === toId || !downstream(elements, fromId).has(toId)) {
        return [problem(path, "No chain of links leads from the first element to this one. Choose a later element.")];
      }
      const same = spans.findIndex((one) => one.fromId === fromId && one.toId === toId);
      return same < index ? [problem(path, "The view measures this time already. Choose another element.")] : [];
    }),
  ];
}

// -- charts ------------------------------------------------------------------------------------------------------------

export const NEEDS_ATTRIBUTE: readonly string[] = ["Minimum", "Maximum", "Average", "Sum"];

function chartProblems(chart: Chart, path: string, elements: readonly Element[], events: EventDefinitions): Problem[] {
  const eventOf = (id: string) => events.get(elements.find((one) => one.id === id)?.attributes.id ?? "");
  const groups = chart.groupByAttributes ?? [];
  const found = [
    ...nameProblems(chart.name, `${path}.name`, "The chart"),
    ...tooMany(chart.metrics, LIMITS.metrics, `${path}.metrics`, "figures of a chart"),
    ...tooMany(groups, LIMITS.groups, `${path}.groupByAttributes`, "groups"),
  ];
  if (chart.metrics.length === 0) found.push(problem(`${path}.metrics`, "The chart shows nothing. Add a figure."));
  chart.metrics.forEach((metric, index) => {
    const at = `${path}.metrics[${index}]`;
    if (!elements.some(({ id }) => id === metric.elementId)) {
      found.push(problem(`${at}.elementId`, "Choose an element."));
    } else if (NEEDS_ATTRIBUTE.includes(metric.aggregate ?? "CustomerCount")) {
      found.push(...numberProblems(metric.attribute ?? "", `${at}.attribute`, eventOf(metric.elementId)));
    }
  });
  groups.forEach((group, index) => {
    const at = `${path}.groupByAttributes[${index}]`;
    if (!chart.metrics.some(({ elementId }) => elementId === group.elementId)) {
      found.push(problem(`${at}.elementId`, "No figure of the chart is about this element. Choose another one."));
    }
    found.push(...attributeProblems(group.attribute, `${at}.attribute`, eventOf(group.elementId)));
    if (groups.findIndex((one) => one.elementId === group.elementId && one.attribute === group.attribute) < index) {
      found.push(problem(`${at}.attribute`, "The chart groups by this attribute already."));
    }
  });
  if (chart.groupByMax !== null && chart.groupByMax !== undefined) {
    const text = typedText(chart.groupByMax).trim();
    if (!/^[1-9]\d{0,5}$/.test(text) || Number(text) > LIMITS.groupByMax) {
      found.push(problem(`${path}.groupByMax`, `Enter a whole number from 1 to ${LIMITS.groupByMax}.`));
    } else if (!chart.groupByTime && groups.length === 0) {
      found.push(problem(`${path}.groupByMax`, "The chart has no groups to limit. Add a group, or leave this empty."));
    }
  }
  return found;
}

// -- the API's problems, and where they are shown ----------------------------------------------------------------------

/** The problems that the API names. Its message has a part "path: sentence" or 'The field "path" …' for each. */
export function refusedProblems({ message, details }: ApiProblem): Problem[] {
  const starts = details.map(({ field }, index) => {
    const from = index === 0 ? 0 : message.indexOf(details[index - 1]?.field ?? "");
    return [`${field}: `, `The field "${field}" `]
      .map((start) => message.indexOf(start, Math.max(0, from)))
      .find((at) => at >= 0);
  });
  return details.map(({ field, code }, index) => {
    const start = starts[index];
    if (start === undefined) return problem(field, `The API refuses this (${code}).`);
    const end = starts.slice(index + 1).find((at) => at !== undefined && at > start);
    return problem(field, message.slice(start, end).trim().replace(`${field}: `, ""));
  });
}

/** The value at a path; undefined where there is none. */
export function valueAt(definition: unknown, path: string): unknown {
  let value = definition;
  for (const part of path.split(/[.[\]]+/).filter(Boolean)) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

/** Whether a path is within another one: `elements[2].name` is within `elements[2]`. */
export function isWithin(path: string, outer: string): boolean {
  return path === outer || (path.startsWith(outer) && /^[.[]/.test(path.slice(outer.length)));
}

/** Where a problem is, for the reader: "Element “Order placed”". */
export function placeOf(path: string, { elements, charts = [] }: Definition): string {
  const [, list, index] = /^(elements|charts)\[(\d+)\]/.exec(path) ?? [];
  if (list === undefined) return "View";
  const named = (list === "elements" ? elements : charts)[Number(index)];
  const what = list === "elements" ? "Element" : "Chart";
  return named?.name.trim() ? `${what} “${named.name}”` : `${what} ${Number(index) + 1}`;
}

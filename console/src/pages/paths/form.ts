/** The form of an exploration, and the definition that it sends. Start and end are edited as a view's elements are. */

import type { Model } from "../../api/client";
import { type Definition, type Element, EMPTY, toBody } from "../builder/definition";
import { type EventDefinitions } from "../builder/attributes";
import { elementProblems, isWithin, nameProblems, type Problem, timeProblems } from "../builder/problems";

type PathDefinition = Model<"PathDefinition">;

export type GapUnit = "Minutes" | "Hours" | "Days" | "Weeks";
export const GAP_UNITS: readonly GapUnit[] = ["Minutes", "Hours", "Days", "Weeks"];

export interface Form {
  /** Name, time frame, and who is counted; its elements are the start and, if there is one, the end. */
  readonly view: Definition;
  readonly direction: "After" | "Before";
  readonly steps: number;
  readonly mostPerLevel: number;
  /** An ISO-8601 duration, or what was typed in its place; undefined without sessions. */
  readonly sessionGap: string | undefined;
  /** Undefined: all of them. */
  readonly eventTypes: readonly string[] | undefined;
  readonly collapseRepeats: boolean;
}

/** The largest values that the API allows. A test compares them with the OpenAPI document. */
export const LIMITS = { steps: 10, mostPerLevel: 50 } as const;

/** What a form begins with. Repeats count once: otherwise they push all else off the picture. */
export const NEW: Form = {
  view: { ...EMPTY, elements: [selection("start", "")] },
  direction: "After",
  steps: 5,
  mostPerLevel: 6,
  sessionGap: undefined,
  eventTypes: undefined,
  collapseRepeats: true,
};

/** The start or the end, before its events are filtered. */
export function selection(id: "start" | "end", eventType: string): Element {
  return { id, name: id, attributes: { type: "Event", id: eventType } };
}

export function selectionOf({ view }: Form, id: "start" | "end"): Element | undefined {
  return view.elements.find((element) => element.id === id);
}

/** The form of a definition that was computed before. */
export function formOf(definition: PathDefinition): Form {
  const element = (id: "start" | "end", { attributes, filter }: Model<"EventSelection">): Element => ({
    ...selection(id, attributes.id),
    ...(filter && { filter: filter }),
  });
  const { name, interval, duration, identity, start, end } = definition;
  return {
    view: {
      name,
      ...(interval && { interval }),
      ...(duration && { duration }),
      ...(identity && { identity }),
      elements: [element("start", start), ...(end ? [element("end", end)] : [])],
    },
    direction: definition.direction ?? "After",
    steps: definition.steps ?? NEW.steps,
    mostPerLevel: definition.mostPerLevel ?? 10,
    sessionGap: definition.sessionGap ?? undefined,
    eventTypes: definition.eventTypes ?? undefined,
    collapseRepeats: definition.collapseRepeats ?? false,
  };
}

/** The body that computes the form. */
export function definitionOf(form: Form, events: EventDefinitions): PathDefinition {
  const { elements, ...view } = toBody({ ...form.view, name: form.view.name.trim() || suggestedName(form, events) });
  const [start, end] = elements.map(({ attributes, filter }) => ({ attributes, ...(filter && { filter }) }));
  const { direction, steps, mostPerLevel, sessionGap, eventTypes, collapseRepeats } = form;
  return {
    ...view,
    start,
    ...(end && { end }),
    ...{ direction, steps, mostPerLevel, collapseRepeats },
    ...(sessionGap !== undefined && { sessionGap }),
    ...(eventTypes && { eventTypes: [...eventTypes] }),
  } as PathDefinition;
}

/** A name for the exploration: "After Web Visit (checkout)", "From Web Visit to Survey". */
export function suggestedName(form: Form, events: EventDefinitions): string {
  const named = (element: Element | undefined) => {
    const name = events.get(element?.attributes.id ?? "")?.name ?? "an event";
    const values = (element?.filter?.predicates ?? []).flatMap((predicate) =>
      predicate.operator === "NotMatches" ? [] : (predicate.values ?? []),
    );
    return values.length > 0 ? `${name} (${values.join(", ")})` : name;
  };
  const [start, end] = [named(selectionOf(form, "start")), selectionOf(form, "end")];
  if (!end) return `${form.direction} ${start}`.slice(0, 256);
  const [first, last] = form.direction === "After" ? [start, named(end)] : [named(end), start];
  return `From ${first} to ${last}`.slice(0, 256);
}

/** The form without a name that was made of its events: it gets the one of its events as they are when it is sent. */
export function withoutSuggestedName(form: Form, events: EventDefinitions): Form {
  return form.view.name === suggestedName(form, events) ? { ...form, view: { ...form.view, name: "" } } : form;
}

/** What is wrong, by the names of the API's fields. */
export function problemsOf(form: Form, events: EventDefinitions): Problem[] {
  const found = form.view.elements.flatMap((element) => {
    if (element.attributes.id === "") {
      return [{ path: `${element.id}.attributes.id`, message: "Choose an event." }];
    }
    return elementProblems(element, element.id, events.get(element.attributes.id));
  });
  if (form.view.name.trim()) found.push(...nameProblems(form.view.name, "name", "The exploration"));
  found.push(...timeProblems(form.view));
  if (form.sessionGap !== undefined && !/[1-9]/.test(form.sessionGap)) {
    found.push({ path: "sessionGap", message: "Enter a whole number of at least 1." });
  }
  if (form.mostPerLevel < 1 || form.mostPerLevel > LIMITS.mostPerLevel) {
    found.push({ path: "mostPerLevel", message: `Enter a whole number from 1 to ${LIMITS.mostPerLevel}.` });
  }
  if (form.eventTypes?.length === 0) {
    found.push({ path: "eventTypes", message: "Choose at least one event type." });
  }
  return found;
}

const FIELDS: readonly (readonly [path: string, name: string])[] = [
  ["start", "Start"],
  ["end", "End"],
  ["sessionGap", "Longest pause"],
  ["eventTypes", "Event types"],
  ["name", "Name"],
  ["mostPerLevel", "Most steps shown per level"],
  ["interval", "Time frame"],
  ["duration", "Time frame"],
];

/** A problem with the field that has it: "End: Choose an event." */
export function problemText({ path, message }: Problem): string {
  const [, name] = FIELDS.find(([field]) => isWithin(path, field)) ?? [];
  return name === undefined ? message : `${name}: ${message}`;
}

/** The number and the unit of a session gap; undefined for one in another form. */
export function simpleGap(text: string): { value: string; unit: GapUnit } | undefined {
  const [, days, weeks, hours, minutes] = /^P(?:(\d*)D|(\d*)W|T(\d*)H|T(\d*)M)$/.exec(text) ?? [];
  if (days !== undefined) return { value: days, unit: "Days" };
  if (weeks !== undefined) return { value: weeks, unit: "Weeks" };
  if (hours !== undefined) return { value: hours, unit: "Hours" };
  return minutes === undefined ? undefined : { value: minutes, unit: "Minutes" };
}

export function gapText(value: string, unit: GapUnit): string {
  return `P${unit === "Minutes" || unit === "Hours" ? "T" : ""}${value}${unit.charAt(0)}`;
}

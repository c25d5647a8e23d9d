/** Which customers a figure counts. The address, the panel and the API name them in the same way. */

import { createContext } from "preact";
import { count, number } from "../formats";
import type { ElementFigures, Figures, GraphElement } from "./model";
import { linkKey } from "./model";

/** What became of the customers of an element, as the API names it. */
export type State = "Participants" | "Completed" | "Flow" | "Active" | "Dropout";

/** The texts of a chart's group, in the order of its grouping: the time first. Null where an event has no value. */
export type Group = readonly (string | null)[];

/** The customers at an element in a state, on a link, or behind a group of a chart. */
export type Who =
  | { readonly kind: "state"; readonly elementId: string; readonly state: State }
  | { readonly kind: "link"; readonly elementId: string; readonly linkId: string }
  | { readonly kind: "group"; readonly chartId: string; readonly metricId: string; readonly group: Group };

/** Shows who is behind a figure. Undefined for readers who may not see that, and where there is no result. */
export const WhoContext = createContext<((who: Who) => void) | undefined>(undefined);

export const STATES: Readonly<Record<keyof ElementFigures, State>> = {
  participants: "Participants",
  completed: "Completed",
  flow: "Flow",
  active: "Active",
  dropout: "Dropout",
};

/** The parameters of the API's list of customers. */
export function whoParameters(who: Who): Record<string, string> {
  switch (who.kind) {
    case "state":
      return { elementId: who.elementId, state: who.state };
    case "link":
      return { elementId: who.elementId, linkId: who.linkId };
    case "group":
      return { chartId: who.chartId, metricId: who.metricId, group: JSON.stringify(who.group) };
  }
}

/** The value of an address's parameter. */
export function whoText(who: Who): string {
  return new URLSearchParams(whoParameters(who)).toString();
}

/** Reads what `whoText` has written; undefined for any other text, since anybody can edit an address. */
export function parseWho(text: string | null): Who | undefined {
  const parameters = new URLSearchParams(text ?? "");
  const [elementId, state, linkId] = ["elementId", "state", "linkId"].map((name) => parameters.get(name));
  const [chartId, metricId, group] = ["chartId", "metricId", "group"].map((name) => parameters.get(name));
  if (elementId != null && linkId != null) return { kind: "link", elementId, linkId };
  if (elementId != null && isState(state)) return { kind: "state", elementId, state };
  const texts = parseGroup(group);
  if (chartId != null && metricId != null && texts) return { kind: "group", chartId, metricId, group: texts };
  return undefined;
}

function isState(text: string | null | undefined): text is State {
  return (Object.values(STATES) as (string | null | undefined)[]).includes(text);
}

function parseGroup(text: string | null | undefined): Group | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    const valid = Array.isArray(value) && value.every((one) => one === null || typeof one === "string");
    return valid ? (value as Group) : undefined;
  } catch {
    return undefined;
  }
}

/** The figure of an element or a link; undefined for charts, whose values need not be numbers of customers. */
export function figureOf(who: Who, figures: Figures): number | undefined {
  if (who.kind === "link") return figures.links.get(linkKey(who.elementId, who.linkId));
  if (who.kind === "group") return undefined;
  const name = (Object.keys(STATES) as (keyof ElementFigures)[]).find((one) => STATES[one] === who.state);
  return name && figures.elements.get(who.elementId)?.[name];
}

interface Names {
  readonly elements: readonly GraphElement[];
  /** A chart's group in words: "Orders by week: week 40, 2026". */
  readonly group: (who: Who & { kind: "group" }) => string;
}

/** The title of a list: "12 customers dropped out at Order placed". `total` is undefined before it is known. */
export function whoTitle(who: Who, total: number | undefined, { elements, group }: Names): string {
  const customers = total === undefined ? "Customers" : count(total, "customer");
  if (who.kind === "group") return `${customers} behind ${group(who)}`;
  const name = (id: string) => elements.find((element) => element.id === id)?.name ?? id;
  const at = name(who.elementId);
  if (who.kind === "link") return `${customers} went on from ${at} to ${name(who.linkId)}`;
  return `${customers} ${STATE_TEXTS[who.state](at)}`;
}

/** What a figure of an element or a link counts: "12 customers dropped out at Order placed". */
export function whoLabel({ value, who }: { value: number; who: Who }, elements: readonly GraphElement[]): string {
  return whoTitle(who, value, { elements, group: () => "" });
}

const STATE_TEXTS: Readonly<Record<State, (at: string) => string>> = {
  Participants: (at) => `reached ${at}`,
  Completed: (at) => `reached ${at} and completed the journey`,
  Flow: (at) => `went on from ${at} but did not complete the journey`,
  Active: (at) => `may still go on from ${at}`,
  Dropout: (at) => `dropped out at ${at}`,
};

/** What the bound of a list means, if it leaves customers out; empty otherwise. */
export function boundText(total: number, listed: number): string {
  return listed < total ? `${number(listed)} of them can be listed, chosen at random and always the same.` : "";
}

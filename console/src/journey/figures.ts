/**
 * What the figures mean: shares, and sentences.
 *
 * - The share of the previous element belongs to a link: of the customers who reached the link's first element, those who
 *   went along the link. So an element with several previous elements has one such share for each of them.
 * - The share of the first element belongs to an element: of the customers who reached the first element that leads to it,
 *   those who reached the element. Where several first elements lead to an element there is no such share, since one
 *   customer may have reached more than one of them.
 */

import { count, number, share, shortDuration } from "../formats";
import {
  type Connection,
  connections,
  type Duration,
  type ElementFigures,
  type Figures,
  type GraphElement,
  linkKey,
} from "./model";
import { STATES, type Who } from "./who";

/** The first element that leads to each element; undefined where there are several. */
export function firstElements(elements: readonly GraphElement[]): Map<string, GraphElement | undefined> {
  const links = connections(elements);
  const targets = new Set(links.map(({ to }) => to.id));
  const found = new Map<string, GraphElement | undefined>();
  for (const first of elements.filter(({ id }) => !targets.has(id))) {
    for (const id of reachedFrom(first, links)) found.set(id, found.has(id) ? undefined : first);
  }
  return found;
}

function reachedFrom(first: GraphElement, links: readonly Connection[]): Set<string> {
  const reached = new Set([first.id]);
  for (const id of reached) {
    for (const { from, to } of links) if (from.id === id) reached.add(to.id);
  }
  return reached;
}

/** The share of the first element as text: "89%"; undefined for first elements and where several lead to the element. */
export function shareOfFirst(
  element: GraphElement,
  first: GraphElement | undefined,
  figures: Figures,
): string | undefined {
  const part = figures.elements.get(element.id);
  const whole = first && figures.elements.get(first.id);
  if (!part || !whole || first.id === element.id) return undefined;
  return share(part.participants, whole.participants);
}

/** The share of the previous element as text: "99.3%". */
export function shareOfPrevious({ from, to }: Connection, figures: Figures): string {
  return share(figures.links.get(linkKey(from.id, to.id)) ?? 0, figures.elements.get(from.id)?.participants ?? 0);
}

/** A part of a sentence: text, or a number of customers with who they are. */
export type Part = string | { readonly text: string; readonly value: number; readonly who: Who };

/** What became of the customers who reached an element. */
export function elementSentence(element: GraphElement, figures: ElementFigures): string {
  return textOf(elementParts(element, figures));
}

export function elementParts(element: GraphElement, figures: ElementFigures): Part[] {
  const { participants } = figures;
  const customers = (name: keyof ElementFigures, text = number(figures[name])): Part => ({
    text,
    value: figures[name],
    who: { kind: "state", elementId: element.id, state: STATES[name] },
  });
  const all = customers("participants", count(participants, "customer"));
  if (participants === 0) return [`No customer reached ${element.name}.`];
  if (element.followedBy.length === 0) return [all, ` reached ${element.name}, where the journey ends.`];
  return [
    ...["Of ", all, ` who reached ${element.name}, `],
    ...[customers("completed"), " completed the journey, "],
    ...[customers("flow"), " went on but did not complete it, "],
    ...[customers("active"), " may still go on, and "],
    ...[customers("dropout"), " dropped out."],
  ];
}

/** How many customers went along a link. */
export function linkSentence(connection: Connection, figures: Figures): string {
  return textOf(linkParts(connection, figures));
}

export function linkParts(connection: Connection, figures: Figures): Part[] {
  const { from, to, link } = connection;
  const went = figures.links.get(linkKey(from.id, to.id)) ?? 0;
  const all = figures.elements.get(from.id)?.participants ?? 0;
  const note = link.note ? ` ${link.note}` : "";
  if (all === 0) return [`No customer reached ${from.name}, so none went on to ${to.name}.`];
  return [
    `Of ${count(all, "customer")} who reached ${from.name}, `,
    { text: number(went), value: went, who: { kind: "link", elementId: from.id, linkId: to.id } },
    ` (${shareOfPrevious(connection, figures)}) went on to ${to.name}${note}.`,
  ];
}

function textOf(parts: readonly Part[]): string {
  return parts.map((part) => (typeof part === "string" ? part : part.text)).join("");
}

/** How long customers took; empty where nobody did or the result does not say. */
export function durationSentence(duration: Duration | undefined): string {
  const { median, percentile90 } = duration ?? {};
  if (median === undefined || percentile90 === undefined) return "";
  return `Half of them took at most ${shortDuration(median)} (the median), and 90% at most ${shortDuration(percentile90)}.`;
}

/** An element's share of the first one, as a sentence; empty where there is none. */
export function firstSentence(element: GraphElement, first: GraphElement | undefined, figures: Figures): string {
  const text = shareOfFirst(element, first, figures);
  if (text === undefined || !first) return "";
  return `${text} of those who reached ${first.name}, the first element, reached ${element.name}.`;
}

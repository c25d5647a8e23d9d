/** What a definition means, in words. */

import { count } from "../../formats";
import { joinNote } from "../../journey/words";
import { type Definition, type Element, type Link, type TimeConstraint, typedText } from "./definition";

/** "7 days" */
function length({ unit, value }: TimeConstraint): string {
  const text = typedText(value).trim() || "…";
  const word = unit.slice(0, -1).toLowerCase();
  return /^\d{1,9}$/.test(text) ? count(Number(text), word) : `${text} ${word}s`;
}

/** What a link asks for: "Order delivered must follow within 7 days after Order placed." */
export function linkMeaning(from: string, to: string, link: Link): string {
  const join = joinNote(link);
  return timeMeaning(from, to, link).replace(/\.$/, join ? `, ${join}.` : ".");
}

function timeMeaning(from: string, to: string, link: Link): string {
  const { constraintWithin: within, constraintAfter: after, eventCountType: type } = link;
  const same = type === "All" ? ` or happen at the same time as ${from}` : "";
  if (type === "Concurrent") return `${to} must happen at the same time as ${from}.`;
  if (within && after) {
    return `${to} must follow ${from} no sooner than ${length(after)} and within ${length(within)}.`;
  }
  if (within) return `${to} must follow within ${length(within)} after ${from}${same}.`;
  if (after) return `${to} must follow ${from} no sooner than ${length(after)} later.`;
  return `${to} must follow ${from}${same}, any time later.`;
}

/** The same in a few words, for the line of the link: "≤ 7 days". */
export function linkNote(link: Link): string {
  return [timeNote(link), joinNote(link)].filter(Boolean).join(", ");
}

function timeNote({ constraintWithin: within, constraintAfter: after, eventCountType: type }: Link): string {
  if (type === "Concurrent") return "same time";
  if (within && after) return `${typedText(after.value)} ${after.unit.toLowerCase()} to ${length(within)}`;
  if (within) return `≤ ${length(within)}`;
  return after ? `≥ ${length(after)}` : "";
}

/** A name for a view: from its first element to its last. */
export function suggestedName({ elements }: Definition): string {
  const targets = new Set(elements.flatMap(({ followedBy }) => (followedBy ?? []).map(({ id }) => id)));
  const first = elements.find(({ id }) => !targets.has(id));
  const last = elements.findLast((element) => isLast(element) && element !== first);
  if (!first) return "";
  return last ? `From ${first.name} to ${last.name}`.slice(0, 256) : first.name;
}

function isLast({ followedBy }: Element): boolean {
  return (followedBy ?? []).length === 0;
}

const SINGLE_UNIT = /^P(?:(\d{1,6})D|(\d{1,6})W|(\d{1,6})M|T(\d{1,9})H)$/;

/** The number and the unit of a duration that has only one; undefined for all others. */
export function simpleDuration(
  text: string,
): { value: string; unit: "Days" | "Weeks" | "Months" | "Hours" } | undefined {
  const [, days, weeks, months, hours] = SINGLE_UNIT.exec(text) ?? [];
  if (days !== undefined) return { value: days, unit: "Days" };
  if (weeks !== undefined) return { value: weeks, unit: "Weeks" };
  if (months !== undefined) return { value: months, unit: "Months" };
  return hours === undefined ? undefined : { value: hours, unit: "Hours" };
}

export function durationText(value: string, unit: "Days" | "Weeks" | "Months" | "Hours"): string {
  return unit === "Hours" ? `PT${value}H` : `P${value}${unit.charAt(0)}`;
}

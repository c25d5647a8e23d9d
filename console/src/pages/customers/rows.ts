/** The rows of a timeline: days, events, and the conversations that events of the contact center are part of. */

import { NATIVE } from "../../components/native";
import { localDate } from "../../formats";

export interface Dated {
  readonly id: string;
  readonly dateCreated: string;
  readonly configurationId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Events of one conversation that lie together, in their order. */
export interface Conversation<T> {
  /** The conversation with its first event here: other events can lie between two parts of one conversation. */
  readonly key: string;
  readonly events: readonly T[];
  /** How many parts of the conversation there are among all events, this one included. */
  readonly parts: number;
}

/** `number` counts the events from 1; that of a conversation is the number of its first event. */
export type Row<T> =
  | { readonly kind: "day"; readonly day: string; readonly number: number }
  | {
      readonly kind: "conversation";
      readonly day: string;
      readonly number: number;
      readonly conversation: Conversation<T>;
      readonly open: boolean;
    }
  | {
      readonly kind: "event";
      readonly day: string;
      readonly number: number;
      readonly event: T;
      /** The conversation that was opened, and has this event. */
      readonly within: Conversation<T> | undefined;
    };

/** Calculating the local date of an event takes longer than all else here, so it is done once. */
const days = new WeakMap<object, string>();

function dayOf(event: Dated): string {
  let day = days.get(event);
  if (day === undefined) {
    day = localDate(event.dateCreated);
    days.set(event, day);
  }
  return day;
}

/** The id of the conversation that an event of the contact center is part of. */
export function conversationOf({ configurationId, attributes }: Dated): string | undefined {
  const id = configurationId === NATIVE ? attributes["conversationId"] : undefined;
  return typeof id === "string" ? id : undefined;
}

/**
 * The events in their order, with a row before the first event of each day.
 *
 * Two or more events of one conversation that lie together are one row, and stand below it when it is opened.
 */
export function rowsOf<T extends Dated>(events: readonly T[], opened: ReadonlySet<string> = new Set()): Row<T>[] {
  const rows: Row<T>[] = [];
  let day = "";
  const dayBefore = (event: T, number: number) => {
    if (dayOf(event) === day) return;
    day = dayOf(event);
    rows.push({ kind: "day", day, number });
  };
  const all = partsOf(events);
  const counts = new Map<string | undefined, number>();
  for (const { id } of all) counts.set(id, (counts.get(id) ?? 0) + 1);
  let index = 0;
  for (const { id, first, events: together } of all) {
    const conversation =
      together.length > 1 ? { key: keyOf(first), events: together, parts: counts.get(id) ?? 1 } : undefined;
    if (conversation) {
      dayBefore(first, index + 1);
      rows.push({ kind: "conversation", day, number: index + 1, conversation, open: opened.has(conversation.key) });
    }
    if (!conversation || opened.has(conversation.key)) {
      together.forEach((event, step) => {
        dayBefore(event, index + step + 1);
        rows.push({ kind: "event", day, number: index + step + 1, event, within: conversation });
      });
    }
    index += together.length;
  }
  return rows;
}

function keyOf(event: Dated): string {
  return JSON.stringify([conversationOf(event), event.id]);
}

interface Part<T> {
  /** The conversation; undefined for an event that is of none. */
  readonly id: string | undefined;
  readonly first: T;
  readonly events: T[];
}

/** The events, those of one conversation that lie together as one part. */
function partsOf<T extends Dated>(events: readonly T[]): Part<T>[] {
  const parts: Part<T>[] = [];
  for (const event of events) {
    const id = conversationOf(event);
    const last = parts.at(-1);
    if (id !== undefined && last?.id === id) last.events.push(event);
    else parts.push({ id, first: event, events: [event] });
  }
  return parts;
}

/** The next row that is no day in a direction, or the same row if there is none. */
export function neighbor(rows: readonly Row<unknown>[], from: number, step: 1 | -1): number {
  for (let index = from + step; index >= 0 && index < rows.length; index += step) {
    if (rows[index]?.kind !== "day") return index;
  }
  return from;
}

/** What happened in a conversation with the contact center, in short. */

import { kindOfNative } from "../../components/native";
import { duration } from "../../formats";

interface Event {
  readonly schemaId: string;
  readonly dateCreated: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A part of a conversation: the type whose icon it has, and what happened. */
export interface Part {
  readonly type: string;
  readonly text: string;
}

export interface ConversationSummary {
  /** "Inbound call" */
  readonly title: string;
  readonly start: string;
  readonly end: string;
  /** Milliseconds from the first event to the last. */
  readonly length: number;
  /** In the order in which each began. */
  readonly parts: readonly Part[];
}

const MEDIA: ReadonlyMap<string, string> = new Map([
  ["voice", "call"],
  ["callback", "callback"],
  ["chat", "chat"],
  ["email", "e-mail"],
  ["message", "message"],
  ["task", "task"],
  ["video", "video call"],
]);

/** The kinds that are parts, by the attribute that tells two of one kind apart, and the attribute with their length. */
const PARTS: Readonly<Record<string, { word: string; by: string; length: string }>> = {
  flow: { word: "Flow", by: "flowId", length: "connectedDurationMs" },
  acd: { word: "Queue", by: "queueId", length: "connectedDurationMs" },
  user: { word: "Agent", by: "agentId", length: "interactingDurationMs" },
  voicemail: { word: "Voicemail", by: "", length: "voicemailDurationMs" },
  wrapup: { word: "Wrap-up", by: "wrapUpCode", length: "" },
};

/** Characters of an id or a code that are shown. */
const SHOWN = 24;

/** Summarizes events of one conversation, in any order. */
export function summaryOf(events: readonly Event[]): ConversationSummary {
  const sorted = [...events].sort((one, other) => one.dateCreated.localeCompare(other.dateCreated));
  const start = sorted[0]?.dateCreated ?? "";
  const end = sorted.at(-1)?.dateCreated ?? start;
  return { title: titleOf(sorted), start, end, length: Date.parse(end) - Date.parse(start), parts: partsOf(sorted) };
}

function titleOf(events: readonly Event[]): string {
  const word = MEDIA.get(firstText(events, "mediaType") ?? "") ?? "conversation";
  const direction = firstText(events, "direction");
  const title = direction === "inbound" || direction === "outbound" ? `${direction} ${word}` : word;
  return title.charAt(0).toUpperCase() + title.slice(1);
}

interface Found {
  readonly kind: string;
  readonly type: string;
  readonly name: string;
  readonly first: number;
  last: number;
  length: number | undefined;
  abandoned: boolean;
}

function partsOf(events: readonly Event[]): Part[] {
  const found = new Map<string, Found>();
  // The code of a wrap-up also stands in the after-call work: it is one part.
  const named = events.map((event) => ({ event, kind: kindOfNative(event.schemaId) }));
  for (const { event, kind: own } of named) {
    const kind = own === "acw" ? "wrapup" : own;
    const about = PARTS[kind];
    if (!about) continue;
    const name = text(event.attributes[about.by]) ?? "";
    if (kind === "wrapup" && name === "") continue;
    const time = Date.parse(event.dateCreated);
    const key = `${kind} ${name}`;
    const part: Found = found.get(key) ?? {
      kind,
      type: kind === "wrapup" ? "native-wrapup" : `native-${kind}-start`,
      name,
      first: time,
      last: time,
      length: undefined,
      abandoned: false,
    };
    part.last = time;
    const length = event.attributes[about.length];
    if (typeof length === "number") part.length = (part.length ?? 0) + length;
    part.abandoned ||= event.attributes["acdOutcome"] === "abandon";
    found.set(key, part);
  }
  return [...found.values()].map((part) => ({ type: part.type, text: partText(part) }));
}

function partText({ kind, name, first, last, length, abandoned }: Found): string {
  const shown = name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name;
  const head = [PARTS[kind]?.word, shown].filter(Boolean).join(" ");
  const time = kind === "wrapup" ? 0 : (length ?? last - first);
  const spent = time > 0 ? duration(time) : "";
  return [head, abandoned ? `given up after ${spent || duration(0)}` : spent].filter(Boolean).join(", ");
}

function firstText(events: readonly Event[], name: string): string | undefined {
  for (const { attributes } of events) {
    const found = text(attributes[name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Events as the reader entered them. */

import { parseExactly } from "../types/exactJson";

const MOST_EVENTS = 100;

export interface ReadEvents {
  readonly events?: readonly unknown[];
  readonly problem?: string;
}

/** Reads an event, a list of events, or a request with `entities`. */
export function readEvents(text: string): ReadEvents {
  const { value, problem } = readJson(text);
  if (problem !== undefined) return { problem };
  const entities = value && typeof value === "object" && "entities" in value ? value.entities : value;
  const events: readonly unknown[] = Array.isArray(entities) ? entities : [entities];
  if (events.length === 0) return { problem: "Enter at least one event." };
  if (events.length > MOST_EVENTS) return { problem: `Enter at most ${MOST_EVENTS} events.` };
  return { events };
}

/** Reads JSON, or says what is wrong with it in the words of the browser. */
export function readJson(text: string): { value?: unknown; problem?: string } {
  try {
    return { value: parseExactly(text) };
  } catch (error) {
    return { problem: `This is not JSON: ${error instanceof Error ? error.message : "it cannot be read"}.` };
  }
}

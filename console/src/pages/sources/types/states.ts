/** The state of an event type, in words. */

import type { EventType, Summary } from "../requests";

export interface State {
  readonly code: string;
  readonly label: string;
  readonly tone: "" | "good" | "warn" | "bad";
  readonly about: string;
}

const STATES: Readonly<Record<string, State>> = {
  New: { code: "New", label: "Not in views", tone: "", about: "Views cannot use it until it is activated." },
  Updated: {
    code: "Updated",
    label: "Newer than in views",
    tone: "warn",
    about: "It has a version that views do not use yet. Take it over to use its new fields.",
  },
  Active: { code: "Active", label: "Active", tone: "good", about: "It receives events, and views can use it." },
  Inactive: { code: "Inactive", label: "Disabled", tone: "warn", about: "Its events are refused until it is enabled." },
  Error: {
    code: "Error",
    label: "No configuration",
    tone: "bad",
    about: "No configuration exists for it, so no events can be sent. Create one under Use.",
  },
};

export function stateOf(type: EventType, summary: Summary | undefined): State {
  const code = summary?.systemStatus ?? (type.enabled ? "" : "Inactive");
  return STATES[code] ?? { code: "", label: "Enabled", tone: "good", about: "It receives events." };
}

export const STATE_OPTIONS = Object.values(STATES).map(({ code, label }) => ({ value: code, label }));

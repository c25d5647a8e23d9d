/** Words for the states of endpoints and the outcomes of deliveries. */

import type { Delivery, Endpoint } from "../requests";

export interface Word {
  readonly label: string;
  readonly tone: "" | "good" | "warn" | "bad";
  readonly about: string;
}

export const STATUS: Readonly<Record<Endpoint["status"], Word>> = {
  active: { label: "Active", tone: "good", about: "It receives deliveries." },
  disabled: { label: "Disabled", tone: "warn", about: "Deliveries are answered with 404 and nothing is stored." },
  waitingForSecret: {
    label: "Waits for its secret",
    tone: "warn",
    about: "Deliveries are refused until the secret of the tool is stored here.",
  },
};

export const OUTCOMES: Readonly<Record<string, Word>> = {
  ingested: { label: "Ingested", tone: "good", about: "Every event was stored, or was stored before." },
  failed: { label: "Failed", tone: "bad", about: "Events were refused. The failure shows why, and can be replayed." },
  ignored: { label: "Ignored", tone: "", about: "The routing matched no event." },
  empty: { label: "Empty", tone: "", about: "The delivery held no event." },
  queued: { label: "Queued", tone: "warn", about: "The delivery is stored, and its events are being ingested." },
  handshake: { label: "Handshake", tone: "", about: "The tool checked the address, and was answered." },
  refused: { label: "Refused", tone: "bad", about: "The tool got an error, and nothing was stored." },
};

export function outcomeOf(delivery: Delivery): Word {
  return OUTCOMES[delivery.outcome] ?? { label: delivery.outcome, tone: "", about: "" };
}

const REASONS: Readonly<Record<string, string>> = {
  "wrong.signature": "The signature is wrong. Compare the secret and the options with the settings of the tool.",
  "too.old":
    "The signed time is more than five minutes away. Check the clock of the tool, or a proxy that delays deliveries.",
  "missing.header": "The delivery is not signed. Turn signing on in the tool.",
  "waiting.for.secret": "The endpoint waits for its secret. Store the secret of the tool here.",
  "too.large": "The delivery has more than 1 MiB. Let the tool send fewer events at a time.",
  "invalid.coding": "The compression cannot be read. Turn it off in the tool, or use gzip.",
  retry: "A temporary error. There is nothing to do: the tool delivers again.",
};

/** Why a delivery was refused, and what to do. */
export function reasonOf(delivery: Delivery): string | undefined {
  return delivery.reason === undefined ? undefined : (REASONS[delivery.reason] ?? delivery.reason);
}

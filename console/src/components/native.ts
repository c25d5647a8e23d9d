/** The contact center's own event types. They are the same in every organization, and each has an icon. */

/** The id of the configuration that all native events are stored under. */
export const NATIVE = "native";
/** What readers call the source of native events. */
export const CONTACT_CENTER = "Contact center";
/** What readers call all other sources together. */
export const EXTERNAL = "External";

/** The vendors of contact centers, by the source of their events. */
const VENDORS: ReadonlyMap<string, string> = new Map([
  ["genesys", "Genesys Cloud"],
  ["amazon-connect", "Amazon Connect"],
]);

export function vendorName(source: string): string {
  return VENDORS.get(source) ?? source;
}

/** Lines in a field of 20 by 20. */
const LINES = {
  telephone:
    "M5.2 3 7.4 2.4 9 5.9 7.3 7.5a9.5 9.5 0 0 0 5.2 5.2L14.1 11l3.5 1.6-.6 2.2c-.2.9-1 1.4-1.9 1.3C8.7 15.3 4.7 11.3 3.9 4.9 3.8 4 4.3 3.2 5.2 3z",
  queue:
    "M4 4.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM10 4.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM16 4.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM1.5 15c0-2.2 1-3.8 2.5-3.8S6.5 12.8 6.5 15M7.5 15c0-2.2 1-3.8 2.5-3.8s2.5 1.6 2.5 3.8M13.5 15c0-2.2 1-3.8 2.5-3.8s2.5 1.6 2.5 3.8",
  agent:
    "M10 4.2a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM4 17.5c.3-3 2.6-4.8 6-4.8s5.7 1.8 6 4.8M4.8 8V6.8a5.2 5.2 0 0 1 10.4 0V8c0 1.5-.8 2.3-2.2 2.5M3.8 6.9h1.7v2.2H3.8zM14.5 6.9h1.7v2.2h-1.7z",
  flow: "M7.5 2.5h5v4h-5zM10 6.5V10M4.5 13.5V10h11v3.5M2.5 13.5h4v4h-4zM13.5 13.5h4v4h-4z",
  voicemail: "M5.3 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM14.7 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM5.3 13.5h9.4",
  clock: "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM10 5.8V10l2.8 2",
  clipboard: "M7.5 4H4.8v13.5h10.4V4h-2.7M7.5 2.5h5v3h-5zM7.3 11.5l2 2 3.6-4.2",
  outbound:
    "M4.4 5 6.3 4.5 7.6 7.4 6.2 8.8a8 8 0 0 0 4.5 4.5l1.4-1.4 2.9 1.3-.5 1.9c-.2.8-.8 1.2-1.6 1.1C7.5 15.5 4 12 3.3 6.6 3.2 5.8 3.6 5.2 4.4 5zM12 2.5h5.5V8M17.5 2.5 11.5 8.5",
  card: "M2 4.5h16v11H2zM6.8 7.2a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3zM4.3 13.2c.2-1.2 1.2-1.9 2.5-1.9s2.3.7 2.5 1.9M12 8.5h3.5M12 11.5h3.5",
  list: "M7 5h10.5M7 10h10.5M7 15h10.5M2.8 5h.9M2.8 10h.9M2.8 15h.9",
  flag: "M5 17.8V2.5M5 3.5h10l-2.2 3.5L15 10.5H5",
  headset:
    "M3 12.5V9.8a7 7 0 0 1 14 0v2.7M3 11.5h2.8v4.7H4.5A1.5 1.5 0 0 1 3 14.7zM17 11.5h-2.8v4.7h1.3a1.5 1.5 0 0 0 1.5-1.5zM15.5 16.2c0 1-1 1.6-3.3 1.6",
} as const;

export interface Icon {
  readonly lines: string;
  /** The type is the end of something: a filled square is drawn at the corner. */
  readonly ends: boolean;
}

const ICONS: Readonly<Record<string, keyof typeof LINES>> = {
  customer: "telephone",
  acd: "queue",
  user: "agent",
  flow: "flow",
  voicemail: "voicemail",
  acw: "clock",
  wrapup: "clipboard",
  outbound: "outbound",
  contact: "card",
  attributes: "list",
  "flow-outcome": "flag",
};

/** Whether an event type is one of the contact center's, by its id. */
export function isNativeType(typeId: string | undefined): typeId is string {
  return typeId?.startsWith(`${NATIVE}-`) ?? false;
}

/** The kind of a native type without its start or end: `native-acd-end` is of the kind `acd`. */
export function kindOfNative(typeId: string): string {
  return typeId.replace(/^native-/, "").replace(/-(start|end)$/, "");
}

/** The icon of a native event type, by its id. A type that this release does not know gets that of all. */
export function iconOf(typeId: string): Icon {
  return { lines: LINES[ICONS[kindOfNative(typeId)] ?? "headset"], ends: typeId.endsWith("-end") };
}

import fc from "fast-check";
import { expect, test } from "vitest";
import { iconOf, kindOfNative, vendorName } from "../src/components/native";
import { duration } from "../src/formats";
import { eventDefinitions, eventOptions } from "../src/pages/builder/attributes";
import { summaryOf } from "../src/pages/customers/conversation";
import { suggestedFix } from "../src/pages/failures/fixes";
import { activeTypes } from "../src/pages/home/requests";

const KINDS = ["customer", "acd", "user", "flow", "voicemail", "acw", "wrapup", "outbound", "contact", "attributes"];

test("each kind of native type has an icon of its own, and a start differs from an end", () => {
  const lines = [...KINDS, "flow-outcome"].map((kind) => iconOf(`native-${kind}`).lines);
  expect(new Set(lines).size).toBe(lines.length);
  expect(lines).not.toContain(iconOf("").lines);
  expect(iconOf("native-acd-start")).toEqual({ lines: iconOf("native-acd").lines, ends: false });
  expect(iconOf("native-acd-end").ends).toBe(true);
  expect(kindOfNative("native-flow-outcome")).toBe("flow-outcome");
});

test("a type or a vendor that this release does not know is shown all the same", () => {
  expect(iconOf("native-something-new").lines).toBe(iconOf("").lines);
  expect(["genesys", "amazon-connect", "another"].map(vendorName)).toEqual([
    "Genesys Cloud",
    "Amazon Connect",
    "another",
  ]);
});

test.each([
  [0, "0 sec"],
  [999, "0 sec"],
  [45_000, "45 sec"],
  [252_000, "4 min 12 sec"],
  [240_000, "4 min"],
  [3_660_000, "1 hr 1 min"],
  [3_601_000, "1 hr"],
  [90_000_000, "1 day 1 hr"],
])("%d milliseconds are %j", (milliseconds, text) => {
  expect(duration(milliseconds)).toBe(text);
});

interface Attributes {
  [name: string]: unknown;
}

function native(kind: string, second: number, attributes: Attributes = {}) {
  const dateCreated = new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();
  return { schemaId: `native-${kind}`, dateCreated, attributes: { conversationId: "c", ...attributes } };
}

const CALL = [
  native("customer-start", 0, { mediaType: "voice", direction: "inbound" }),
  native("flow-start", 1, { flowId: "menu" }),
  native("flow-end", 31, { flowId: "menu" }),
  native("acd-start", 32, { queueId: "service" }),
  native("acd-end", 122, { queueId: "service", acdOutcome: "answered", connectedDurationMs: 90_000 }),
  native("user-start", 123, { agentId: "17", queueId: "service" }),
  native("user-end", 400, { agentId: "17", interactingDurationMs: 250_000 }),
  native("customer-end", 400),
  native("wrapup", 430, { wrapUpCode: "Solved" }),
  native("acw", 431, { wrapUpCode: "Solved", wrapUpDurationMs: 30_000 }),
];

test("a call is its menu, queue, agent and wrap-up, each once", () => {
  const { title, length, parts } = summaryOf(CALL);
  expect(title).toBe("Inbound call");
  expect(length).toBe(431_000);
  expect(parts).toEqual([
    { type: "native-flow-start", text: "Flow menu, 30 sec" },
    { type: "native-acd-start", text: "Queue service, 1 min 30 sec" },
    { type: "native-user-start", text: "Agent 17, 4 min 10 sec" },
    { type: "native-wrapup", text: "Wrap-up Solved" },
  ]);
});

test("the code of the work after a call stands for a wrap-up that did not come", () => {
  expect(summaryOf([native("acw", 9, { wrapUpCode: "Solved" })]).parts).toEqual([
    { type: "native-wrapup", text: "Wrap-up Solved" },
  ]);
  expect(summaryOf([native("acw", 9)]).parts).toEqual([]);
});

test("the summary does not depend on the order of the events", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(CALL, { minLength: CALL.length }), (events) => {
      expect(summaryOf(events).length).toBe(431_000);
      expect(summaryOf(events).parts.map(({ text }) => text)).toContain("Queue service, 1 min 30 sec");
      expect(summaryOf(events).title).toBe("Inbound call");
    }),
  );
});

test("a customer who gives up waiting, and a conversation of which little is known", () => {
  const gaveUp = [
    native("acd-start", 0, { queueId: "q" }),
    native("acd-end", 50, { queueId: "q", acdOutcome: "abandon" }),
  ];
  expect(summaryOf(gaveUp).parts).toEqual([{ type: "native-acd-start", text: "Queue q, given up after 50 sec" }]);
  expect(summaryOf([native("attributes", 0), native("contact", 0)])).toMatchObject({
    title: "Conversation",
    length: 0,
    parts: [],
  });
  expect(summaryOf([native("voicemail-start", 0, { mediaType: "constructor" })])).toMatchObject({
    title: "Conversation",
    parts: [{ type: "native-voicemail-start", text: "Voicemail" }],
  });
});

const LISTING = [
  { id: "native-acd-start", name: "ACD start", source: "Native" as const },
  { id: "order", name: "Order", source: "External" as const },
];

test("the builder offers external events first, and groups them only beside those of the contact center", () => {
  expect(eventOptions(eventDefinitions(LISTING))).toEqual([
    { value: "order", label: "Order", group: "External" },
    { value: "native-acd-start", label: "ACD start", group: "Contact center" },
  ]);
  expect(eventOptions(eventDefinitions(LISTING.slice(1)))).toEqual([
    { value: "order", label: "Order", group: undefined },
  ]);
});

test("native types count neither as active types of the organization nor by recent events", () => {
  expect(activeTypes({ entities: LISTING })).toBe(1);
  expect(activeTypes(undefined)).toBeUndefined();
  const events = eventDefinitions(LISTING, { entities: [], configurations: [] });
  expect([...events.values()].map(({ recent }) => recent)).toEqual([undefined, 0]);
});

test("a failure of a native event leads to no configuration", () => {
  const { links } = suggestedFix({ reason: "event.invalid", configurationId: "native" });
  expect(links.map(({ href }) => href)).toEqual(["#/failures?reason=event.invalid&status=all"]);
});

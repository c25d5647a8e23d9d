/** The problems that the builder finds, and where it shows those of the API. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ApiProblem } from "../src/api/problem";
import { eventDefinitions, joinable, joinTitle } from "../src/pages/builder/attributes";
import type { Definition, Element } from "../src/pages/builder/definition";
import { findProblems, isWithin, placeOf, refusedProblems, valueAt } from "../src/pages/builder/problems";
import { linkMeaning, linkNote, simpleDuration, suggestedName } from "../src/pages/builder/sentences";
import { definitions } from "./definitions";

const events = eventDefinitions([
  {
    id: "order",
    name: "Order",
    source: "External",
    jsonSchema: {
      properties: {
        status: { type: "string", enum: ["placed", "delivered"] },
        amount: { allOf: [{ $ref: "#/definitions/number" }] },
        items: { type: "integer" },
        gift: { allOf: [{ $ref: "#/definitions/checkbox" }] },
        note: { type: "string", title: "Note of the customer" },
        due: { allOf: [{ $ref: "#/definitions/date" }] },
      },
    },
  },
]);

function element(id: string, more: Partial<Element> = {}): Element {
  return { id, name: id, attributes: { id: "order" }, ...more };
}

function view(more: Partial<Definition> = {}): Definition {
  return { name: "A view", duration: "P30D", elements: [element("a")], ...more };
}

const filtered = (filter: Element["filter"]) => view({ elements: [element("a", { filter })] });
const linked = (link: object) =>
  view({ elements: [element("a", { followedBy: [{ id: "b", ...link }] }), element("b")] });
const days = (value: string) => ({ unit: "Days", value });
const charted = (chart: object) =>
  view({ charts: [{ name: "Chart", metrics: [{ id: "1", elementId: "a" }], ...chart }] });

test("a definition as it should be has no problem", () => {
  expect(findProblems(linked({ constraintWithin: days("7"), constraintAfter: days("1") }), events)).toEqual([]);
});

test.each<[string, Definition]>([
  ["name", view({ name: " " })],
  ["name", view({ name: "x".repeat(257) })],
  ["duration", view({ duration: "PD" })],
  ["duration", view({ duration: "P0D" })],
  ["interval", view({ duration: undefined })],
  ["interval", view({ duration: undefined, interval: "2026-02-01T00:00Z/2026-01-01T00:00Z" })],
  ["elements", view({ elements: [] })],
  ["elements[1].name", view({ elements: [element("a"), element("b", { name: "A " })] })],
  ["elements[0].attributes.id", view({ elements: [element("a", { attributes: { id: "gone" } })] })],
  ["elements[0].filter.predicates[0].dimension", filtered({ predicates: [{ dimension: "gone", values: ["x"] }] })],
  ["elements[0].filter.predicates[0].dimension", filtered({ predicates: [{ dimension: "due", values: ["x"] }] })],
  ["elements[0].filter.predicates[0].values", filtered({ predicates: [{ dimension: "note", values: [] }] })],
  [
    "elements[0].filter.predicates[0].values[1]",
    filtered({ predicates: [{ dimension: "status", values: ["placed", "x"] }] }),
  ],
  ["elements[0].filter.predicates[0].values[0]", filtered({ predicates: [{ dimension: "gift", values: ["yes"] }] })],
  ["elements[0].filter.predicates[0].values[0]", filtered({ predicates: [{ dimension: "items", values: ["1.5"] }] })],
  [
    "elements[0].filter.numberPredicates[0].dimension",
    filtered({ numberPredicates: [{ dimension: "note", noValue: true }] }),
  ],
  [
    "elements[0].filter.numberPredicates[0].range",
    filtered({ numberPredicates: [{ dimension: "amount", range: {} }] }),
  ],
  [
    "elements[0].filter.numberPredicates[0].range.gte.number",
    filtered({ numberPredicates: [{ dimension: "amount", range: { gte: { number: "" } } }] }),
  ],
  [
    "elements[0].filter.numberPredicates[0].range.lt.duration",
    filtered({ numberPredicates: [{ dimension: "amount", range: { lt: { duration: "5 minutes" } } }] }),
  ],
  [
    "elements[0].filter.numberPredicates[0].range",
    filtered({ numberPredicates: [{ dimension: "amount", range: { gt: { number: "5" }, lt: { number: 5 } } }] }),
  ],
  ["elements[0].followedBy[0].id", view({ elements: [element("a", { followedBy: [{ id: "gone" }] })] })],
  ["elements[0].followedBy[0].constraintWithin.value", linked({ constraintWithin: days("1.5") })],
  ["elements[0].followedBy[0].constraintAfter.value", linked({ constraintAfter: days("40000") })],
  ["elements[0].followedBy[0].constraintAfter", linked({ constraintWithin: days("1"), constraintAfter: days("2") })],
  ["elements[0].followedBy[0].constraintWithin", linked({ constraintWithin: days("0") })],
  ["charts[0].metrics", charted({ metrics: [] })],
  ["charts[0].metrics[0].elementId", charted({ metrics: [{ id: "1", elementId: "gone" }] })],
  ["charts[0].metrics[0].attribute", charted({ metrics: [{ id: "1", elementId: "a", aggregate: "Sum" }] })],
  [
    "charts[0].groupByAttributes[0].elementId",
    charted({ groupByAttributes: [{ elementId: "gone", attribute: "note" }] }),
  ],
  ["charts[0].groupByAttributes[0].attribute", charted({ groupByAttributes: [{ elementId: "a", attribute: "due" }] })],
  ["charts[0].groupByMax", charted({ groupByMax: "5" })],
  ["charts[0].groupByMax", charted({ groupByMax: "0", groupByTime: "Day" })],
])("finds the problem at %s", (path, definition) => {
  expect(findProblems(definition, events).map((one) => one.path)).toEqual([path]);
});

test("finds both links of a circle", () => {
  const elements = [element("a", { followedBy: [{ id: "b" }] }), element("b", { followedBy: [{ id: "a" }] })];
  const paths = findProblems(view({ elements }), events).map(({ path }) => path);
  expect(paths).toEqual(["elements[0].followedBy[0].id", "elements[1].followedBy[0].id"]);
});

test("finds more elements and charts than allowed", () => {
  const elements = Array.from({ length: 51 }, (_, index) => element(`e${index}`));
  const charts = Array.from({ length: 11 }, (_, index) => ({
    name: `Chart ${index}`,
    metrics: [{ id: "1", elementId: "e0" }],
  }));
  expect(findProblems(view({ elements, charts }), events).map(({ path }) => path)).toEqual(["elements", "charts"]);
});

test("finds something in any definition without an error", () => {
  fc.assert(
    fc.property(definitions, (definition) => {
      for (const { path, message } of findProblems(definition as unknown as Definition, events)) {
        expect(path).not.toBe("");
        expect(message).toMatch(/^[\p{L}“].*\.$/su);
      }
    }),
  );
});

describe("problems of the API", () => {
  test("each field gets its own sentences", () => {
    const problem = new ApiProblem(400, {
      message:
        "elements[0].name: Another item of elements has the same name. Use a different name. charts[1].metrics[0].attribute: The aggregate Sum needs an attribute.",
      details: [
        { fieldName: "elements[0].name", errorCode: "duplicate.name" },
        { fieldName: "charts[1].metrics[0].attribute", errorCode: "missing.attribute" },
      ],
    });
    expect(refusedProblems(problem)).toEqual([
      { path: "elements[0].name", message: "Another item of elements has the same name. Use a different name." },
      { path: "charts[1].metrics[0].attribute", message: "The aggregate Sum needs an attribute." },
    ]);
  });

  test("sentences that name the field themselves stay whole", () => {
    const problem = new ApiProblem(400, {
      message: 'The field "name" is missing. The field "elements[0].id" is too long.',
      details: [
        { fieldName: "name", errorCode: "missing.field" },
        { fieldName: "elements[0].id", errorCode: "invalid.value" },
      ],
    });
    expect(refusedProblems(problem).map(({ message }) => message)).toEqual([
      'The field "name" is missing.',
      'The field "elements[0].id" is too long.',
    ]);
  });

  test("a field that the message does not describe shows the code", () => {
    const details = [{ fieldName: "elements[40].name", errorCode: "duplicate.name" }];
    const [found] = refusedProblems(new ApiProblem(400, { message: "Too many problems.", details }));
    expect(found).toEqual({ path: "elements[40].name", message: "The API refuses this (duplicate.name)." });
  });
});

test("paths lead to values and places", () => {
  const definition = linked({ constraintWithin: days("7") });
  expect(valueAt(definition, "elements[0].followedBy[0].constraintWithin.value")).toBe("7");
  expect(valueAt(definition, "elements[7].name")).toBeUndefined();
  expect(isWithin("elements[12].name", "elements[1]")).toBe(false);
  expect(isWithin("elements[1].name", "elements[1]")).toBe(true);
  expect(placeOf("elements[1].name", definition)).toBe("Element “b”");
  expect(placeOf("duration", definition)).toBe("View");
});

test("a link's limits are explained in a sentence", () => {
  const [within, after] = [
    { unit: "Days", value: 7 },
    { unit: "Hours", value: "1" },
  ] as const;
  const meaning = (link: object) => linkMeaning("Order placed", "Order delivered", { id: "b", ...link });
  expect(meaning({ constraintWithin: within })).toBe("Order delivered must follow within 7 days after Order placed.");
  expect(meaning({ constraintAfter: after })).toBe(
    "Order delivered must follow Order placed no sooner than 1 hour later.",
  );
  expect(meaning({ constraintWithin: within, constraintAfter: after })).toBe(
    "Order delivered must follow Order placed no sooner than 1 hour and within 7 days.",
  );
  expect(meaning({ eventCountType: "Concurrent" })).toBe(
    "Order delivered must happen at the same time as Order placed.",
  );
  expect(linkNote({ id: "b", constraintWithin: within })).toBe("≤ 7 days");
  const joinAttributes = ["conversationId"];
  expect(meaning({ constraintWithin: within, joinAttributes })).toBe(
    "Order delivered must follow within 7 days after Order placed, in the same conversation.",
  );
  expect(meaning({ joinAttributes: [] })).toBe("Order delivered must follow Order placed, any time later.");
  expect(linkNote({ id: "b", constraintWithin: within, joinAttributes })).toBe("≤ 7 days, in the same conversation");
  expect(linkNote({ id: "b", joinAttributes })).toBe("in the same conversation");
});

test("only links between two native events can join, and only by conversation", () => {
  const jsonSchema = { properties: { conversationId: { type: "string" }, queueId: { type: "string" } } };
  const found = eventDefinitions([
    { id: "call", source: "Native", jsonSchema },
    { id: "wrap-up", source: "Native", jsonSchema },
    { id: "chat", source: "External", jsonSchema },
  ]);
  const [call, wrapUp, chat] = ["call", "wrap-up", "chat"].map((id) => found.get(id));
  expect(joinable(call, wrapUp)).toEqual(["conversationId"]);
  expect(joinable(call, call)).toEqual(["conversationId"]);
  for (const [from, to] of [
    [call, chat],
    [chat, call],
    [chat, chat],
    [call, undefined],
  ]) {
    expect(joinable(from, to)).toEqual([]);
  }
  expect(["conversationId", "queueId"].map(joinTitle)).toEqual(["conversation", "queueId"]);
});

test("the events of the last days are those of all configurations of a type", () => {
  const configurations = ["one", "two"].map((id) => ({ id, name: id, source: "ERP", schemaId: "order" }));
  const day = { date: "2026-11-27", eventCount: 9, otherEventCount: 1 };
  const sources = [
    { configurationId: "one", eventCount: 5 },
    { configurationId: "two", eventCount: 3 },
  ];
  const entities = [
    { ...day, sources },
    { ...day, sources },
  ];
  const listing = [{ id: "order" }, { id: "survey" }];
  const counted = eventDefinitions(listing, { entities, configurations });
  expect([...counted.values()].map(({ recent }) => recent)).toEqual([16, 0]);
  expect(eventDefinitions(listing).get("order")?.recent).toBeUndefined();
});

test("a name is suggested from the first to the last element", () => {
  const elements = [element("Order", { followedBy: [{ id: "Survey" }] }), element("Survey")];
  expect(suggestedName(view({ elements }))).toBe("From Order to Survey");
  expect(suggestedName(view())).toBe("a");
  expect(suggestedName(view({ elements: [] }))).toBe("");
});

test("a duration with one unit is shown as a number", () => {
  expect(simpleDuration("P30D")).toEqual({ value: "30", unit: "Days" });
  expect(simpleDuration("PT12H")).toEqual({ value: "12", unit: "Hours" });
  expect(simpleDuration("P1DT12H")).toBeUndefined();
});

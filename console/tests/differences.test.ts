import { expect, test } from "vitest";
import { differences } from "../src/pages/views/differences";

const VIEW = {
  name: "Orders",
  duration: "P30D",
  elements: [
    {
      id: "a",
      name: "Placed",
      attributes: { id: "order" },
      followedBy: [{ id: "b", constraintWithin: { unit: "Days" as const, value: 7 } }],
    },
    { id: "b", name: "Delivered", attributes: { id: "order" } },
  ],
  charts: [{ id: "c", name: "By week", groupByTime: "Week" as const, metrics: [{ id: "m", elementId: "a" }] }],
};

test("equal versions have no differences", () => {
  expect(differences(VIEW, structuredClone(VIEW))).toEqual([]);
});

test("what is added, removed and changed is named", () => {
  const [placed, delivered] = VIEW.elements;
  const to = {
    ...VIEW,
    duration: "P60D",
    identity: "Identifier" as const,
    durations: [{ fromId: "a", toId: "b" }],
    elements: [
      { ...placed, followedBy: [{ id: "b", constraintWithin: { unit: "Days" as const, value: 3 } }, { id: "s" }] },
      { ...delivered, filter: { predicates: [{ dimension: "status", values: ["delivered"] }] } },
      { id: "s", name: "Survey", attributes: { id: "survey" } },
    ],
    charts: [],
  };
  expect(differences(VIEW, to)).toEqual([
    { kind: "changed", subject: "View: time frame", before: "the last 30 days", after: "the last 60 days" },
    { kind: "changed", subject: "View: counts", before: "people", after: "identifiers" },
    { kind: "changed", subject: "View: durations", before: "none", after: "from Placed to Delivered" },
    { kind: "changed", subject: "Element Delivered: filter", before: "none", after: "status is “delivered”" },
    {
      kind: "changed",
      subject: "Link from Placed to Delivered: time limit",
      before: "within 7 days",
      after: "within 3 days",
    },
    { kind: "removed", subject: "Chart By week" },
    { kind: "added", subject: "Element Survey" },
    { kind: "added", subject: "Link from Placed to Survey" },
  ]);
});

test("the differences the other way round are the opposite", () => {
  const to = { ...VIEW, elements: VIEW.elements.slice(0, 1) };
  expect(differences(VIEW, to).map(({ kind, subject }) => [kind, subject])).toContainEqual([
    "removed",
    "Element Delivered",
  ]);
  expect(differences(to, VIEW).map(({ kind, subject }) => [kind, subject])).toContainEqual([
    "added",
    "Element Delivered",
  ]);
});

import { expect, test } from "vitest";
import { linkKey } from "../src/journey/model";
import {
  durationText,
  filterTexts,
  graphElements,
  groupText,
  joinNote,
  metricText,
  resultFigures,
  timeFrame,
  timeLimit,
} from "../src/journey/words";

test("time limits of links", () => {
  expect(timeLimit({})).toBeUndefined();
  expect(timeLimit({ constraintWithin: { unit: "Days", value: 7 } })).toBe("within 7 days");
  expect(
    timeLimit({ constraintAfter: { unit: "Hours", value: 1 }, constraintWithin: { unit: "Weeks", value: 2 } }),
  ).toBe("after at least 1 hour and within 2 weeks");
  expect(timeLimit({ eventCountType: "Concurrent" })).toBe("at the same time");
  expect(timeLimit({ eventCountType: "All" })).toBe("later or at the same time");
  expect(timeLimit({ eventCountType: "All", constraintWithin: { unit: "Days", value: 1 } })).toBe(
    "within 1 day, or at the same time",
  );
});

test("links that join by conversation", () => {
  const link = { id: "b", joinAttributes: ["conversationId"] };
  const notes = (more: object) =>
    graphElements({ elements: [{ id: "a", followedBy: [{ ...link, ...more }] }] }).map(
      ({ followedBy }) => followedBy[0]?.note,
    );
  expect(notes({})).toEqual(["in the same conversation"]);
  expect(notes({ constraintWithin: { unit: "Days", value: 7 } })).toEqual(["within 7 days, in the same conversation"]);
  expect(notes({ joinAttributes: [] })).toEqual([undefined]);
  expect(joinNote(link)).toBe("in the same conversation");
  expect(joinNote({ joinAttributes: null })).toBeUndefined();
});

test("time frames", () => {
  expect(timeFrame({ duration: "P30D" })).toBe("the last 30 days");
  expect(timeFrame({ interval: "2026-01-01T00:00:00Z/2026-02-01T00:00:00Z" })).toMatch(/^from .*2026.* to .*2026/);
  expect(durationText("P1Y2M")).toBe("1 year and 2 months");
  expect(durationText("PT12H")).toBe("12 hours");
  expect(durationText("PT1.5S")).toBe("1.5 seconds");
  expect(durationText("odd")).toBe("odd");
});

test("filters", () => {
  expect(filterTexts(undefined)).toEqual([]);
  expect(
    filterTexts({
      predicates: [
        { dimension: "step", values: ["opened", "closed"] },
        { dimension: "channel", values: ["web"], operator: "NotMatches" },
        { dimension: "coupon", noValue: true },
      ],
      numberPredicates: [
        { dimension: "amount", range: { gte: { number: 10 }, lt: { number: 100 } } },
        { dimension: "wait", range: { gt: { duration: "PT5M" } } },
      ],
    }),
  ).toEqual([
    "step is “opened” or “closed”",
    "channel is not “web”",
    "coupon has no value",
    "amount < 100 and ≥ 10",
    "wait > 5 minutes",
  ]);
});

test("metrics and groups of charts", () => {
  const names = new Map([["placed", "Order placed"]]);
  expect(metricText({ elementId: "placed" }, names)).toBe("number of customers at Order placed");
  expect(metricText({ elementId: "placed", aggregate: "Sum", attribute: "amount" }, names)).toBe(
    "sum of amount at Order placed",
  );
  expect(groupText({ groupByTime: "Week", groupByAttributes: [{ attribute: "channel" }] })).toBe("by week and channel");
  expect(groupText({})).toBe("in all");
});

test("a result's figures belong to the elements and links of its view", () => {
  const view = {
    elements: [
      { id: "a", name: "A", attributes: { id: "type" }, followedBy: [{ id: "b" }] },
      { id: "b", name: "B", attributes: { id: "type", source: "Shop" } },
    ],
  };
  const figures = resultFigures({
    charts: [],
    elements: [
      {
        id: "a",
        metrics: { participantCount: 5, completedCount: 3, flowCount: 0, activeCount: 1, dropoutCount: 1 },
        followedBy: [{ id: "b", connectionCount: 3, duration: { customerCount: 3, median: 7, histogram: [] } }],
      },
      { id: "b", metrics: { participantCount: 3, completedCount: 3 }, followedBy: [] },
    ],
  });
  const elements = graphElements(view, new Map([["type", { name: "Order", native: false }]]));
  expect(elements.map(({ source }) => source)).toEqual(["Order", "Shop"]);
  expect(elements.map(({ id }) => figures.elements.get(id)?.participants)).toEqual([5, 3]);
  expect(figures.links.get(linkKey("a", "b"))).toBe(3);
  expect(figures.durations.get(linkKey("a", "b"))?.median).toBe(7);
});

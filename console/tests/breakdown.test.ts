import fc from "fast-check";
import { expect, test } from "vitest";
import type { GraphElement } from "../src/journey/model";
import { type Breakdown, differences, multiples } from "../src/pages/views/breakdown";

const ELEMENTS: GraphElement[] = [
  { id: "a", name: "Opened", followedBy: [{ id: "b" }] },
  { id: "b", name: "Submitted", followedBy: [] },
];
const NAME = "Two-proportion z-test";
const UNTESTED = { name: NAME, reason: "One of the groups is empty." };
const TESTS = {
  participantCount: UNTESTED,
  completedCount: UNTESTED,
  flowCount: UNTESTED,
  activeCount: UNTESTED,
  dropoutCount: UNTESTED,
};

type Kind = Breakdown["values"][number]["kind"];

function value(kind: Kind, customerCount: number, reached = customerCount, name?: string): Breakdown["values"][number] {
  const metrics = (participantCount: number) => ({ participantCount, completedCount: reached });
  return {
    kind,
    customerCount,
    ...(name === undefined ? {} : { value: name }),
    elements: [
      {
        id: "a",
        metrics: metrics(customerCount),
        followedBy: [
          {
            id: "b",
            connectionCount: reached,
            duration: { customerCount: reached, median: 60_000 },
            test: { name: NAME },
          },
        ],
        tests: TESTS,
      },
      { id: "b", metrics: metrics(reached), followedBy: [], tests: TESTS },
    ],
  };
}

function broken(values: Breakdown["values"]): Breakdown {
  return {
    elementId: "a",
    attribute: "x",
    valueCount: 3,
    values,
    testCount: 4,
    significanceLevel: 0.05,
    correctedLevel: 0.0125,
    assumptions: [],
  };
}

function result(values: Breakdown["values"]) {
  const sum = (of: (one: Breakdown["values"][number]) => number) => values.reduce((total, one) => total + of(one), 0);
  const metrics = (id: "a" | "b") => ({
    participantCount: sum(({ elements }) => elements.find((one) => one.id === id)?.metrics.participantCount ?? 0),
  });
  return {
    elements: [
      { id: "a", metrics: metrics("a"), followedBy: [] },
      { id: "b", metrics: metrics("b"), followedBy: [] },
    ],
    charts: [],
  };
}

test("values come by their customers, and those that are none come last", () => {
  const values = [
    value("NotReached", 90),
    value("Others", 80),
    value("Missing", 70),
    value("Value", 5, 5, "few"),
    value("Value", 9, 3, "many"),
  ];
  const parts = multiples(broken(values), result(values), ELEMENTS);
  expect(parts.map(({ title }) => title)).toEqual(["many", "few", "Others", "No value", "Did not reach Opened"]);
  expect(parts[0]?.steps.map(({ customers, share }) => [customers, share])).toEqual([
    [9, 1],
    [3, 1 / 3],
  ]);
  expect(parts[0]?.completed).toMatchObject({ customers: 3, of: 9 });
  expect([...(parts[0]?.medians.values() ?? [])]).toEqual([60_000]);
});

test("the shares of all values together are those of all customers", () => {
  const any = fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.nat(500)), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(any, (counts) => {
      const values = counts.map(([all, some], index) => value("Value", all, Math.min(all, some), `v${index}`));
      const parts = multiples(broken(values), result(values), ELEMENTS);
      expect(parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
      for (const [index] of ELEMENTS.entries()) {
        const together = parts.reduce((sum, { share, steps }) => sum + share * (steps[index]?.share ?? 0), 0);
        expect(together).toBeCloseTo(parts[0]?.steps[index]?.overall ?? NaN);
      }
    }),
  );
});

test("only differences of more than chance are named, the surest first", () => {
  const sure = { name: NAME, difference: -0.2, pValue: 0.001, isSignificant: true, isSignificantCorrected: true };
  const step = { customers: 1, share: 1, overall: 1 };
  const found = differences({
    key: "",
    kind: "Value",
    title: "",
    customers: 1,
    share: 1,
    steps: [
      { ...step, id: "a", name: "Opened", test: { ...sure, pValue: 0.4, isSignificant: false } },
      { ...step, id: "b", name: "Submitted", test: { ...sure, pValue: 0.02, isSignificantCorrected: false } },
    ],
    completed: { customers: 1, of: 1, test: sure },
    medians: new Map(),
  });
  expect(found.map(({ label, up, sure: all }) => [label, up, all])).toEqual([
    ["Completed", false, true],
    ["Submitted", false, false],
  ]);
});

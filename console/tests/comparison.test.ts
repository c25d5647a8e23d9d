import { expect, test } from "vitest";
import {
  cautions,
  changeText,
  comparedCards,
  type Comparison,
  findings,
  pointsText,
  probability,
  sideNames,
  testedText,
  testSentence,
  timesText,
  verdict,
  VERDICTS,
} from "../src/pages/views/comparison";

const NAME = "Two-proportion z-test";
const SURE = { name: NAME, share: 0.42, otherShare: 0.37, difference: 0.05, z: 3, pValue: 0.0027, isSignificant: true };

function figure(value: number, otherValue: number) {
  return { value, otherValue, difference: value - otherValue, ratio: otherValue ? value / otherValue : null };
}

function job(id: string, version: number, options?: { period: "Before" }) {
  const interval = "2026-01-01T00:00:00.000Z/2026-02-01T00:00:00.000Z";
  return { id, version, dateCreated: "2026-02-01T00:00:00Z", interval, selfUri: "", ...(options ? { options } : {}) };
}

const COMPARISON: Comparison = {
  job: job("1", 2),
  otherJob: job("2", 2, { period: "Before" }),
  elements: [
    {
      id: "o",
      name: "Order placed",
      metrics: {
        participantCount: figure(100, 80),
        completedCount: { ...figure(42, 30), test: { ...SURE, isSignificantCorrected: true } },
        flowCount: figure(0, 0),
        activeCount: figure(0, 50),
        dropoutCount: { ...figure(0, 0), test: { name: NAME, reason: "One of the groups is empty." } },
      },
      followedBy: [
        { id: "d", connectionCount: figure(42, 40), duration: { median: figure(1000, 2000), average: figure(1, 2) } },
        { id: "x", only: "Job" },
      ],
    },
    { id: "n", name: "New here", only: "Job" },
  ],
  durations: [],
  testCount: 12,
  significanceLevel: 0.05,
  correctedLevel: 0.004,
  assumptions: [],
  selfUri: "",
};

test("an element has a row per figure, without the states that have no customers", () => {
  const [order, added] = comparedCards(COMPARISON);
  expect(order?.rows.map(({ label }) => label)).toEqual(["Customers", "Completed", "May still go on", "→ d"]);
  expect(order?.rows.at(-1)?.times).toEqual({ median: [1000, 2000], average: [1, 2] });
  expect(added).toEqual({ id: "n", name: "New here", only: "Job", rows: [] });
});

test("durations across the view have a card of their own, which no test concerns", () => {
  const span = { fromId: "o", toId: "d", customerCount: figure(3, 2), median: figure(60_000, 60_000) };
  const durations = [
    { ...span, average: figure(120_000, 60_000) },
    { fromId: "o", toId: "n", only: "Job" as const },
  ];
  const card = comparedCards({ ...COMPARISON, durations }).at(-1);
  expect(card?.name).toBe("Durations across the view");
  expect(card?.rows.map(({ label, value, other, testable }) => [label, value, other, testable])).toEqual([
    ["Order placed → d", 3, 2, false],
  ]);
  expect(timesText(card?.rows[0]?.times)).toBe("median 1 min on both sides, average 2 min instead of 1 min");
  expect(comparedCards(COMPARISON).map(({ name }) => name)).toEqual(["Order placed", "New here"]);
});

test("the tested shares stand where the numbers do not show them", () => {
  const tested = { ...SURE, share: 0.967, otherShare: 0.959 };
  expect(testedText({ part: false, test: tested })).toBe(
    "96.7% instead of 95.9% of those who reached the first element",
  );
  expect(testedText({ part: true, test: tested })).toBe("");
  expect(testedText({ part: false, test: { name: NAME, reason: "" } })).toBe("");
});

test("the words of a verdict say how strong it is", () => {
  const named = (more: object) => VERDICTS[verdict({ ...SURE, ...more })];
  expect(named({ isSignificantCorrected: true })).toBe("Significant");
  expect(named({ isSignificantCorrected: false })).toBe("Significant on its own only");
  expect(named({ isSignificant: false })).toBe("No significant difference");
  expect(VERDICTS[verdict(undefined)]).toBe("Not tested");
});

test("significant differences come first", () => {
  const found = findings(comparedCards(COMPARISON));
  expect(found.map(({ name, label, up }) => [name, label, up])).toEqual([["Order placed", "Completed", true]]);
  const [card] = comparedCards(COMPARISON);
  const [row] = card?.rows ?? [];
  if (!card || !row) throw new Error("There is no row.");
  const sure = (key: string, pValue: number) => ({
    ...row,
    key,
    label: key,
    test: { ...SURE, pValue, isSignificantCorrected: true },
  });
  const rows = [sure("second", 0.002), sure("first", 0.001)];
  expect(findings([{ ...card, rows }]).map(({ label }) => label)).toEqual(["first", "second"]);
});

test("a test in words", () => {
  expect(testSentence({ ...SURE, isSignificantCorrected: true }, 12)).toBe(
    "42% instead of 37%, significant (p = 0.0027)",
  );
  expect(testSentence({ ...SURE, isSignificantCorrected: false }, 12)).toBe(
    "42% instead of 37%, significant on its own only, not among all 12 tests (p = 0.0027)",
  );
  expect(testSentence({ ...SURE, pValue: 0.4, isSignificant: false }, 12)).toBe(
    "42% instead of 37%, no significant difference (p = 0.4)",
  );
  expect(testSentence({ name: NAME, reason: "One of the groups is empty." }, 12)).toBe(
    "not tested: one of the groups is empty",
  );
  expect(testSentence(undefined, 12)).toBe("");
  expect(verdict({ name: NAME, reason: "" })).toBe("untested");
  expect(probability(0.0001)).toBe("p < 0.001");
});

test("changes in numbers and in points", () => {
  expect(changeText({ value: 42, other: 30, ratio: 1.4 })).toBe("+12, × 1.4");
  expect(changeText({ value: 5, other: 0, ratio: undefined })).toBe("+5");
  expect(changeText({ value: 5, other: 5, ratio: 1 })).toBe("no change");
  expect(pointsText({ value: 42, other: 30, of: [100, 80] })).toBe("+4.5 points");
  expect(pointsText({ value: 0, other: 30, of: [0, 80] })).toBe("");
  expect(pointsText({ value: 50, other: 40, of: [100, 80] })).toBe("");
});

test("sides are called by their versions, or else by their periods", () => {
  expect(sideNames(COMPARISON)).toEqual(["This period", "The period before"]);
  expect(sideNames({ ...COMPARISON, otherJob: job("2", 1) })).toEqual(["Version 2", "Version 1"]);
  const [own, other] = sideNames({ ...COMPARISON, otherJob: job("2", 2) });
  expect(own).toBe(other);
  expect(own).toMatch(/Jan 1.*31, 2026/);
});

test("a side without customers, and times of different length, are pointed out", () => {
  expect(cautions(COMPARISON)).toEqual([]);
  const [order] = COMPARISON.elements;
  if (!order?.metrics) throw new Error("There is no element.");
  const metrics = { ...order.metrics, participantCount: figure(100, 0) };
  expect(cautions({ ...COMPARISON, elements: [{ ...order, metrics }] })).toEqual([
    "The period before has no customers. Perhaps no events were sent then.",
  ]);
  const otherJob = { ...COMPARISON.otherJob, interval: "2025-12-31T00:00:00.000Z/2026-01-01T00:00:00.000Z" };
  expect(cautions({ ...COMPARISON, otherJob })).toEqual([
    "The two times are not equally long. Compare the shares, not the numbers.",
  ]);
});

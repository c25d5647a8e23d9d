import { describe, expect, test } from "vitest";
import { inOrder, OUTCOMES, shownTree } from "../../src/pages/paths/tree";
import {
  branchLabel,
  facts,
  figureLines,
  levelTitle,
  outcomeMeaning,
  pathText,
  type Reading,
  endSentence,
} from "../../src/pages/paths/words";
import { TREE } from "./trees";

const AFTER: Reading = { direction: "After", steps: 2, native: new Set() };
const BEFORE: Reading = { ...AFTER, direction: "Before" };
const branches = new Map(inOrder(shownTree(TREE, undefined, new Set())).map((branch) => [branch.key, branch]));

function branch(key: string) {
  return branches.get(key) ?? expect.unreachable();
}

describe("a branch in words", () => {
  test("has its figures with their shares of the start and of the step before", () => {
    expect(figureLines(branch("0.0"))).toEqual([
      "1 customer: 25% of the start, 50% of the step before",
      "1 path: 16.7% of the start, 33.3% of the step before",
    ]);
    expect(figureLines(branch(""))[0]).toBe("4 customers: 100% of the start");
  });

  test("names what became of paths, in the direction of reading", () => {
    expect(pathText(branch("0.dropped"), AFTER)).toBe("Start › A › Dropped off");
    expect(pathText(branch("0.dropped"), BEFORE)).toBe("Start ‹ A ‹ Nothing before");
    expect(pathText(branch("0.0.ended"), AFTER)).toBe("Start › A › B › Ended");
    expect(pathText(branch("0.others"), AFTER)).toBe("Start › A › Others");
    expect(pathText(branch("0.others"), { ...AFTER, steps: 1 })).toBe("Start › A › Further steps");
    expect(pathText(branch("0.others"), { ...BEFORE, steps: 1 })).toBe("Start ‹ A ‹ Earlier steps");
  });

  test("has outcomes whose meaning names the time that was allowed", () => {
    expect(outcomeMeaning("dropped", 1, AFTER)).toBe("nothing followed in the time frame");
    expect(outcomeMeaning("dropped", 1, { ...BEFORE, gap: "P3D" })).toBe("no event came before within 3 days");
    const all = [1, 3].flatMap((level) => OUTCOMES.map((outcome) => outcomeMeaning(outcome, level, AFTER)));
    expect(new Set(all).size).toBe(4);
  });

  test("says where it is", () => {
    expect(branchLabel(branch("0.dropped"), AFTER)).toMatch(/^Dropped off, step 2, after Start, A\. 1 customer: /);
    expect(branchLabel(branch("0"), BEFORE)).toMatch(/^A, 1 step before\. 2 customers: /);
    expect([0, 1, 3].map((level) => levelTitle(level, AFTER))).toEqual(["Start", "Step 1", "After that"]);
    expect([2, 3].map((level) => levelTitle(level, BEFORE))).toEqual(["2 steps before", "Before that"]);
  });
});

test("a sentence says how many reached the end", () => {
  const [start, reached] = [
    { customerCount: 4, eventCount: 8 },
    { customerCount: 1, eventCount: 1 },
  ];
  expect(endSentence(start, reached, AFTER, "Survey")).toBe(
    "4 customers had 8 start events. 1 of them (25%) reached Survey within 2 steps; only these paths are shown.",
  );
  expect(endSentence(start, reached, BEFORE, "Visit")).toContain("1 of them (25%) came from Visit");
});

test("the facts say what was computed", () => {
  const start = { attributes: { type: "Event" as const, id: "a" } };
  expect(facts({ name: "All", duration: "P30D", start })).toEqual([
    "Covers the last 30 days",
    "Counts people",
    "Up to 5 steps after the start",
  ]);
  const filter = { predicates: [{ dimension: "section", values: ["checkout"] }] };
  const all = {
    name: "All",
    interval: "2026-01-01T00:00:00Z/2026-02-01T00:00:00Z",
    start: { ...start, filter },
    end: { ...start, filter },
    direction: "Before",
    steps: 1,
    sessionGap: "PT30M",
    eventTypes: ["a"],
    collapseRepeats: true,
    identity: "Identifier",
  };
  expect(facts(all as Parameters<typeof facts>[0]).slice(1)).toEqual([
    "Counts identifiers",
    "Up to 1 step before the start",
    "Starts where section is “checkout”",
    "Ends where section is “checkout”",
    "Paths stop after 30 minutes without an event",
    "Follows 1 event type",
    "Repeats in a row are one step",
  ]);
});

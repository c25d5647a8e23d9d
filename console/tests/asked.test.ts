import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type By,
  byOf,
  byOptions,
  byText,
  byTitle,
  coveredTime,
  figuresTitle,
  intervalOf,
  isFuture,
  optionsTitle,
  parseBy,
  parseWith,
  type With,
  withOptions,
  withText,
  withTitle,
} from "../src/pages/views/asked";

const text = fc.string({ unit: "grapheme" });
const anyBy: fc.Arbitrary<By> = fc.oneof(
  fc.constant("Source" as const),
  fc.record({ elementId: text, attribute: text }),
);
const anyWith: fc.Arbitrary<With> = fc.oneof(
  fc.constant({ kind: "before" as const }),
  fc.record({ kind: fc.constant("version" as const), version: fc.integer({ min: 1, max: 999 }) }),
  fc.constant({ kind: "interval" as const, interval: "2026-01-01T00:00:00.000Z/2026-02-01T00:00:00.000Z" }),
);

test("an address and the options of a job keep what was asked", () => {
  fc.assert(
    fc.property(anyBy, anyWith, (by, compared) => {
      const query = new URLSearchParams({ by: byText(by), with: withText(compared) }).toString();
      expect(parseBy(new URLSearchParams(query).get("by"))).toEqual(by);
      expect(parseWith(new URLSearchParams(query).get("with"))).toEqual(compared);
      expect(byOf(byOptions(by))).toEqual(by);
    }),
  );
});

test("an edited address asks nothing", () => {
  for (const edited of [null, "", "elementId=o", "channel"]) expect(parseBy(edited)).toBeUndefined();
  for (const edited of [null, "", "version 0", "version x", "interval a/b", "interval 2026", "after"]) {
    expect(parseWith(edited)).toBeUndefined();
  }
});

test("what was asked in words", () => {
  const names = new Map([["o", "Order placed"]]);
  expect(byTitle({ elementId: "o", attribute: "channel" }, names)).toBe("channel at Order placed");
  expect(byTitle("Source", names)).toBe("where journeys begin");
  expect(withTitle({ kind: "before" })).toBe("the period before");
  const interval = intervalOf("2026-09-28", "2026-10-27") ?? "";
  expect(withTitle({ kind: "interval", interval })).toMatch(/^Sep 28\s–\sOct 27, 2026$/);
  expect(withTitle({ kind: "version", version: 2 })).toBe("version 2");
  expect(optionsTitle({ period: "Before", breakdown: { by: "Source" } }, names)).toBe(
    "the period before, broken down by where journeys begin",
  );
  expect(optionsTitle(undefined, names)).toBeUndefined();
  expect(coveredTime({ duration: "P30D" }, { period: "Before" })).toBe("the period before the last 30 days");
  expect(figuresTitle({ period: "Before", breakdown: { by: "Source" } }, names)).toBe(
    "The figures of the breakdown by where journeys begin",
  );
  expect(figuresTitle({ interval }, names)).toMatch(/^The figures of Sep 28\s–\sOct 27, 2026$/);
  expect(figuresTitle({ period: "Before" }, names)).toBe("The figures of the period before");
  expect(figuresTitle(undefined, names)).toBe("The figures of this view");
  expect(coveredTime({ duration: "P30D" }, undefined)).toBe("the last 30 days");
});

test("the options are those that the API knows", () => {
  expect(withOptions({ kind: "before" })).toEqual({ period: "Before" });
  expect(withOptions({ kind: "version", version: 2 })).toEqual({});
  expect(byOptions("Source")).toEqual({ breakdown: { by: "Source" } });
});

test("a day that has not begun is in the future", () => {
  const now = new Date(2026, 9, 31, 23, 59).getTime();
  expect(isFuture("2026-10-31", now)).toBe(false);
  expect(isFuture("2026-11-01", now)).toBe(true);
  expect(isFuture("", now)).toBe(false);
});

test("an interval is called by its days only if it has whole days", () => {
  const whole = intervalOf("2026-10-01", "2026-10-31") ?? "";
  expect(coveredTime({}, { interval: whole })).toMatch(/^Oct 1\s–\s31, 2026$/);
  expect(coveredTime({}, { interval: "2026-10-01T00:30:00Z/2026-10-31T00:30:00Z" })).toMatch(/^the time from Oct/);
});

test("an interval of days has both days, and no end before its start", () => {
  const interval = intervalOf("2026-03-01", "2026-03-31") ?? "";
  const [start = "", end = ""] = interval.split("/");
  expect(new Date(start).getTime()).toBe(new Date(2026, 2, 1).getTime());
  expect(new Date(end).getTime()).toBe(new Date(2026, 3, 1).getTime());
  expect(intervalOf("2026-03-02", "2026-03-01")).toBeUndefined();
  expect(intervalOf("", "2026-03-01")).toBeUndefined();
});

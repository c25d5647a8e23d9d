import fc from "fast-check";
import { expect, test } from "vitest";
import { measuredOf } from "../src/journey/durations";
import { durationSentence } from "../src/journey/figures";
import { type Bar, histogram } from "../src/journey/histogram";
import type { GraphElement } from "../src/journey/model";
import { figuresOf } from "./journeys";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The bars of an answer: each begins where the one before it ends. */
const bars: fc.Arbitrary<Bar[]> = fc
  .record({
    start: fc.integer({ min: 0, max: 1e9 }),
    steps: fc.array(fc.record({ factor: fc.double({ min: 1.02, max: 4, noNaN: true }), customers: fc.nat(1000) }), {
      minLength: 1,
      maxLength: 49,
    }),
  })
  .map(({ start, steps }) => {
    let from = start;
    return steps.map(({ factor, customers }) => {
      const bar = { from, to: Math.max(from + 1, Math.ceil(from * factor)), customerCount: customers };
      from = bar.to;
      return bar;
    });
  });

test("bars stand beside each other within the picture, and their areas are their customers", () => {
  fc.assert(
    fc.property(bars, (all) => {
      const drawn = histogram(all).bars;
      const area = ({ height, width }: { height: number; width: number }) => height * width;
      const whole = drawn.reduce((sum, one) => sum + area(one), 0);
      const customers = all.reduce((sum, { customerCount }) => sum + customerCount, 0);
      drawn.forEach((one, index) => {
        const next = drawn[index + 1];
        expect(one.start).toBeGreaterThanOrEqual(0);
        expect(one.start + one.width).toBeLessThanOrEqual(1 + 1e-9);
        if (next) expect(next.start).toBeCloseTo(one.start + one.width, 9);
        if (customers > 0) expect(area(one) / whole).toBeCloseTo(one.bar.customerCount / customers, 9);
      });
    }),
  );
});

test("a smooth distribution has no peaks where the bars double their widths", () => {
  // Within a power of two, bars are equally wide: four from 1,024 to 2,048, and four twice as wide to 4,096.
  const edges = [0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 28, 32].map((quarter) => 1024 + 256 * quarter);
  const even = edges.slice(1).map((to, index) => {
    const from = edges[index] ?? 0;
    return { from, to, customerCount: 1e6 * Math.log(to / from) };
  });
  for (const { height } of histogram(even).bars) expect(height).toBeCloseTo(1, 2);
});

test("a duration stands over the bar that counts it", () => {
  fc.assert(
    fc.property(bars, fc.nat(48), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (all, which, part) => {
      const { bars: drawn, place } = histogram(all);
      const one = drawn[which % drawn.length];
      if (!one) throw new Error("There is no bar.");
      const at = place(Math.floor(one.bar.from + part * (one.bar.to - one.bar.from)));
      expect(at).toBeGreaterThanOrEqual(one.start - 1e-9);
      expect(at).toBeLessThanOrEqual(one.start + one.width + 1e-9);
    }),
  );
});

test("the texts along the axis keep their distance", () => {
  fc.assert(
    fc.property(bars, (all) => {
      const { ticks } = histogram(all);
      expect(ticks.length).toBeGreaterThan(0);
      ticks.forEach(({ at }, index) => {
        const next = ticks[index + 1];
        if (next) expect(next.at - at).toBeGreaterThanOrEqual(0.2 - 1e-9);
      });
    }),
  );
});

test("the texts are round durations", () => {
  const edges = Array.from({ length: 25 }, (_, index) => Math.round(MINUTE * 2 ** (index / 2)));
  const all = edges.slice(1).map((to, index) => ({ from: edges[index] ?? 0, to, customerCount: 1 }));
  expect(histogram(all).ticks.map(({ text }) => text)).toEqual(["10 min", "1 hr", "6 hr"]);
  expect(histogram([]).ticks).toEqual([]);
});

const ELEMENTS: readonly GraphElement[] = [
  { id: "a", name: "Placed", followedBy: [{ id: "b", note: "within 7 days" }] },
  { id: "b", name: "Delivered", followedBy: [{ id: "c" }] },
  { id: "c", name: "Paid", followedBy: [] },
];
const DURATION = {
  customerCount: 2,
  minimum: HOUR,
  average: 1.5 * HOUR,
  median: HOUR,
  percentile75: 2 * HOUR,
  percentile90: 2 * HOUR,
  percentile95: 2 * HOUR,
  maximum: 2 * HOUR,
  histogram: [{ from: HOUR, to: 2 * HOUR + 1, customerCount: 2 }],
};
const FIGURES = figuresOf({}, [], [["a", "b", DURATION]]);

test("a sentence on how long customers took", () => {
  expect(durationSentence(DURATION)).toBe("Half of them took at most 1 hr (the median), and 90% at most 2 hr.");
  expect(durationSentence({ customerCount: 0, histogram: [] })).toBe("");
  expect(durationSentence(undefined)).toBe("");
});

test("the durations that the view names come before those of links", () => {
  const spans = [{ ...DURATION, fromId: "a", toId: "c" }];
  expect(measuredOf(ELEMENTS, FIGURES, spans).map(({ from, to, about }) => [from, to, about])).toEqual([
    ["Placed", "Paid", "Across the view"],
    ["Placed", "Delivered", "Link within 7 days"],
  ]);
  expect(measuredOf(ELEMENTS, FIGURES, spans, "c").map(({ to }) => to)).toEqual(["Paid"]);
});

test("results without durations have none", () => {
  expect(measuredOf(ELEMENTS, figuresOf({}, [["a", "b", 2]]))).toEqual([]);
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bandPath,
  BAR_WIDTH,
  BESIDE,
  branchAfterKey,
  BUTTON,
  draw,
  LEAST_HEIGHT,
  type Measure,
  outcomesHaveOneLine,
  textRoom,
} from "../../src/pages/paths/sankey";
import { textWidth } from "../../src/journey/texts";
import { colourOf } from "../../src/pages/paths/looks";
import { shownTree } from "../../src/pages/paths/tree";
import { TREE, trees } from "./trees";

const NONE: ReadonlySet<string> = new Set();
const measures = fc.constantFrom<Measure>("customerCount", "eventCount");

function pictures() {
  return fc.tuple(trees(), measures, fc.boolean()).map(([tree, measure, mirrored]) => {
    const root = shownTree(tree, undefined, NONE);
    return { root, measure, mirrored, picture: draw(root, measure, { pitch: 150, mirrored }) };
  });
}

describe("the picture", () => {
  test("has no bar over another one in its column, and the order of the tree in each", () => {
    fc.assert(
      fc.property(pictures(), ({ picture: { bars } }) => {
        const last = new Map<number, number>();
        for (const { branch, y, height } of bars) {
          expect(y).toBeGreaterThanOrEqual(last.get(branch.level) ?? 0);
          expect(height).toBeGreaterThanOrEqual(LEAST_HEIGHT);
          last.set(branch.level, y + height);
        }
      }),
    );
  });

  test("has a band to each bar but the start's, as high as its bar at one end and within the bar before at the other", () => {
    fc.assert(
      fc.property(pictures(), ({ picture: { bars, bands } }) => {
        expect(bands.map(({ branch }) => branch.key).sort()).toEqual(
          bars
            .slice(1)
            .map(({ branch }) => branch.key)
            .sort(),
        );
        for (const bar of bars) {
          const own = bar.branch.next.map((next) => bands.find(({ branch }) => branch.key === next.key));
          let top = bar.y;
          for (const band of own) {
            expect(band?.from.top).toBeCloseTo(top, 6);
            top = band?.from.bottom ?? NaN;
            const target = bars.find(({ branch }) => branch.key === band?.branch.key);
            expect([band?.to.top, band?.to.bottom]).toEqual([target?.y, (target?.y ?? 0) + (target?.height ?? 0)]);
          }
          if (own.length > 0) expect(top).toBeLessThanOrEqual(bar.y + bar.height + 1e-6);
        }
      }),
    );
  });

  test("of paths fills the whole bar with what follows", () => {
    fc.assert(
      fc.property(trees(), (tree) => {
        fc.pre(tree.eventCount > 0);
        const { bars, bands } = draw(shownTree(tree, undefined, NONE), "eventCount", { pitch: 150, mirrored: false });
        for (const { branch, y, height } of bars.filter((bar) => bar.branch.next.length > 0)) {
          const own = bands.filter((band) => branch.next.some(({ key }) => key === band.branch.key));
          const filled = Math.max(...own.map(({ from }) => from.bottom)) - y;
          if (height > LEAST_HEIGHT) expect(filled).toBeCloseTo(height, 6);
        }
      }),
    );
  });

  test("does not move what comes before a step that is collapsed", () => {
    fc.assert(
      fc.property(trees(), fc.nat(), (tree, which) => {
        const sizes = { pitch: 150, mirrored: false };
        const { bars } = draw(shownTree(tree, undefined, NONE), "eventCount", sizes);
        const at = which % bars.length;
        const key = bars[at]?.branch.key ?? "";
        const after = draw(shownTree(tree, undefined, new Set([key])), "eventCount", sizes).bars;
        const places = (all: typeof bars) => all.slice(0, at + 1).map(({ branch, y }) => [branch.key, y]);
        expect(places(after)).toEqual(places(bars));
      }),
    );
  });

  test("holds all bars, also when it is read from right to left", () => {
    fc.assert(
      fc.property(pictures(), ({ mirrored, picture: { bars, columns, width, height } }) => {
        for (const bar of bars) {
          expect(bar.x).toBeGreaterThanOrEqual(0);
          expect(bar.x + BAR_WIDTH).toBeLessThanOrEqual(width);
          expect(bar.y + bar.height).toBeLessThanOrEqual(height);
        }
        const sorted = [...columns].sort((one, other) => (mirrored ? other - one : one - other));
        expect(columns).toEqual(sorted);
      }),
    );
  });

  test("of no paths at all can be drawn", () => {
    const empty = { customerCount: 0, eventCount: 0 };
    const outcomes = { dropped: empty, ended: empty, others: empty };
    const tree = { eventType: { id: "start", name: "Start" }, ...empty, ...outcomes, steps: [] };
    const { bars } = draw(shownTree(tree, undefined, NONE), "customerCount", { pitch: 150, mirrored: false });
    expect(bars).toHaveLength(1);
  });
});

describe("a text", () => {
  test("ends before the buttons of the next column", () => {
    expect(BAR_WIDTH + BESIDE + textRoom(150)).toBeLessThan(150 - BUTTON.reach - BUTTON.radius);
  });

  test("of an outcome has all its figures, in two lines where one is too short", () => {
    const fits = (text: string, pitch: number) => textWidth(text, 12) <= textRoom(pitch);
    expect(outcomesHaveOneLine(150)).toBe(false);
    for (const name of ["Dropped off", "Nothing before", "Further steps", "Earlier steps", "Began here"]) {
      expect(fits(name, 150)).toBe(true);
      for (let pitch = 150; pitch <= 260; pitch++) {
        if (outcomesHaveOneLine(pitch)) expect(fits(`${name} 12,345 · 30%`, pitch)).toBe(true);
      }
    }
  });

  test("of two lines has the room of two", () => {
    const root = shownTree(TREE, undefined, NONE);
    const [narrow, wide] = [150, 260].map((pitch) => draw(root, "customerCount", { pitch, mirrored: false }).height);
    expect(narrow).toBeGreaterThanOrEqual(wide ?? NaN);
    const { bars } = draw(root, "customerCount", { pitch: 150, mirrored: false });
    for (const bar of bars) {
      const below = bars.filter((one) => one.branch.level === bar.branch.level && one.y > bar.y);
      for (const one of below) expect(one.y - bar.y).toBeGreaterThanOrEqual(34);
    }
  });
});

test("steps after the last one that is counted do not look like rare steps", () => {
  const reading = { direction: "After" as const, steps: 2, native: new Set<string>() };
  const others = (level: number) => {
    const [branch] = shownTree(TREE, undefined, NONE).next.flatMap(({ next }) => next.filter((one) => one.outcome));
    return colourOf({ ...(branch ?? expect.unreachable()), outcome: "others", level }, [], reading);
  };
  expect([others(2), others(3)]).toEqual(["paths-others", "paths-further"]);
});

test("a band is level at both ends", () => {
  const { bands } = draw(shownTree(TREE, undefined, NONE), "eventCount", { pitch: 150, mirrored: false });
  const band = bands.find(({ branch }) => branch.key === "0");
  expect(band && bandPath(band)).toBe("M40,34C108,34 108,34 176,34V194C108,194 108,194 40,194Z");
});

describe("the keyboard", () => {
  test.each([false, true])("reaches every branch (read from right to left: %s)", (mirrored) => {
    fc.assert(
      fc.property(trees(), (tree) => {
        const { bars } = draw(shownTree(tree, undefined, NONE), "eventCount", { pitch: 150, mirrored });
        const reached = new Set([""]);
        for (const key of reached) {
          for (const arrow of ["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"]) {
            const next = branchAfterKey(bars, key, arrow, mirrored);
            if (next !== undefined) reached.add(next);
          }
        }
        expect(reached.size).toBe(bars.length);
      }),
    );
  });

  test("goes along a path, and through a column", () => {
    const { bars } = draw(shownTree(TREE, undefined, NONE), "eventCount", { pitch: 150, mirrored: false });
    const after = (at: string, key: string, mirrored = false) => branchAfterKey(bars, at, key, mirrored);
    expect(after("", "ArrowRight")).toBe("0");
    expect(after("", "ArrowLeft", true)).toBe("0");
    expect(after("0.0", "ArrowLeft")).toBe("0");
    expect(after("0", "ArrowDown")).toBe("1");
    expect(after("0.dropped", "ArrowDown")).toBe("1.others");
    expect(after("0", "End")).toBe("dropped");
    expect(after("0.0", "Home")).toBe("");
    expect(after("", "ArrowUp")).toBeUndefined();
    expect(after("x", "ArrowUp")).toBeUndefined();
    expect(after("0", "x")).toBeUndefined();
  });
});

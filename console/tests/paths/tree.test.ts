import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { address, parseRoute } from "../../src/routing";
import { addressOf, shownOf } from "../../src/pages/paths/shown";
import {
  type Branch,
  type Choice,
  choiceOf,
  chosenFigures,
  inOrder,
  isSame,
  OUTCOMES,
  shownTree,
} from "../../src/pages/paths/tree";
import { type Step, TREE, trees } from "./trees";

const NONE: ReadonlySet<string> = new Set();

function keys(root: Branch): string[] {
  return inOrder(root).map(({ key }) => key);
}

/** A branch of the whole tree, chosen by a number. */
function branchAt(tree: Step, which: number): Branch {
  const all = inOrder(shownTree(tree, undefined, NONE));
  return all[which % all.length] ?? expect.unreachable();
}

describe("all paths", () => {
  test("are shown with what became of them, the steps first", () => {
    const root = shownTree(TREE, undefined, NONE);
    expect(keys(root)).toEqual(["", "0", "0.0", "0.0.ended", "0.others", "0.dropped", "1", "1.others", "dropped"]);
  });

  test("of a step are those of what follows it", () => {
    fc.assert(
      fc.property(trees(), (tree) => {
        for (const { figures, next } of inOrder(shownTree(tree, undefined, NONE))) {
          const sum = next.reduce((all, one) => all + one.figures.eventCount, 0);
          if (next.length > 0) expect(sum).toBe(figures.eventCount);
        }
      }),
    );
  });

  test("have keys of their own, and know the figures of the start and of the step before", () => {
    fc.assert(
      fc.property(trees(), (tree) => {
        const all = inOrder(shownTree(tree, undefined, NONE));
        expect(new Set(all.map(({ key }) => key)).size).toBe(all.length);
        for (const branch of all) {
          expect(branch.ofStart.eventCount).toBe(tree.eventCount);
          for (const next of branch.next) expect(next.ofPrevious.eventCount).toBe(branch.figures.eventCount);
        }
      }),
    );
  });
});

describe("chosen paths", () => {
  test("are shown alone, with their own figures on the way to them", () => {
    const root = shownTree(TREE, { path: ["a"] }, NONE);
    expect(keys(root)).toEqual(["", "0", "0.0", "0.0.ended", "0.others", "0.dropped"]);
    expect(root.figures).toEqual({ customerCount: 2, eventCount: 3 });
    expect(root.next[0]?.ofPrevious).toMatchObject({ customerCount: 4, eventCount: 6 });
  });

  test("with an outcome are those that have it", () => {
    const root = shownTree(TREE, { path: ["a"], outcome: "others" }, NONE);
    expect(keys(root)).toEqual(["", "0", "0.others"]);
    expect(root.figures).toEqual({ customerCount: 1, eventCount: 1 });
  });

  test("are the chosen step, all that follows it, and one step on each level before", () => {
    fc.assert(
      fc.property(trees(), fc.nat(), (tree, which) => {
        const chosen = branchAt(tree, which);
        fc.pre(chosen.figures.eventCount > 0);
        const root = shownTree(tree, chosen, NONE);
        const found = inOrder(root).find((branch) => isSame(branch, chosen));
        expect(found?.figures).toEqual(chosen.figures);
        expect(found?.ofPrevious).toEqual(chosen.ofPrevious);
        expect(inOrder(found ?? root).map(({ key }) => key)).toEqual(inOrder(chosen).map(({ key }) => key));
        expect(root.figures).toEqual(chosen.figures);
        for (const branch of inOrder(root).filter(({ level }) => level < chosen.level)) {
          expect(branch.next).toHaveLength(1);
          expect(branch.figures).toEqual(chosen.figures);
        }
      }),
    );
  });

  test("that the result does not have are unknown, and all paths are shown", () => {
    for (const choice of [{ path: ["x"] }, { path: ["a", "b", "a"] }, { path: [], outcome: "ended" }] as Choice[]) {
      expect(chosenFigures(TREE, choice)).toBeUndefined();
      expect(shownTree(TREE, choice, NONE)).toEqual(shownTree(TREE, undefined, NONE));
    }
  });
});

describe("a collapsed step", () => {
  test("hides all that follows it, and nothing else", () => {
    fc.assert(
      fc.property(trees(), fc.nat(), (tree, which) => {
        const { key, follows } = branchAt(tree, which);
        fc.pre(follows);
        const left = keys(shownTree(tree, undefined, new Set([key])));
        expect(left).toEqual(keys(shownTree(tree, undefined, NONE)).filter((one) => !one.startsWith(`${key}.`)));
      }),
    );
  });

  test("on the way to chosen paths stays open", () => {
    expect(keys(shownTree(TREE, { path: ["a", "b"] }, new Set(["0"])))).toEqual(["", "0", "0.0", "0.0.ended"]);
  });
});

test("the address holds what is shown", () => {
  const bool = fc.boolean();
  fc.assert(
    fc.property(
      trees(),
      fc.nat(),
      fc.nat(),
      bool,
      fc.option(bool, { nil: undefined }),
      (tree, one, other, paths, table) => {
        const { path, outcome, figures } = branchAt(tree, one);
        fc.pre(figures.eventCount > 0);
        const shown = {
          choice: path.length > 0 || outcome ? { path, outcome } : undefined,
          unknown: false,
          collapsed: new Set([branchAt(tree, other).key].filter(Boolean)),
          measure: paths ? ("eventCount" as const) : ("customerCount" as const),
          table,
        };
        const route = parseRoute(addressOf("job", shown));
        expect(route.path).toEqual(["paths", "job"]);
        expect(shownOf(route.query, tree)).toEqual(shown);
      },
    ),
  );
});

test("an address with other content shows all paths", () => {
  const { query } = parseRoute(address(["paths", "job"], { path: ",,x", then: "toString", closed: "9,,", by: "x" }));
  const shown = shownOf(query, TREE);
  expect(shown).toMatchObject({ choice: undefined, unknown: true, measure: "customerCount", table: undefined });
  expect(keys(shownTree(TREE, shown.choice, shown.collapsed))).toHaveLength(9);
  expect(OUTCOMES).toContain("others");
});

describe("a complete path", () => {
  const named = (...ids: string[]) => ({
    eventTypes: ids.map((id) => ({ id, name: id })),
    ...{ customerCount: 1, eventCount: 1 },
  });

  test("is shown with what became of it, so that the figures are its own", () => {
    expect(choiceOf(named(), 2, false)).toEqual({ path: [], outcome: "dropped" });
    expect(choiceOf(named("a"), 2, false)).toEqual({ path: ["a"], outcome: "dropped" });
    expect(choiceOf(named("a", "b"), 2, true)).toEqual({ path: ["a", "b"], outcome: "ended" });
    expect(chosenFigures(TREE, choiceOf(named("a"), 2, false))).toEqual({ customerCount: 1, eventCount: 1 });
  });

  test("that has all its steps is all paths of its last step", () => {
    expect(choiceOf(named("a", "b"), 2, false)).toEqual({ path: ["a", "b"], outcome: undefined });
  });
});

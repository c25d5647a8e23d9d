/** Results of paths for tests. */

import fc from "fast-check";
import type { Model } from "../../src/api/client";

export type Step = Model<"PathStep">;

const figures = fc.nat(50).map((paths) => ({ customerCount: Math.ceil(paths / 2), eventCount: paths }));

/** Trees as the API answers them: the paths of a step add up to those of what follows it; its customers do not. */
export function trees(depth = 3): fc.Arbitrary<Step> {
  const steps = depth === 0 ? fc.constant<Step[]>([]) : fc.array(trees(depth - 1), { maxLength: 3 });
  return fc.tuple(figures, figures, figures, steps, fc.nat(100)).map(([dropped, ended, others, next, overlap]) => {
    const named = next.map((step, index) => ({ ...step, eventType: { id: `t${index}`, name: `Type ${index}` } }));
    const all = [dropped, ended, others, ...named];
    const most = all.reduce((sum, { customerCount }) => sum + customerCount, 0);
    const least = Math.max(...all.map(({ customerCount }) => customerCount));
    return {
      eventType: { id: "start", name: "Start" },
      customerCount: least + Math.floor(((most - least) * overlap) / 100),
      eventCount: all.reduce((sum, { eventCount }) => sum + eventCount, 0),
      ...{ dropped, ended, others },
      steps: named.filter(({ eventCount }) => eventCount > 0),
    };
  });
}

/** 6 paths of 4 customers: 3 go on to A, of which 1 goes on to B, 2 go on to B, and 1 drops off. */
export const TREE: Step = step("start", "Start", [4, 6], { dropped: [1, 1] }, [
  step("a", "A", [2, 3], { dropped: [1, 1], others: [1, 1] }, [step("b", "B", [1, 1], { ended: [1, 1] }, [])]),
  step("b", "B", [2, 2], { others: [2, 2] }, []),
]);

type Pair = readonly [customers: number, paths: number];

function step(
  id: string,
  name: string,
  all: Pair,
  outcomes: Partial<Record<"dropped" | "ended" | "others", Pair>>,
  steps: Step[],
): Step {
  const of = ([customerCount, eventCount]: Pair = [0, 0]) => ({ customerCount, eventCount });
  const { dropped, ended, others } = outcomes;
  return { eventType: { id, name }, ...of(all), dropped: of(dropped), ended: of(ended), others: of(others), steps };
}

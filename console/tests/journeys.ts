/** Journeys for tests: any definition without cycles. */

import fc from "fast-check";
import type { Duration, ElementFigures, Figures, GraphElement } from "../src/journey/model";
import { linkKey } from "../src/journey/model";

/** Any elements whose links lead forward, in a shuffled order. */
export const journeys: fc.Arbitrary<GraphElement[]> = fc
  .array(
    fc.record({ name: fc.string({ minLength: 1, maxLength: 40 }), targets: fc.array(fc.nat(20), { maxLength: 4 }) }),
    {
      minLength: 1,
      maxLength: 14,
    },
  )
  .map((drafts) =>
    drafts.map(({ name, targets }, index) => ({
      id: `e${index}`,
      name,
      followedBy: [...new Set(targets.map((step) => index + 1 + step))]
        .filter((target) => target < drafts.length)
        .map((target) => ({ id: `e${target}` })),
    })),
  )
  .chain((elements) => fc.shuffledSubarray(elements, { minLength: elements.length, maxLength: elements.length }));

/** A journey of this size, always the same. */
export function largeJourney(elements: number, links: number): GraphElement[] {
  const targets = Array.from({ length: elements }, () => new Set<number>());
  let made = 0;
  for (let turn = 0; made < links; turn++) {
    const from = turn % (elements - 1);
    const to = from + 1 + ((from + 2 * Math.floor(turn / (elements - 1))) % 5);
    if (to >= elements || targets[from]?.has(to)) continue;
    targets[from]?.add(to);
    made++;
  }
  return targets.map((ids, index) => ({
    id: `e${index}`,
    name: `Element ${index}`,
    followedBy: [...ids].map((id) => ({ id: `e${id}` })),
  }));
}

export function elementFigures(values: Partial<ElementFigures>): ElementFigures {
  return { participants: 0, completed: 0, flow: 0, active: 0, dropout: 0, ...values };
}

export function figuresOf(
  elements: Record<string, Partial<ElementFigures>>,
  links: readonly (readonly [string, string, number])[] = [],
  durations: readonly (readonly [string, string, Duration])[] = [],
): Figures {
  return {
    elements: new Map(Object.entries(elements).map(([id, values]) => [id, elementFigures(values)])),
    links: new Map(links.map(([from, to, customers]) => [linkKey(from, to), customers])),
    durations: new Map(durations.map(([from, to, duration]) => [linkKey(from, to), duration])),
  };
}

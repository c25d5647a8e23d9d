/** A breakdown as small multiples: one small funnel per value, all on the same scale. */

import type { Model } from "../../api/client";
import { count } from "../../formats";
import { firstElements } from "../../journey/figures";
import { connections, type GraphElement, linkKey } from "../../journey/model";
import { type Test, verdict } from "./comparison";

/** The part of a result that has the figures of each value. */
export type Breakdown = Model<"ViewBreakdown">;
type Value = Breakdown["values"][number];
type Result = Model<"ViewResult">;

/** Of the customers with a value, those at an element. */
export interface Step {
  readonly id: string;
  readonly name: string;
  readonly customers: number;
  /** Their part of the value's customers, from 0 to 1. */
  readonly share: number;
  /** The same of all customers. */
  readonly overall: number;
  /** The test of the share against that of all other customers. */
  readonly test: Test | undefined;
}

export interface Multiple {
  readonly key: string;
  readonly kind: Value["kind"];
  readonly title: string;
  readonly customers: number;
  /** The part of all customers, from 0 to 1. */
  readonly share: number;
  readonly steps: readonly Step[];
  /** Who completed the journey, and of how many; undefined where nobody could. */
  readonly completed: { readonly customers: number; readonly of: number; readonly test: Test | undefined } | undefined;
  /** The median times of the links, by `linkKey`. */
  readonly medians: ReadonlyMap<string, number>;
}

const ORDER: readonly Value["kind"][] = ["Value", "Others", "Missing", "NotReached"];

/** The values with the most customers first; those that are no values of their own last. */
export function multiples(
  { values, elementId }: Breakdown,
  result: Result,
  elements: readonly GraphElement[],
): Multiple[] {
  const all = values.reduce((sum, { customerCount }) => sum + customerCount, 0);
  const totals = new Map(result.elements.map(({ id, metrics }) => [id, metrics.participantCount ?? 0]));
  const names = new Map(elements.map(({ id, name }) => [id, name]));
  const whole = completedAt(elements, elementId);
  return [...values]
    .sort(
      (one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind) || other.customerCount - one.customerCount,
    )
    .map((value) => {
      const own = new Map(value.elements.map((element) => [element.id, element]));
      const { participantCount: of = 0, completedCount: customers = 0 } = own.get(whole ?? "")?.metrics ?? {};
      return {
        key: JSON.stringify([value.kind, value.value ?? null]),
        kind: value.kind,
        title: valueTitle(value, names.get(elementId ?? "") ?? elementId ?? ""),
        customers: value.customerCount,
        share: part(value.customerCount, all),
        steps: elements.map(({ id, name }) => {
          const reached = own.get(id)?.metrics.participantCount ?? 0;
          return {
            id,
            name,
            customers: reached,
            share: part(reached, value.customerCount),
            overall: part(totals.get(id) ?? 0, all),
            test: own.get(id)?.tests.participantCount,
          };
        }),
        completed: of > 0 ? { customers, of, test: own.get(whole ?? "")?.tests.completedCount } : undefined,
        medians: mediansOf(value),
      };
    });
}

function part(some: number, all: number): number {
  return all > 0 ? some / all : 0;
}

/** The element whose customers can complete the journey: the first one, or else the one that is broken down. */
function completedAt(elements: readonly GraphElement[], elementId: string | undefined): string | undefined {
  const targets = new Set(connections(elements).map(({ to }) => to.id));
  const first = elements.filter(({ id }) => firstElements(elements).has(id) && !targets.has(id));
  return first.length === 1 ? first[0]?.id : elementId;
}

function valueTitle({ kind, value, valueCount }: Value, element: string): string {
  switch (kind) {
    case "Value":
      return value === "" ? "Empty text" : (value ?? "");
    case "Others":
      return valueCount === undefined ? "Others" : `Others (${count(valueCount, "value")})`;
    case "Missing":
      return "No value";
    case "NotReached":
      return `Did not reach ${element}`;
  }
}

function mediansOf({ elements }: Value): Map<string, number> {
  return new Map(
    elements.flatMap(({ id, followedBy }) =>
      followedBy.flatMap((link) => {
        const median = link.duration.median;
        return median === undefined ? [] : [[linkKey(id, link.id), median] as const];
      }),
    ),
  );
}

/** A share that differs from that of all other customers. */
export interface Difference {
  readonly key: string;
  readonly label: string;
  readonly up: boolean;
  readonly sure: boolean;
  readonly test: Test;
}

/** The shares of a value that differ from those of the rest significantly, the surest first. */
export function differences({ steps, completed }: Multiple): Difference[] {
  const tested = [
    ...steps.map(({ id, name, test }) => ({ key: id, label: name, test })),
    { key: "", label: "Completed", test: completed?.test },
  ];
  return tested
    .flatMap(({ key, label, test }) => {
      const found = verdict(test);
      if (!test || (found !== "sure" && found !== "perhaps")) return [];
      return [{ key, label, up: (test.difference ?? 0) > 0, sure: found === "sure", test }];
    })
    .sort((one, other) => (one.test.pValue ?? 1) - (other.test.pValue ?? 1));
}

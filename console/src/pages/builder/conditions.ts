/** The conditions of a filter as the builder shows them, each with a comparison, and how a comparison is changed. */

import { type Attribute, isNumeric } from "./attributes";
import type { Filter, NumberPredicate, Operator, Predicate } from "./definition";

/** `within` and `outside` are about ranges of numbers. */
export type Comparison = "is" | "isNot" | "within" | "outside" | "none" | "some";

export const COMPARISON_LABELS: Readonly<Record<Comparison, string>> = {
  is: "is any of",
  isNot: "is none of",
  within: "is within limits",
  outside: "is not within limits",
  none: "is missing",
  some: "has any value",
};

export type Condition =
  | { readonly list: "predicates"; readonly index: number; readonly predicate: Predicate }
  | { readonly list: "numberPredicates"; readonly index: number; readonly predicate: NumberPredicate };

export function conditions(filter: Filter | null | undefined): Condition[] {
  return [
    ...(filter?.predicates ?? []).map((predicate, index) => ({ list: "predicates", index, predicate }) as const),
    ...(filter?.numberPredicates ?? []).map(
      (predicate, index) => ({ list: "numberPredicates", index, predicate }) as const,
    ),
  ];
}

export function comparisonOf({ list, predicate }: Condition): Comparison {
  const negated = predicate.operator === "NotMatches";
  if (predicate.noValue) return negated ? "some" : "none";
  if (list === "predicates") return negated ? "isNot" : "is";
  return negated ? "outside" : "within";
}

/** The comparisons of an attribute. */
export function comparisonsFor(attribute: Attribute | undefined): Comparison[] {
  return isNumeric(attribute) ? ["within", "outside", "is", "isNot", "none", "some"] : ["is", "isNot", "none", "some"];
}

export function addCondition(filter: Filter | null | undefined, attribute: Attribute): Filter {
  return withCondition(filter ?? { type: "And" }, newCondition(attribute));
}

export function removeCondition(filter: Filter, { list, index }: Condition): Filter | undefined {
  const rest = { ...filter, [list]: (filter[list] ?? []).filter((_, position) => position !== index) };
  return conditions(rest).length > 0 ? rest : undefined;
}

export function changeCondition(
  filter: Filter,
  { list, index }: Condition,
  change: Partial<Predicate> & Partial<NumberPredicate>,
): Filter {
  return {
    ...filter,
    [list]: (filter[list] ?? []).map((one, position) => (position === index ? { ...one, ...change } : one)),
  };
}

/** Another attribute: the comparison stays where the attribute has it, values and limits do not. */
export function changeAttribute(filter: Filter, condition: Condition, attribute: Attribute): Filter {
  const comparison = comparisonOf(condition);
  const created = comparisonsFor(attribute).includes(comparison)
    ? conditionWith(attribute.name, comparison)
    : newCondition(attribute);
  return replaced(filter, condition, created);
}

export function changeComparison(filter: Filter, condition: Condition, comparison: Comparison): Filter {
  const { list, predicate } = condition;
  const operator: Operator =
    comparison === "isNot" || comparison === "outside" || comparison === "some" ? "NotMatches" : "Matches";
  const before = comparisonOf(condition);
  const opposites = [
    ["is", "isNot"],
    ["within", "outside"],
    ["none", "some"],
  ];
  if (opposites.some((pair) => pair.includes(before) && pair.includes(comparison))) {
    return changeCondition(filter, condition, { operator });
  }
  if (comparison === "none" || comparison === "some") {
    const values = list === "predicates" ? { values: undefined } : { range: undefined };
    return changeCondition(filter, condition, { operator, noValue: true, ...values });
  }
  return replaced(filter, condition, conditionWith(predicate.dimension, comparison));
}

type NewCondition =
  | { readonly list: "predicates"; readonly predicate: Predicate }
  | { readonly list: "numberPredicates"; readonly predicate: NumberPredicate };

function newCondition(attribute: Attribute): NewCondition {
  return conditionWith(attribute.name, isNumeric(attribute) ? "within" : "is");
}

function conditionWith(dimension: string, comparison: Comparison): NewCondition {
  const operator =
    comparison === "isNot" || comparison === "outside" || comparison === "some" ? "NotMatches" : "Matches";
  switch (comparison) {
    case "is":
    case "isNot":
      return { list: "predicates", predicate: { dimension, operator, values: [] } };
    case "within":
    case "outside":
      return { list: "numberPredicates", predicate: { dimension, operator, range: { gte: { number: "" } } } };
    case "none":
    case "some":
      return { list: "predicates", predicate: { dimension, operator, noValue: true } };
  }
}

function withCondition(filter: Filter, { list, predicate }: NewCondition, index = Infinity): Filter {
  return { ...filter, [list]: ((filter[list] as unknown[] | undefined) ?? []).toSpliced(index, 0, predicate) };
}

/** In the other list, the condition is the last one. */
function replaced(filter: Filter, condition: Condition, created: NewCondition): Filter {
  const rest = removeCondition(filter, condition) ?? { ...filter, [condition.list]: [] };
  return withCondition(rest, created, created.list === condition.list ? condition.index : Infinity);
}

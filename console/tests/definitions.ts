/** Definitions of views for tests: any that the API accepts, with every field of its models. */

import fc from "fast-check";

/** The JSON of a definition, as the API answers it. */
export interface DefinitionJson {
  readonly name: string;
  readonly elements: readonly { readonly id: string }[];
  readonly charts?: readonly unknown[];
}

const text = fc.string({ maxLength: 30 });
const name = fc.string({ minLength: 1, maxLength: 30 });
const nullable = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

/** Some of the fields, in any combination. */
function some<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }, required: readonly (keyof T)[] = []) {
  return fc.record(fields, { requiredKeys: required as (keyof T)[] });
}

/** The text of a number of up to 38 digits. */
const numberTexts = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.option(fc.stringMatching(/^\d{1,8}$/)))
  .map(([negative, whole, fraction]) => `${negative ? "-" : ""}${whole}${fraction === null ? "" : `.${fraction}`}`);
const numbers = numberTexts.map((one) => (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON(one));

const operator = fc.constantFrom("Matches", "NotMatches");
const limit = fc.oneof(
  fc.record({ number: numbers }),
  fc.record({ number: numbers, duration: fc.constant(null) }),
  fc.record({ duration: fc.constantFrom("PT5M", "P1DT0.5S") }),
);
const range = fc
  .uniqueArray(fc.constantFrom("lt", "lte", "gt", "gte", "eq", "neq"), { minLength: 1 })
  .chain((names) => fc.record(Object.fromEntries(names.map((one) => [one, limit]))));

const predicate = fc.oneof(
  some(
    { dimension: name, values: fc.array(text, { minLength: 1, maxLength: 4 }), operator, noValue: fc.constant(false) },
    ["dimension", "values"],
  ),
  some({ dimension: name, noValue: fc.constant(true), operator, values: fc.constant(null) }, ["dimension", "noValue"]),
);
const numberPredicate = fc.oneof(
  some({ dimension: name, range, operator, noValue: fc.constant(false) }, ["dimension", "range"]),
  some({ dimension: name, noValue: fc.constant(true), operator, range: fc.constant(null) }, ["dimension", "noValue"]),
);
const filter = some({
  type: fc.constant("And"),
  predicates: fc.array(predicate, { maxLength: 4 }),
  numberPredicates: fc.array(numberPredicate, { maxLength: 4 }),
});

const constraint = fc.record({
  unit: fc.constantFrom("Seconds", "Minutes", "Hours", "Days", "Weeks", "Months"),
  value: fc.nat(1_000_000_000),
});
const linkFields = some({
  constraintWithin: nullable(constraint),
  constraintAfter: nullable(constraint),
  eventCountType: fc.constantFrom("All", "Concurrent", "Sequential"),
  joinAttributes: nullable(fc.array(name, { maxLength: 3 })),
});

const elementFields = some(
  {
    name,
    attributes: some({ type: fc.constant("Event"), id: name, source: nullable(text) }, ["id"]),
    displayAttributes: nullable(some({ x: fc.integer(), y: fc.integer(), col: nullable(fc.nat(9)) })),
    filter: nullable(filter),
  },
  ["name", "attributes"],
);

/** Elements whose links lead forward, in a shuffled order. */
const elements = fc
  .array(fc.tuple(elementFields, fc.option(fc.array(fc.tuple(fc.nat(4), linkFields), { maxLength: 3 }))), {
    minLength: 1,
    maxLength: 6,
  })
  .map((drafts) =>
    drafts.map(([fields, links], index) => ({
      id: `e${index}`,
      ...fields,
      ...(links && {
        followedBy: links
          .map(([step, link]) => ({ id: `e${index + 1 + step}`, ...link }))
          .filter(
            ({ id }, at, all) => Number(id.slice(1)) < drafts.length && all.findIndex((one) => one.id === id) === at,
          ),
      }),
    })),
  )
  .chain((all) => fc.shuffledSubarray(all, { minLength: all.length }));

const elementId = fc.nat(5).map((index) => `e${index}`);
const chart = some(
  {
    id: nullable(fc.stringMatching(/^[A-Za-z0-9._~-]{1,20}$/)),
    name,
    rank: nullable(fc.nat(100)),
    groupByTime: nullable(fc.constantFrom("Day", "Week", "Month", "Year")),
    groupByAttributes: fc.array(fc.record({ elementId, attribute: name }), { maxLength: 3 }),
    metrics: fc.array(
      some(
        {
          id: name,
          elementId,
          aggregate: fc.constantFrom("EventCount", "CustomerCount", "Minimum", "Maximum", "Average", "Sum"),
          displayLabel: nullable(text),
          attribute: nullable(name),
        },
        ["id", "elementId"],
      ),
      { minLength: 1, maxLength: 3 },
    ),
    displayAttributes: nullable(
      some({
        type: nullable(fc.constantFrom("Column", "Bar", "Line")),
        groupByTitle: nullable(text),
        metricsTitle: nullable(text),
        secondaryMetricsTitle: nullable(text),
        showLegend: nullable(fc.boolean()),
      }),
    ),
    groupByMax: nullable(fc.integer({ min: 1, max: 100_000 })),
    version: nullable(fc.nat(9)),
  },
  ["name", "metrics"],
);

export const definitions = some(
  {
    name,
    description: nullable(text),
    interval: fc.constant("2026-01-01T00:00:00Z/2026-02-01T00:00:00+02:00"),
    duration: nullable(fc.constantFrom("P30D", "P1Y2M3W4DT5H6M7,8S")),
    identity: nullable(fc.constantFrom("Person", "Identifier")),
    elements,
    charts: fc.array(chart, { maxLength: 3 }),
    durations: nullable(fc.array(fc.record({ fromId: text, toId: text }), { maxLength: 3 })),
  },
  ["name", "elements"],
) as unknown as fc.Arbitrary<DefinitionJson>;

/** What the platform adds to a definition in an answer. */
export const readOnlyFields = {
  id: "view",
  version: 3,
  createdBy: { id: "someone" },
  modifiedBy: { id: "someone" },
  dateCreated: "2026-01-01T00:00:00.000Z",
  dateModified: "2026-01-01T00:00:00.000Z",
  selfUri: "/api/v2/journey/views/view/versions/3",
};

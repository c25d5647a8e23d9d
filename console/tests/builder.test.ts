/** The builder's definition: form and back, edits, undo and redo. */

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addCondition,
  changeAttribute,
  changeComparison,
  changeCondition,
  comparisonOf,
  comparisonsFor,
  conditions,
} from "../src/pages/builder/conditions";
import {
  canConnect,
  type Definition,
  EMPTY,
  fromView,
  nextSpan,
  toBody,
  typedText,
} from "../src/pages/builder/definition";
import { applyEdit, type Edit, freeName } from "../src/pages/builder/edits";
import { jsonNumber, numberText, parseExactly } from "../src/pages/builder/exact";
import { begin, type History, MAX_STEPS, reduce } from "../src/pages/builder/history";
import { findProblems, LIMITS } from "../src/pages/builder/problems";
import { definitions, readOnlyFields } from "./definitions";

const drafts = definitions.map((json) => json as unknown as Definition);

/** Any edit, about elements that exist or do not. */
const ids = fc.nat(7).map((index) => `e${index}`);
const edits: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({
    do: fc.constant("changeView" as const),
    change: fc.record({ name: fc.string(), duration: fc.string() }),
  }),
  fc.record({
    do: fc.constant("addElement" as const),
    event: fc.string(),
    name: fc.string(),
    after: fc.option(ids, { nil: undefined }),
  }),
  fc.record({ do: fc.constant("changeElement" as const), id: ids, change: fc.record({ name: fc.string() }) }),
  fc.record({ do: fc.constant("duplicateElement" as const), id: ids }),
  fc.record({ do: fc.constant("removeElement" as const), id: ids }),
  fc.record({ do: fc.constant("connect" as const), from: ids, to: ids }),
  fc.record({
    do: fc.constant("changeLink" as const),
    from: ids,
    to: ids,
    change: fc.constant({ constraintWithin: { unit: "Days" as const, value: "7" } }),
  }),
  fc.record({ do: fc.constant("disconnect" as const), from: ids, to: ids }),
  fc.record({ do: fc.constant("addChart" as const), id: fc.uuid() }),
  fc.record({ do: fc.constant("changeChart" as const), index: fc.nat(3), change: fc.record({ name: fc.string() }) }),
  fc.record({ do: fc.constant("removeChart" as const), index: fc.nat(3) }),
);

describe("the form of a definition", () => {
  test("any definition that the API accepts survives the builder unchanged", () => {
    fc.assert(
      fc.property(definitions, (definition) => {
        const answered = JSON.stringify({ ...definition, ...readOnlyFields });
        const body = toBody(fromView(parseExactly(answered)));
        expect(JSON.parse(JSON.stringify(body))).toEqual(JSON.parse(JSON.stringify(definition)));
        expect(JSON.stringify(body)).toBe(JSON.stringify(definition));
      }),
    );
  });

  test("numbers that are typed again as they are shown do not change the definition", () => {
    fc.assert(
      fc.property(drafts, (definition) => {
        expect(JSON.stringify(toBody(retyped(definition)))).toBe(JSON.stringify(definition));
      }),
    );
  });

  test("numbers keep all of their digits", () => {
    const text = "12345678901234567890123456789012345678.5";
    expect(numberText(jsonNumber(text))).toBe(text);
    expect(JSON.stringify(parseExactly(`{"number":${text}}`))).toBe(`{"number":${text}}`);
  });

  test("what is no number is sent as it was typed, for the API to name", () => {
    const definition = applyEdit(twoElements(), {
      do: "changeLink",
      from: "element-1",
      to: "element-2",
      change: { constraintWithin: { unit: "Days", value: "a week" } },
    });
    expect(JSON.stringify(toBody(definition))).toContain('"value":"a week"');
  });
});

describe("edits", () => {
  test("an edit of one element leaves all others as they are", () => {
    fc.assert(
      fc.property(drafts, fc.nat(5), (definition, index) => {
        const element = definition.elements[index % definition.elements.length];
        const changed = applyEdit(definition, { do: "changeElement", id: element?.id ?? "", change: { name: "new" } });
        const others = (one: Definition) => one.elements.filter(({ id }) => id !== element?.id);
        expect(others(changed)).toEqual(others(definition));
        expect({ ...changed, elements: [] }).toEqual({ ...definition, elements: [] });
        expect(changed.elements.find(({ id }) => id === element?.id)).toEqual({ ...element, name: "new" });
      }),
    );
  });

  test("a removed element is neither linked nor charted", () => {
    fc.assert(
      fc.property(drafts, ids, (definition, id) => {
        const removed = applyEdit(definition, { do: "removeElement", id });
        if (!definition.elements.some((one) => one.id === id)) return;
        const links = removed.elements.flatMap(({ followedBy }) => followedBy ?? []);
        const charted = (removed.charts ?? []).flatMap(({ metrics, groupByAttributes }) => [
          ...metrics,
          ...(groupByAttributes ?? []),
        ]);
        expect(links.some((link) => link.id === id)).toBe(false);
        expect(charted.some(({ elementId }) => elementId === id)).toBe(false);
        expect((removed.charts ?? []).every(({ metrics }) => metrics.length > 0)).toBe(true);
      }),
    );
  });

  test("ids of elements are unique after any edits", () => {
    fc.assert(
      fc.property(drafts, fc.array(edits, { maxLength: 12 }), (definition, all) => {
        const { elements } = all.reduce(applyEdit, definition);
        expect(new Set(elements.map(({ id }) => id)).size).toBe(elements.length);
      }),
    );
  });

  test("connecting what can be connected makes no circle", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { maxLength: 20 }), (pairs) => {
        let definition = EMPTY;
        for (let index = 0; index < 5; index++) {
          definition = applyEdit(definition, { do: "addElement", event: "event", name: "Event" });
        }
        for (const [one, other] of pairs) {
          const [from, to] = [definition.elements[one]?.id ?? "", definition.elements[other]?.id ?? ""];
          if (canConnect(definition.elements, from, to))
            definition = applyEdit(definition, { do: "connect", from, to });
        }
        for (const { id, followedBy = [] } of definition.elements) {
          for (const link of followedBy) expect(canConnect(definition.elements, link.id, id)).toBe(false);
        }
      }),
    );
  });

  test("a duplicate has a name of its own, and the same filter and links", () => {
    const definition = applyEdit(twoElements(), { do: "duplicateElement", id: "element-1" });
    const [original, copy] = definition.elements;
    expect(copy).toEqual({ ...original, id: copy?.id, name: "Order 2" });
    expect(freeName([{ name: "Order" }, { name: "order 2" }], "Order 2")).toBe("Order 3");
  });
});

describe("undo and redo", () => {
  test("undo after any edit gives the definition before, and redo the one after", () => {
    fc.assert(
      fc.property(drafts, fc.array(edits, { maxLength: 10 }), edits, (definition, earlier, edit) => {
        const before = run(begin(definition), earlier);
        const after = reduce(before, { type: "edit", edit });
        const undone = reduce(after, { type: "undo" });
        if (after !== before) expect(undone.present).toBe(before.present);
        if (after !== before) expect(reduce(undone, { type: "redo" }).present).toBe(after.present);
      }),
    );
  });

  test("undoing everything gives the start, and redoing everything the end", () => {
    fc.assert(
      fc.property(drafts, fc.array(edits, { maxLength: 20 }), (definition, all) => {
        const end = run(begin(definition), all);
        const start = end.past.reduce((history) => reduce(history, { type: "undo" }), end);
        expect(start.present).toBe(definition);
        expect(end.past.reduce((history) => reduce(history, { type: "redo" }), start).present).toBe(end.present);
      }),
    );
  });

  test("typing in one field is one step", () => {
    const type = (history: History, name: string) =>
      reduce(history, { type: "edit", edit: { do: "changeView", change: { name } }, field: "name" });
    const typed = ["V", "Vi", "View"].reduce(type, begin(EMPTY));
    expect(typed.present.name).toBe("View");
    expect(reduce(typed, { type: "undo" }).present).toBe(EMPTY);
  });

  test("the number of steps is bounded", () => {
    const many = Array.from({ length: MAX_STEPS + 5 }, (_, index): Edit => ({
      do: "changeView",
      change: { name: `${index}` },
    }));
    expect(run(begin(EMPTY), many).past).toHaveLength(MAX_STEPS);
  });
});

describe("conditions", () => {
  const text = { name: "section", title: "Section", kind: "text", values: [] } as const;
  const amount = { name: "amount", title: "Amount", kind: "number", values: [] } as const;

  test.each([text, amount])("every comparison of $name can be chosen from every other one", (attribute) => {
    for (const one of comparisonsFor(attribute)) {
      for (const other of comparisonsFor(attribute)) {
        const start = addCondition(undefined, attribute);
        const [added] = conditions(start);
        if (!added) throw new Error("no condition was added");
        const filter = changeComparison(start, added, one);
        const [changed] = conditions(filter);
        if (!changed) throw new Error("the condition is gone");
        const found = conditions(changeComparison(filter, changed, other));
        expect(found.map(comparisonOf)).toEqual([other]);
        expect(found[0]?.predicate.dimension).toBe(attribute.name);
      }
    }
  });

  test("another attribute takes no values over", () => {
    const start = addCondition(undefined, text);
    const [added] = conditions(start);
    if (!added) throw new Error("no condition was added");
    const filled = changeCondition(start, added, { values: ["checkout"] });
    const filter = changeAttribute(filled, added, amount);
    expect(filter.predicates).toEqual([{ dimension: "amount", operator: "Matches", values: [] }]);
  });
});

describe("the durations that a view measures", () => {
  const element = (id: string, ...links: string[]) => ({
    id,
    name: id,
    attributes: { id: "event" },
    followedBy: links.map((target) => ({ id: target })),
  });
  const line = { ...EMPTY, elements: [element("a", "b"), element("b", "c"), element("c")] };

  test("the next one goes as far as links lead, and none is offered twice", () => {
    const offered: unknown[] = [];
    let definition: Definition = line;
    for (let next = nextSpan(definition); next; next = nextSpan(definition)) {
      offered.push([next.fromId, next.toId]);
      definition = { ...definition, durations: [...(definition.durations ?? []), next] };
    }
    expect(offered).toEqual([
      ["a", "c"],
      ["a", "b"],
      ["b", "c"],
    ]);
    expect(nextSpan({ ...EMPTY, elements: [element("a"), element("b")] })).toBeUndefined();
  });

  test("those of a removed element go with it", () => {
    const durations = [
      { fromId: "a", toId: "c" },
      { fromId: "a", toId: "b" },
    ];
    const removed = applyEdit({ ...line, durations }, { do: "removeElement", id: "c" });
    expect(removed.durations).toEqual([{ fromId: "a", toId: "b" }]);
  });

  test("elements that no links join and repeated pairs are problems", () => {
    const durations = [
      { fromId: "a", toId: "c" },
      { fromId: "c", toId: "a" },
      { fromId: "b", toId: "b" },
      { fromId: "a", toId: "c" },
    ];
    const found = findProblems({ ...line, durations }, new Map()).filter(({ path }) => path.startsWith("durations"));
    expect(found.map(({ path }) => path)).toEqual(["durations[1].toId", "durations[2].toId", "durations[3].toId"]);
  });
});

test("the limits are those of the OpenAPI document", () => {
  const file = readFileSync(new URL("../../functions/openapi/openapi.json", import.meta.url), "utf8");
  const { schemas } = (JSON.parse(file) as { components: { schemas: Record<string, Model> } }).components;
  const property = (model: string, name: string) => schemas[model]?.properties[name] ?? {};
  const optional = (model: string, name: string) => property(model, name).anyOf?.[0] ?? {};
  expect(LIMITS).toMatchObject({
    elements: property("ViewDefinition", "elements").maxItems,
    links: property("Element", "followedBy").maxItems,
    predicates: property("Filter", "predicates").maxItems,
    values: optional("Predicate", "values").maxItems,
    durations: optional("ViewDefinition", "durations").maxItems,
    metrics: property("Chart", "metrics").maxItems,
    groups: property("Chart", "groupByAttributes").maxItems,
    name: property("ViewDefinition", "name").maxLength,
    text: optional("ViewDefinition", "description").maxLength,
    constraint: property("TimeConstraint", "value").maximum,
    groupByMax: optional("Chart", "groupByMax").maximum,
  });
});

interface Bounds {
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly Bounds[];
}

interface Model {
  readonly properties: Readonly<Record<string, Bounds>>;
}

function run(history: History, all: readonly Edit[]): History {
  return all.reduce((before, edit) => reduce(before, { type: "edit", edit }), history);
}

function twoElements(): Definition {
  return [
    { do: "addElement", event: "order", name: "Order" },
    { do: "addElement", event: "order", name: "Delivery", after: "element-1" },
  ].reduce((definition, edit) => applyEdit(definition, edit as Edit), EMPTY);
}

/** The definition with each number replaced by the text that its field shows. */
function retyped(definition: Definition): Definition {
  const value = JSON.parse(JSON.stringify(definition)) as Definition;
  return {
    ...definition,
    elements: definition.elements.map((element) => ({
      ...element,
      ...(element.filter?.numberPredicates && {
        filter: {
          ...element.filter,
          numberPredicates: element.filter.numberPredicates.map((predicate) => ({
            ...predicate,
            ...(predicate.range && {
              range: Object.fromEntries(
                Object.entries(predicate.range).map(([name, limit]) => [
                  name,
                  limit && "number" in limit ? { ...limit, number: typedText(limit.number) } : limit,
                ]),
              ),
            }),
          })),
        },
      }),
      ...(element.followedBy && {
        followedBy: element.followedBy.map((link) => ({
          ...link,
          ...(link.constraintWithin && {
            constraintWithin: { ...link.constraintWithin, value: typedText(link.constraintWithin.value) },
          }),
        })),
      }),
    })),
    ...(value.charts && {
      charts: (definition.charts ?? []).map((chart) => ({
        ...chart,
        ...(typeof chart.groupByMax === "number" && { groupByMax: typedText(chart.groupByMax) }),
      })),
    }),
  };
}

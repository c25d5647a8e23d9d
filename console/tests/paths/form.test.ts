import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventDefinitions } from "../../src/pages/builder/attributes";
import {
  definitionOf,
  type Form,
  formOf,
  gapText,
  LIMITS,
  NEW,
  problemsOf,
  problemText,
  selection,
  simpleGap,
  suggestedName,
  withoutSuggestedName,
} from "../../src/pages/paths/form";

interface Model {
  properties: Record<"steps" | "mostPerLevel", { maximum: number }>;
}

const EVENTS = eventDefinitions([
  { id: "visit", name: "Visit", jsonSchema: { properties: { section: { type: "string" } } } },
  { id: "order", name: "Order", jsonSchema: { properties: { amount: { type: "number" } } } },
] as Parameters<typeof eventDefinitions>[0]);

function started(form: Partial<Form> = {}, ...others: Form["view"]["elements"]): Form {
  return { ...NEW, ...form, view: { ...NEW.view, elements: [selection("start", "visit"), ...others] } };
}

describe("the form", () => {
  test("needs a start only", () => {
    expect(problemsOf(NEW, EVENTS)).toEqual([{ path: "start.attributes.id", message: "Choose an event." }]);
    expect(problemsOf(started(), EVENTS)).toEqual([]);
    expect(definitionOf(started(), EVENTS)).toEqual({
      name: "After Visit",
      duration: "P30D",
      start: { attributes: { type: "Event", id: "visit" } },
      direction: "After",
      steps: 5,
      mostPerLevel: 6,
      collapseRepeats: true,
    });
  });

  test("says which field a problem has", () => {
    const wrong = started({ mostPerLevel: 0 }, selection("end", ""));
    expect(problemsOf(wrong, EVENTS).map(problemText)).toEqual([
      "End: Choose an event.",
      "Most steps shown per level: Enter a whole number from 1 to 50.",
    ]);
    expect(problemText({ path: "endless", message: "It is wrong." })).toBe("It is wrong.");
  });

  test("names its problems by the fields of the API", () => {
    const filter = { type: "And" as const, predicates: [{ dimension: "colour", values: [] }] };
    const wrong = started(
      { sessionGap: "PTM", eventTypes: [], mostPerLevel: 0 },
      { ...selection("end", "visit"), filter },
      selection("end", ""),
    );
    const view = { ...wrong.view, name: "x".repeat(257), duration: "P" };
    expect(problemsOf({ ...wrong, view }, EVENTS).map(({ path }) => path)).toEqual([
      "end.filter.predicates[0].dimension",
      "end.filter.predicates[0].values",
      "end.attributes.id",
      "name",
      "duration",
      "sessionGap",
      "mostPerLevel",
      "eventTypes",
    ]);
  });

  test("sends typed numbers of filters as numbers", () => {
    const range = { gte: { number: "10.50" } };
    const filter = { type: "And" as const, numberPredicates: [{ dimension: "amount", range }] };
    const body = definitionOf(started({}, { ...selection("end", "order"), filter }), EVENTS);
    expect(JSON.stringify(body.end?.filter)).toContain('{"gte":{"number":10.5');
  });

  test("comes back from the definition that it sent", () => {
    const forms = fc
      .record({
        direction: fc.constantFrom<Form["direction"]>("After", "Before"),
        steps: fc.integer({ min: 1, max: LIMITS.steps }),
        mostPerLevel: fc.integer({ min: 1, max: LIMITS.mostPerLevel }),
        sessionGap: fc.constantFrom(undefined, "PT30M", "P3D"),
        eventTypes: fc.option(fc.uniqueArray(fc.constantFrom("visit", "order"), { minLength: 1 }), { nil: undefined }),
        collapseRepeats: fc.boolean(),
      })
      .chain((form) =>
        fc.constantFrom(
          started(form),
          started(form, {
            ...selection("end", "order"),
            filter: { type: "And", predicates: [{ dimension: "amount", noValue: true }] },
          }),
        ),
      );
    fc.assert(
      fc.property(forms, (form) => {
        const sent = definitionOf(form, EVENTS);
        expect(formOf(sent)).toEqual({ ...form, view: { ...form.view, name: sent.name } });
        expect(definitionOf(formOf(sent), EVENTS)).toEqual(sent);
      }),
    );
  });

  test("has the limits of the API", () => {
    const file = readFileSync("../functions/openapi/openapi.json", "utf8");
    const openapi = JSON.parse(file) as { components: { schemas: { PathDefinition: Model } } };
    const { steps, mostPerLevel } = openapi.components.schemas.PathDefinition.properties;
    expect({ steps: steps.maximum, mostPerLevel: mostPerLevel.maximum }).toEqual(LIMITS);
  });
});

test("an exploration is called after its events", () => {
  const filter = { type: "And" as const, predicates: [{ dimension: "section", values: ["checkout"] }] };
  const [start] = started().view.elements;
  const filtered = { ...NEW, view: { ...NEW.view, elements: [{ ...(start ?? selection("start", "")), filter }] } };
  expect(suggestedName(filtered, EVENTS)).toBe("After Visit (checkout)");
  expect(suggestedName(started({ direction: "Before" }), EVENTS)).toBe("Before Visit");
  expect(suggestedName(started({}, selection("end", "order")), EVENTS)).toBe("From Visit to Order");
  expect(suggestedName(started({ direction: "Before" }, selection("end", "order")), EVENTS)).toBe(
    "From Order to Visit",
  );
});

test("a name that somebody entered stays, one that was made of the events does not", () => {
  const named = (name: string) => ({ ...started(), view: { ...started().view, name } });
  expect(withoutSuggestedName(named("After Visit"), EVENTS).view.name).toBe("");
  expect(withoutSuggestedName(named("Mine"), EVENTS).view.name).toBe("Mine");
});

test("session gaps of one unit are read and written", () => {
  fc.assert(
    fc.property(fc.constantFrom("Minutes", "Hours", "Days", "Weeks"), fc.constantFrom("", "1", "30"), (unit, value) => {
      expect(simpleGap(gapText(value, unit))).toEqual({ value, unit });
    }),
  );
  expect(simpleGap("P1DT2H")).toBeUndefined();
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Limits, Sender } from "../../src/pages/sources/requests";
import { parseExactly } from "../../src/pages/sources/types/exactJson";
import { typeForSender } from "../../src/pages/sources/types/fromSender";
import { kindName, kindsOf } from "../../src/pages/sources/types/kinds";
import {
  boundFromText,
  boundText,
  type Definition,
  isSame,
  type SchemaDocument,
  toForm,
  toSchema,
  withItemKeyword,
  withKeyword,
} from "../../src/pages/sources/types/schemaForm";
import { locksOf, placeOf, problemsOf } from "../../src/pages/sources/types/schemaRules";
import { changesBetween } from "../../src/pages/sources/types/versionChanges";

const LIMITS = {
  minSchemaNameCharacters: 1,
  maxSchemaNameCharacters: 100,
  maxSchemaDescriptionCharacters: 500,
  minFieldNameCharacters: 1,
  maxFieldNameCharacters: 100,
  minFieldTitleCharacters: 1,
  maxFieldTitleCharacters: 100,
  maxFieldDescriptionCharacters: 500,
  maxNumberOfFieldsPerSchema: 50,
} as Limits;

const KINDS = kindsOf([
  { name: "text", validationLimits: { minLength: { min: 0, max: 100 }, maxLength: { min: 1, max: 100 } } },
  { name: "enum" },
  { name: "number", validationLimits: { minimum: { min: -1e38, max: 1e38 }, maximum: { min: -1e38, max: 1e38 } } },
  { name: "integer" },
  { name: "boolean" },
]);

// -- any document ------------------------------------------------------------------------------------------------------

const name = fc.oneof(fc.string({ minLength: 1, maxLength: 12 }), fc.constantFrom("__proto__", "a.b", "1", "toString"));
const words = { title: fc.string({ minLength: 1 }), description: fc.string() };
const bound = fc.oneof(fc.integer(), fc.constantFrom(0.1, 1e-7));
const definition = fc.oneof(
  fc.record(
    { type: fc.constantFrom("string", "integer", "number", "boolean"), minimum: bound, maxLength: bound, ...words },
    { requiredKeys: ["type"] },
  ),
  fc.record(
    { allOf: fc.constantFrom([{ $ref: "#/definitions/text" }]), maxLength: bound, ...words },
    { requiredKeys: ["allOf"] },
  ),
  fc.record(
    {
      enum: fc.array(fc.string(), { minLength: 1 }),
      _enumProperties: fc.dictionary(fc.string(), fc.object()),
      ...words,
    },
    { requiredKeys: ["enum"] },
  ),
  fc.record({ type: fc.constant("array"), items: fc.record({ type: fc.constant("string"), maxLength: bound }) }),
);
const properties = fc
  .uniqueArray(fc.tuple(name, definition), { selector: ([one]) => one })
  .map((entries) => Object.fromEntries(entries) as Readonly<Record<string, Definition>>);
const documents = fc
  .record(
    {
      $schema: fc.constantFrom("http://json-schema.org/draft-04/schema#", null),
      title: fc.string(),
      description: fc.oneof(fc.string(), fc.constant(null)),
      type: fc.constant("object"),
      properties: fc.oneof(properties, fc.constant(null)),
      additionalProperties: fc.constant(false),
    },
    { requiredKeys: ["title"] },
  )
  .chain((document) =>
    fc.record(
      {
        document: fc.constant(document),
        required: fc.oneof(fc.shuffledSubarray(Object.keys(document.properties ?? {})), fc.constant(null)),
      },
      { requiredKeys: ["document"] },
    ),
  )
  .map(({ document, ...rest }) => ({ ...document, ...rest }));

describe("the form of a schema", () => {
  it("returns any document unchanged", () => {
    fc.assert(
      fc.property(documents, (document) => {
        expect(toSchema(toForm(document))).toStrictEqual(document);
      }),
    );
  });

  it("is the same after another round", () => {
    fc.assert(
      fc.property(documents, (document) => {
        const form = toForm(document);
        expect(toForm(toSchema(form))).toStrictEqual(form);
      }),
    );
  });

  it("keeps the other keywords of a field when one is changed and changed back", () => {
    fc.assert(
      fc.property(definition, fc.string(), (before: Definition, value) => {
        const had = Object.hasOwn(before, "description");
        const changed = withKeyword(before, "description", value);
        const back = withKeyword(changed, "description", had ? before["description"] : undefined);
        expect(isSame({ title: "", back }, { title: "", back: before })).toBe(true);
      }),
    );
  });

  it("keeps the order of required fields and adds new ones at the end", () => {
    const form = toForm({ title: "Order", properties: { a: {}, b: {}, c: {} }, required: ["c", "a"] });
    const fields = form.fields.map((field) => ({ ...field, required: true }));
    expect(toSchema({ ...form, fields }).required).toEqual(["c", "a", "b"]);
  });

  it("keeps numbers that a double cannot hold", () => {
    const text =
      '{"title":"T","properties":{"n":{"type":"number","maximum":12345678901234567890123.5,"minimum":1.50}}}';
    const document = parseExactly(text) as SchemaDocument;
    expect(JSON.stringify(toSchema(toForm(document)))).toBe(text);
    expect(boundText(toForm(document).fields[0]?.definition["maximum"])).toBe("12345678901234567890123.5");
  });

  it("shows a bound as it was entered", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^-?(0|[1-9]\d{0,37})(\.\d{1,5})?$/), (entered) => {
        expect(boundText(boundFromText(entered))).toBe(entered);
      }),
    );
    expect(boundFromText(" ")).toBeUndefined();
    expect(boundText(boundFromText("1."))).toBe("1.");
  });

  it("adds items to a list that has none", () => {
    expect(withItemKeyword({}, "maxLength", 5)).toEqual({ items: { type: "string", maxLength: 5 } });
  });
});

describe("kinds", () => {
  it("are read from both forms of a definition", () => {
    expect(kindName({ allOf: [{ $ref: "#/definitions/longtext" }] })).toBe("longtext");
    expect(kindName({ type: "string" })).toBe("plain string");
    expect(kindName({ type: "string", enum: ["a"] })).toBe("enum");
    expect(kindName({ enum: ["a"] })).toBe("enum");
    expect(kindName({ type: "integer" })).toBe("integer");
    expect(kindName({})).toBe("");
  });
});

// -- rules -------------------------------------------------------------------------------------------------------------

const SAVED: SchemaDocument = {
  title: "Order",
  properties: { id: { type: "string" }, state: { enum: ["new", "paid"] }, amount: { type: "number", maximum: 5 } },
  required: ["id"],
};

describe("the rules of a new version", () => {
  it("accept the saved version", () => {
    expect(problemsOf(toForm(SAVED), SAVED, LIMITS, KINDS)).toEqual(new Map());
  });

  it("lock names, kinds and removal of saved fields, and required for all that were optional", () => {
    const [id, state] = toForm(SAVED).fields;
    const added = { key: "new", name: "city", required: false, definition: { type: "string" }, isNew: true };
    expect(Object.keys(locksOf(id ?? added, SAVED))).toEqual(["name", "kind", "remove"]);
    expect(Object.keys(locksOf(state ?? added, SAVED))).toEqual(["required", "name", "kind", "remove"]);
    expect(Object.keys(locksOf(added, SAVED))).toEqual(["required"]);
    expect(locksOf(added, undefined)).toEqual({});
    expect(Object.keys(locksOf({ ...added, name: "id" }, SAVED))).toEqual(["required"]);
  });

  it("find what the API refuses", () => {
    const form = toForm({
      title: " ",
      properties: {
        state: { enum: ["paid"] },
        amount: { type: "number", minimum: 2, maximum: 1 },
        text: { type: "string", maxLength: 1.5 },
        other: {},
      },
      required: ["amount"],
    });
    const problems = problemsOf(form, SAVED, LIMITS, KINDS);
    expect([...problems.keys()].sort()).toEqual([
      "field-0.enum",
      "field-1.maximum",
      "field-1.required",
      "field-2.maxLength",
      "field-3.kind",
      "title",
    ]);
  });

  it("find names that two fields have", () => {
    const form = toForm(SAVED);
    const fields = form.fields.map((field) => ({ ...field, name: "same" }));
    expect(problemsOf({ ...form, fields }, undefined, LIMITS, KINDS).get("field-1.name")).toContain("Another field");
  });
});

describe("the place of a problem that the API reports", () => {
  const form = toForm({ title: "T", properties: { "a.b": {}, a: {} } });

  it.each([
    ["title", "title"],
    ["properties", "fields"],
    ["required", "fields"],
    ["properties.a", "field-1.name"],
    ["properties.a.b", "field-0.name"],
    ["properties.a.b.maxLength", "field-0.maxLength"],
    ["properties.a.items.maxLength", "field-1.items.maxLength"],
    ["properties.a.type", "field-1.kind"],
    ["properties.gone", "fields"],
  ])("%s is %s", (fieldName, place) => {
    expect(placeOf(fieldName, form)).toBe(place);
  });
});

describe("an event type for a sender", () => {
  it("has a field for each attribute of the preset", () => {
    const mapping = { attributes: { total: "to_number(total)", paid: "paid", state: "state" } };
    const sender = {
      title: "Shop",
      sends: "Orders.",
      attributes: ["paid", "state", "total"],
      mapping,
    } as unknown as Sender;
    const { title, properties } = typeForSender(sender);
    expect(title).toBe("Shop event");
    expect(properties).toEqual({ paid: { type: "boolean" }, state: { type: "string" }, total: { type: "number" } });
  });
});

describe("the changes of a version", () => {
  const version = (jsonSchema: SchemaDocument, enabled = true) => ({ enabled, jsonSchema });

  it("are sentences", () => {
    const after = {
      title: "Orders",
      properties: { ...SAVED.properties, amount: { type: "number", maximum: 9 }, city: { type: "string" } },
    };
    expect(changesBetween(version(SAVED), version(after, false))).toEqual([
      "Disabled.",
      "Renamed from “Order” to “Orders”.",
      "Largest of “amount”: 5 → 9.",
      "Field “city” added (plain string).",
      "Field “id” became optional.",
    ]);
  });

  it("of the first version and of an equal one are named", () => {
    expect(changesBetween(undefined, version(SAVED))).toEqual(["Created with 3 fields."]);
    expect(changesBetween(version(SAVED), version(SAVED))).toEqual(["No change."]);
  });
});

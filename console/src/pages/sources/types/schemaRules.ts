/** What the API refuses in a schema, found before it is saved. The API judges again. */

import { count, number } from "../../../formats";
import type { Limits } from "../requests";
import { digits } from "./exactJson";
import { type Bounds, type Kind, kindName } from "./kinds";
import {
  type Definition,
  enumOf,
  type FieldForm,
  type SchemaDocument,
  type SchemaForm,
  text,
  toSchema,
} from "./schemaForm";

/** Problems by place: `title`, `fields`, or a field's key with a part of it, such as `field-1.maxLength`. */
export type Problems = ReadonlyMap<string, string>;

const LONGEST_ENUM_VALUE = 100;
const LARGEST_SCHEMA = 64 * 1024;

const BOUND_LABELS: Readonly<Record<string, string>> = {
  minLength: "Shortest",
  maxLength: "Longest",
  minimum: "Smallest",
  maximum: "Largest",
  minItems: "Fewest entries",
  maxItems: "Most entries",
};

export function boundLabel(keyword: string): string {
  return BOUND_LABELS[keyword] ?? keyword;
}

/** Why a part of a saved field cannot be changed; the parts that are missing can. */
export interface Locks {
  readonly name?: string;
  readonly kind?: string;
  readonly required?: string;
  readonly remove?: string;
}

/** What a new version must leave as it is. A type that was never saved has no locks. */
export function locksOf(field: FieldForm, saved: SchemaDocument | undefined): Locks {
  if (!saved) return {};
  const before = savedDefinition(field, saved);
  const locked =
    !field.isNew && saved.required?.includes(field.name)
      ? {}
      : { required: "It cannot become required: earlier events may lack it." };
  if (!before) return locked;
  return {
    ...locked,
    name: "The name stays: stored events and views use it.",
    kind: "The kind stays. Add a field with another name instead.",
    remove: "A field cannot be removed, because stored events may have it. Make it optional instead.",
  };
}

/** The definition of a field in the saved version; undefined for a new field. */
export function savedDefinition(field: FieldForm, saved: SchemaDocument | undefined): Definition | undefined {
  const properties = saved?.properties ?? {};
  if (field.isNew) return undefined;
  return Object.hasOwn(properties, field.name) ? properties[field.name] : undefined;
}

export function problemsOf(
  form: SchemaForm,
  saved: SchemaDocument | undefined,
  limits: Limits,
  kinds: readonly Kind[],
): Problems {
  const problems = new Map<string, string>();
  const length = (place: string, value: string, what: string, least: number, most: number) => {
    const blank = least > 0 && !value.trim();
    if (blank) problems.set(place, `Enter ${what}.`);
    else if (value.length > most)
      problems.set(place, `Use at most ${count(most, "character")}; now there are ${value.length}.`);
  };
  length("title", form.title, "a name", limits.minSchemaNameCharacters, limits.maxSchemaNameCharacters);
  length("description", form.description, "a description", 0, limits.maxSchemaDescriptionCharacters);
  if (form.fields.length > limits.maxNumberOfFieldsPerSchema) {
    problems.set("fields", `An event type has at most ${limits.maxNumberOfFieldsPerSchema} fields.`);
  }
  const size = JSON.stringify(toSchema(form)).length;
  if (size > LARGEST_SCHEMA) {
    problems.set("fields", `The schema has ${number(size)} characters. At most ${number(LARGEST_SCHEMA)} are allowed.`);
  }
  const names = form.fields.map((field) => field.name);
  for (const field of form.fields) {
    const at = (part: string) => `${field.key}.${part}`;
    const { definition } = field;
    length(at("name"), field.name, "a name", limits.minFieldNameCharacters, limits.maxFieldNameCharacters);
    if (names.indexOf(field.name) !== names.lastIndexOf(field.name)) {
      problems.set(at("name"), "Another field has this name.");
    }
    if ("title" in definition) {
      length(
        at("title"),
        text(definition, "title"),
        "a title, or remove it",
        limits.minFieldTitleCharacters,
        limits.maxFieldTitleCharacters,
      );
    }
    length(
      at("description"),
      text(definition, "description"),
      "a description",
      0,
      limits.maxFieldDescriptionCharacters,
    );
    const kind = kinds.find((one) => one.name === kindName(definition));
    if (!kind) {
      problems.set(at("kind"), "Choose a kind.");
      continue;
    }
    boundProblems(problems, at, definition, kind.bounds);
    boundProblems(problems, (part) => at(`items.${part}`), (definition["items"] ?? {}) as Definition, kind.itemBounds);
    if (kind.name === "enum") enumProblem(problems, at("enum"), definition, savedDefinition(field, saved));
    if (locksOf(field, saved).required && field.required) {
      problems.set(at("required"), "It cannot become required: earlier events may lack it.");
    }
  }
  return problems;
}

function boundProblems(
  problems: Map<string, string>,
  at: (part: string) => string,
  definition: Definition,
  allowed: Readonly<Record<string, Bounds>>,
): void {
  for (const [keyword, { min, max }] of Object.entries(allowed)) {
    const value = definition[keyword];
    if (value === undefined) continue;
    const whole = keyword !== "minimum" && keyword !== "maximum";
    const entered = digits(value);
    const size = Number(entered);
    if (entered === undefined || (whole && !Number.isInteger(size)) || size < min || size > max) {
      const range = Number.isSafeInteger(max) ? ` from ${number(min)} to ${number(max)}` : " of up to 38 digits";
      problems.set(at(keyword), `Enter a ${whole ? "whole number" : "number"}${range}.`);
    }
  }
  for (const [low, high] of [
    ["minLength", "maxLength"],
    ["minimum", "maximum"],
    ["minItems", "maxItems"],
  ] as const) {
    const [lower, upper] = [digits(definition[low]), digits(definition[high])];
    if (lower !== undefined && upper !== undefined && Number(lower) > Number(upper) && !problems.has(at(high))) {
      problems.set(at(high), `${boundLabel(high)} must not be less than ${boundLabel(low).toLowerCase()}.`);
    }
  }
}

function enumProblem(
  problems: Map<string, string>,
  place: string,
  definition: Definition,
  before: Definition | undefined,
): void {
  const values = enumOf(definition);
  const lost = before ? enumOf(before).filter((value) => !values.includes(value)) : [];
  if (values.length === 0) problems.set(place, "Enter at least one value.");
  else if (new Set(values).size < values.length) problems.set(place, "Each value may stand once.");
  else if (values.some((value) => !value || value.length > LONGEST_ENUM_VALUE)) {
    problems.set(place, `Each value has 1 to ${LONGEST_ENUM_VALUE} characters.`);
  } else if (lost.length > 0) problems.set(place, `Values cannot be removed: ${lost.join(", ")}.`);
}

/** The place of a problem that the API reports, for example `properties.city.maxLength`. */
export function placeOf(fieldName: string, form: SchemaForm): string {
  const name = fieldName.replace(/^jsonSchema\./, "");
  if (!name.startsWith("properties.")) return name === "properties" || name === "required" ? "fields" : name;
  const rest = name.slice("properties.".length);
  // Names of fields can contain dots: the longest name that fits is the field's.
  const [field] = form.fields
    .filter((one) => rest === one.name || rest.startsWith(`${one.name}.`))
    .sort((one, other) => other.name.length - one.name.length);
  if (!field) return "fields";
  const part = rest.slice(field.name.length + 1);
  return `${field.key}.${part === "" ? "name" : part === "type" || part === "allOf" ? "kind" : part}`;
}

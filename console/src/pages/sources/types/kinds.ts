/** The kinds of attributes: the platform's core types, and the types of plain JSON Schema. */

import type { CoreType } from "../requests";
import type { Definition } from "./schemaForm";

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

export interface Kind {
  readonly name: string;
  readonly label: string;
  readonly about: string;
  /** The bounds that a field of this kind can set, and the limits of each. */
  readonly bounds: Readonly<Record<string, Bounds>>;
  readonly itemBounds: Readonly<Record<string, Bounds>>;
  readonly definition: Definition;
}

const REFERENCE = "#/definitions/";
const LONGEST_STRING = 300 * 1024;
const LONGEST_LIST = 1000;

const LABELS: Readonly<Record<string, string>> = {
  text: "Text",
  longtext: "Long text",
  url: "Web address",
  identifier: "Identifier",
  enum: "One of a list",
  integer: "Whole number",
  number: "Number",
  boolean: "Yes or no",
  checkbox: "Yes or no (checkbox)",
  date: "Date",
  datetime: "Date and time",
  tag: "List of texts",
};

const lengths = (most: number) => ({ minLength: { min: 0, max: most }, maxLength: { min: 1, max: most } });

/** Types of plain JSON Schema that differ from every core type. The API does not list them. */
const PLAIN: readonly Kind[] = [
  {
    name: "plain string",
    label: "Text of any length",
    about: "A string of plain JSON Schema.",
    bounds: lengths(LONGEST_STRING),
    itemBounds: {},
    definition: { type: "string" },
  },
  {
    name: "plain array",
    label: "Long list of texts",
    about: "A list of strings of plain JSON Schema.",
    bounds: { minItems: { min: 0, max: LONGEST_LIST }, maxItems: { min: 1, max: LONGEST_LIST } },
    itemBounds: lengths(LONGEST_STRING),
    definition: { type: "array", items: { type: "string" } },
  },
];

/** Every kind that a field can have. */
export function kindsOf(coreTypes: readonly CoreType[]): readonly Kind[] {
  return [...coreTypes.map(coreKind), ...PLAIN];
}

function coreKind(core: CoreType): Kind {
  const name = core.name ?? "";
  const reference = { allOf: [{ $ref: REFERENCE + name }] };
  return {
    name,
    label: LABELS[name] ?? name,
    about: core.schema?.description ?? "",
    bounds: (core.validationLimits ?? {}) as Readonly<Record<string, Bounds>>,
    itemBounds: (core.itemValidationLimits ?? {}) as Readonly<Record<string, Bounds>>,
    definition: name === "enum" ? { ...reference, enum: [] } : reference,
  };
}

/** The name of a field's kind. A plain type that equals a core type has that name. */
export function kindName(definition: Definition): string {
  const reference = (definition["allOf"] as readonly { $ref?: unknown }[] | undefined)?.[0]?.$ref;
  if (typeof reference === "string") return reference.replace(REFERENCE, "");
  const type = definition["type"];
  if (Array.isArray(definition["enum"])) return "enum";
  if (type === "string" || type === "array") return `plain ${type}`;
  return typeof type === "string" ? type : "";
}

/** The definition of a field that gets another kind: its title and description stay. */
export function ofKind(definition: Definition, kind: Kind): Definition {
  const kept = ["title", "description"].filter((keyword) => keyword in definition);
  return { ...kind.definition, ...Object.fromEntries(kept.map((keyword) => [keyword, definition[keyword]])) };
}

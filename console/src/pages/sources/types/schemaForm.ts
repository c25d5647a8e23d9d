/**
 * The form of a schema: its fields as a list that can be edited.
 *
 * A field keeps the whole definition that the API returned, and an edit replaces one keyword of it. So a schema that
 * is not edited stays as it is, also where it holds keywords that the form does not show.
 */

import { digits, exactNumber } from "./exactJson";

export type Definition = Readonly<Record<string, unknown>>;

export interface SchemaDocument {
  readonly title: string;
  readonly description?: string | null;
  readonly properties?: Readonly<Record<string, Definition>> | null;
  readonly required?: readonly string[] | null;
  readonly [keyword: string]: unknown;
}

export interface FieldForm {
  /** Identifies the field while its name is edited. */
  readonly key: string;
  readonly name: string;
  readonly required: boolean;
  readonly definition: Definition;
  /** The field was added to the form: no version has it, also if its name is that of another field for a moment. */
  readonly isNew: boolean;
}

export interface SchemaForm {
  /** The document that the form began with. */
  readonly document: SchemaDocument;
  readonly title: string;
  readonly description: string;
  readonly fields: readonly FieldForm[];
}

export const NEW_DOCUMENT: SchemaDocument = { title: "", properties: {} };

export function toForm(document: SchemaDocument): SchemaForm {
  const required = new Set(document.required ?? []);
  return {
    document,
    title: document.title,
    description: document.description ?? "",
    fields: Object.entries(document.properties ?? {}).map(([name, definition], index) => ({
      key: `field-${index}`,
      name,
      required: required.has(name),
      definition,
      isNew: false,
    })),
  };
}

export function toSchema(form: SchemaForm): SchemaDocument {
  const { document, title, description, fields } = form;
  const keywords = new Map<string, unknown>(Object.entries(document));
  keywords.set("title", title);
  if (description !== (document.description ?? "")) keywords.set("description", description);
  if (fields.length > 0 || document.properties) {
    keywords.set("properties", Object.fromEntries(fields.map((field) => [field.name, field.definition])));
  }
  const names = fields.filter((field) => field.required).map((field) => field.name);
  const before = document.required ?? [];
  const required = [
    ...before.filter((name) => names.includes(name)),
    ...names.filter((name) => !before.includes(name)),
  ];
  if (required.length > 0 || document.required) keywords.set("required", required);
  return Object.fromEntries(keywords) as SchemaDocument;
}

/** Whether two documents are the same, apart from the order of their keywords. */
export function isSame(one: SchemaDocument, other: SchemaDocument): boolean {
  return sorted(one) === sorted(other);
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part && typeof part === "object" && !Array.isArray(part) && digits(part) === undefined
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}

// -- keywords ----------------------------------------------------------------------------------------------------------

/** The definition with one keyword replaced; undefined removes it. */
export function withKeyword(definition: Definition, keyword: string, value: unknown): Definition {
  const keywords = new Map(Object.entries(definition));
  if (value === undefined) keywords.delete(keyword);
  else keywords.set(keyword, value);
  return Object.fromEntries(keywords);
}

/** The definition with a bound of the texts in a list replaced. */
export function withItemKeyword(definition: Definition, keyword: string, value: unknown): Definition {
  const items = { type: "string", ...(definition["items"] as Definition | undefined) };
  return withKeyword(definition, "items", withKeyword(items, keyword, value));
}

export function text(definition: Definition, keyword: string): string {
  const value = definition[keyword];
  return typeof value === "string" ? value : "";
}

export function enumOf(definition: Definition): readonly string[] {
  const values = definition["enum"];
  return Array.isArray(values) ? values.map(String) : [];
}

/** What the reader entered as a bound: a number, or the text as it is if it is none. */
export function boundFromText(entered: string): unknown {
  const trimmed = entered.trim();
  if (!trimmed) return undefined;
  return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(trimmed) ? exactNumber(trimmed) : trimmed;
}

export function boundText(value: unknown): string {
  return digits(value) ?? (typeof value === "string" ? value : "");
}

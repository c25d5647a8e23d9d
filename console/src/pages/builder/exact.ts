/** JSON whose numbers keep all their digits. Numbers of the API have up to 38; those of JavaScript about 16. */

/** A number that JavaScript cannot hold exactly, as `JSON.rawJSON` makes it: `JSON.stringify` writes its text. */
export interface ExactNumber {
  readonly rawJSON: string;
}

export type JsonNumber = number | ExactNumber;

/** What the browser's JSON can do beyond what TypeScript knows. Browsers without it keep 16 digits. */
interface ExactJson {
  parse(text: string, revive: (key: string, value: unknown, context?: { source?: string }) => unknown): unknown;
  rawJSON?: (text: string) => ExactNumber;
}

const json = JSON as unknown as ExactJson;

export function parseExactly(text: string): unknown {
  return json.parse(text, (_key, value, context) =>
    typeof value === "number" && context?.source !== undefined ? jsonNumber(context.source) : value,
  );
}

/** The number that a text of JSON's form stands for. */
export function jsonNumber(text: string): JsonNumber {
  const value = Number(text);
  return String(value) === text || !json.rawJSON ? value : json.rawJSON(text);
}

export function numberText(value: JsonNumber): string {
  return typeof value === "number" ? String(value) : value.rawJSON;
}

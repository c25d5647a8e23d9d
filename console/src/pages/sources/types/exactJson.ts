/**
 * JSON whose numbers keep their digits.
 *
 * Bounds of a schema have up to 38 digits, and a double holds 15. A number that a double would change is kept as the
 * browser's raw JSON, which `JSON.stringify` writes as it was read.
 */

interface RawJson {
  readonly rawJSON: string;
}

const { rawJSON, isRawJSON } = JSON as unknown as {
  rawJSON?: (text: string) => RawJson;
  isRawJSON?: (value: unknown) => value is RawJson;
};

/** A number of JSON: a double where that is exact, and raw JSON otherwise. */
export function exactNumber(text: string): number | RawJson {
  const value = Number(text);
  return String(value) === text || !rawJSON ? value : rawJSON(text);
}

export function parseExactly(text: string): unknown {
  const parse = JSON.parse as (
    text: string,
    reviver: (key: string, value: unknown, context?: { source: string }) => unknown,
  ) => unknown;
  return parse(text, (_, value, context) =>
    typeof value === "number" && context ? exactNumber(context.source) : value,
  );
}

/** The digits of a number of JSON; undefined if the value is none. */
export function digits(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return isRawJSON?.(value) ? value.rawJSON : undefined;
}

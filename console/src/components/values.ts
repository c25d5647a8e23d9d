/** The kinds of JSON values, and JSON text with indentation. */

const DATE = /^\d{4}-\d\d-\d\d$/;
const DATE_AND_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;

/** What kind of value this is, in the words of the schema editor. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "no value";
  if (Array.isArray(value)) return "list";
  switch (typeof value) {
    case "boolean":
      return "boolean";
    case "number":
      return Number.isInteger(value) ? "integer" : "number";
    case "string":
      return DATE_AND_TIME.test(value) ? "date and time" : DATE.test(value) ? "date" : "text";
    default:
      return "object";
  }
}

/** A scalar as text. Numbers keep the form in which they are stored: they can be identifiers. */
export function scalarText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

/** One line that tells what a value is, for lists. */
export function inOneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  if (typeof value === "object" && value !== null) return `{${Object.keys(value).length}}`;
  return scalarText(value);
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * JSON text with indentation, or undefined if the text is no JSON.
 *
 * The text is never parsed and written again: that would round numbers of many digits, and drop repeated names.
 */
export function indented(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  let depth = 0;
  const tokens = text.match(TOKEN) ?? [];
  const line = () => `\n${"  ".repeat(depth)}`;
  const written = tokens.map((token, index) => {
    switch (token) {
      case "{":
      case "[":
        if (isClosing(tokens[index + 1])) return token;
        depth += 1;
        return token + line();
      case "}":
      case "]":
        if (isOpening(tokens[index - 1])) return token;
        depth -= 1;
        return line() + token;
      case ",":
        return token + line();
      case ":":
        return ": ";
      default:
        return token;
    }
  });
  return written.join("");
}

function isOpening(token: string | undefined): boolean {
  return token === "{" || token === "[";
}

function isClosing(token: string | undefined): boolean {
  return token === "}" || token === "]";
}

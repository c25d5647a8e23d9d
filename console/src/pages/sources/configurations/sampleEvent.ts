/** An example event of an event type, and the command that sends it. */

import { digits } from "../types/exactJson";
import { kindName } from "../types/kinds";
import { type Definition, enumOf, type SchemaDocument } from "../types/schemaForm";

/** An event that the event type accepts, with every field. */
export function sampleEvent(document: SchemaDocument, now: Date): Readonly<Record<string, unknown>> {
  const date = now.toISOString().replace(/\.\d+Z$/, "Z");
  return {
    id: `example-${now.getTime()}`,
    dateCreated: date,
    identifiers: { externalIds: [{ externalSourceId: "crm", value: "customer-42" }] },
    attributes: Object.fromEntries(
      Object.entries(document.properties ?? {}).map(([name, definition]) => [name, sampleValue(definition, date)]),
    ),
  };
}

function sampleValue(definition: Definition, date: string): unknown {
  switch (kindName(definition)) {
    case "enum":
      return enumOf(definition)[0];
    case "integer":
    case "number":
      return sampleNumber(definition);
    case "boolean":
    case "checkbox":
      return true;
    case "date":
      return date.slice(0, 10);
    case "datetime":
      return date;
    case "url":
      return sized("https://example.com/", definition);
    case "tag":
    case "plain array": {
      const items = (definition["items"] ?? {}) as Definition;
      const entries = Math.max(1, Number(digits(definition["minItems"]) ?? 1));
      return Array.from({ length: entries }, (_, index) => sized(`example-${index + 1}`, items));
    }
    default:
      return sized("example", definition);
  }
}

function sampleNumber(definition: Definition): unknown {
  const [minimum, maximum] = [definition["minimum"], definition["maximum"]];
  if (minimum !== undefined && Number(digits(minimum)) > 1) return whole(minimum, definition);
  return maximum !== undefined && Number(digits(maximum)) < 1 ? whole(maximum, definition, Math.floor) : 1;
}

/** A bound as an example; of a whole number the nearest one within. */
function whole(bound: unknown, definition: Definition, round = Math.ceil): unknown {
  return kindName(definition) === "integer" && typeof bound === "number" ? round(bound) : bound;
}

/** A text of an allowed length. */
function sized(text: string, definition: Definition): string {
  const least = Number(digits(definition["minLength"]) ?? 0);
  const most = Number(digits(definition["maxLength"]) ?? 100);
  return text.padEnd(least, "x").slice(0, Math.max(most, least));
}

/** The command that sends an event, for a shell. The token is read from the environment, so it is in no history. */
export function curlCommand(url: string, event: unknown): string {
  const body = JSON.stringify({ entities: [event] }, null, 2);
  return [
    `curl -X POST ${quoted(url)}`,
    `-H "Authorization: Bearer $TOKEN"`,
    `-H ${quoted("Content-Type: application/json")}`,
    `-d ${quoted(body)}`,
  ].join(" \\\n  ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

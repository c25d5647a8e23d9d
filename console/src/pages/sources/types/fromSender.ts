/** An event type that fits the deliveries of a sender: a field for each attribute of its preset. */

import type { Sender } from "../requests";
import type { Definition, SchemaDocument } from "./schemaForm";

export function typeForSender(sender: Sender): SchemaDocument {
  const expressions = (sender.mapping["attributes"] ?? {}) as Readonly<Record<string, string>>;
  return {
    title: `${sender.title} event`.slice(0, 100),
    description: sender.sends,
    properties: Object.fromEntries(
      sender.attributes.map((name) => [name, definitionOf(name, expressions[name] ?? "")]),
    ),
  };
}

/** Attributes that presets take over as they are, and that are no text. */
const NUMBERS = ["amount", "amountRefunded"];
const WHOLE_NUMBERS = ["number", "items"];
const TRUTHS = ["paid", "livemode", "merged", "removed", "test"];

/** What is neither known by its name nor told by its expression is a text of any length. */
function definitionOf(name: string, expression: string): Definition {
  if (expression.startsWith("to_number(") || NUMBERS.includes(name)) return { type: "number" };
  if (WHOLE_NUMBERS.includes(name)) return { type: "integer" };
  return { type: TRUTHS.includes(name) ? "boolean" : "string" };
}

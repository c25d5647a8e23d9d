/** What a version of an event type changed, in sentences. */

import { digits } from "./exactJson";
import { kindName } from "./kinds";
import { type Definition, enumOf, type SchemaDocument } from "./schemaForm";
import { boundLabel } from "./schemaRules";

interface Version {
  readonly enabled: boolean;
  readonly jsonSchema: SchemaDocument;
}

const BOUNDS = ["minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"];

export function changesBetween(before: Version | undefined, after: Version): readonly string[] {
  const fields = Object.entries(after.jsonSchema.properties ?? {});
  if (!before) return [`Created with ${fields.length === 1 ? "1 field" : `${fields.length} fields`}.`];
  const [old, now] = [before.jsonSchema, after.jsonSchema];
  const changes: string[] = [];
  if (before.enabled !== after.enabled) changes.push(after.enabled ? "Enabled." : "Disabled.");
  if (old.title !== now.title) changes.push(`Renamed from “${old.title}” to “${now.title}”.`);
  if ((old.description ?? "") !== (now.description ?? "")) changes.push("Description changed.");
  for (const [name, definition] of fields) {
    const earlier = Object.hasOwn(old.properties ?? {}, name) ? old.properties?.[name] : undefined;
    if (!earlier) changes.push(`Field “${name}” added (${kindName(definition)}).`);
    else changes.push(...fieldChanges(name, earlier, definition));
  }
  for (const name of old.required ?? []) {
    if (!now.required?.includes(name)) changes.push(`Field “${name}” became optional.`);
  }
  return changes.length > 0 ? changes : ["No change."];
}

function fieldChanges(name: string, before: Definition, after: Definition): string[] {
  const changes = BOUNDS.flatMap((keyword) => [
    ...boundChange(`${boundLabel(keyword)} of “${name}”`, before[keyword], after[keyword]),
    ...boundChange(
      `${boundLabel(keyword)} of the entries of “${name}”`,
      (before["items"] as Definition | undefined)?.[keyword],
      (after["items"] as Definition | undefined)?.[keyword],
    ),
  ]);
  const added = enumOf(after).filter((value) => !enumOf(before).includes(value));
  if (added.length > 0) changes.push(`Values of “${name}” added: ${added.join(", ")}.`);
  if (before["title"] !== after["title"] || before["description"] !== after["description"]) {
    changes.push(`Words about “${name}” changed.`);
  }
  return changes;
}

function boundChange(what: string, before: unknown, after: unknown): string[] {
  const [from, to] = [digits(before), digits(after)];
  if (from === to) return [];
  return [`${what}: ${from ?? "not set"} → ${to ?? "not set"}.`];
}

/** Event definitions as the builder needs them: where their events come from, and which attributes they have. */

import type { Model } from "../../api/client";
import type { Option } from "../../components/forms";
import { CONTACT_CENTER, EXTERNAL } from "../../components/native";
import { byName } from "../../formats";

/** How an attribute is filtered. Dates, times and lists cannot be filtered. */
export type Kind = "text" | "enum" | "boolean" | "number" | "integer" | "none";

export interface Attribute {
  readonly name: string;
  readonly title: string;
  readonly kind: Kind;
  /** The values of an enum. */
  readonly values: readonly string[];
}

export interface EventDefinition {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly native: boolean;
  /** The events of the last days; undefined where the reader may not see them. */
  readonly recent: number | undefined;
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export type EventDefinitions = ReadonlyMap<string, EventDefinition>;

/** The event definitions as options, those of the contact center in a group of their own. */
export function eventOptions(events: EventDefinitions): Option[] {
  const all = [...events.values()];
  const mixed = all.some(({ native }) => native);
  return all
    .map(({ id, name, native }) => ({
      value: id,
      label: name,
      group: mixed ? (native ? CONTACT_CENTER : EXTERNAL) : undefined,
    }))
    .sort((one, other) => Number(one.group === CONTACT_CENTER) - Number(other.group === CONTACT_CENTER));
}

export function eventDefinitions(
  listing: readonly Model<"JourneyEventDefinition">[],
  activity?: Model<"Activity">,
): EventDefinitions {
  const recent = activity && recentEvents(activity);
  return new Map(
    listing.flatMap((one) => {
      const { id } = one;
      // The contact center's events are counted together, not by type.
      const counted = recent && one.source !== "Native" ? (recent.get(id ?? "") ?? 0) : undefined;
      return id === undefined ? [] : [[id, eventDefinition(id, one, counted)]];
    }),
  );
}

/** The events of the last days, by event type. */
function recentEvents({ entities, configurations }: Model<"Activity">): Map<string, number> {
  const types = new Map(configurations.map(({ id, schemaId }) => [id, schemaId]));
  const counts = new Map<string, number>();
  for (const { configurationId, eventCount } of entities.flatMap(({ sources }) => sources)) {
    const type = types.get(configurationId);
    if (type !== undefined) counts.set(type, (counts.get(type) ?? 0) + eventCount);
  }
  return counts;
}

function eventDefinition(
  id: string,
  one: Model<"JourneyEventDefinition">,
  recent: number | undefined,
): EventDefinition {
  const attributes = Object.entries(one.jsonSchema?.properties ?? {}).map(([name, field]) => attribute(name, field));
  return {
    id,
    name: one.displayName ?? one.name ?? id,
    description: one.description ?? "",
    native: one.source === "Native",
    recent,
    attributes: new Map(
      attributes.sort((first, second) => byName(first.title, second.title)).map((found) => [found.name, found]),
    ),
  };
}

interface SchemaField {
  readonly type?: unknown;
  readonly title?: unknown;
  readonly enum?: unknown;
  readonly allOf?: readonly { readonly $ref?: string }[];
}

const KINDS: Readonly<Record<string, Kind>> = {
  string: "text",
  text: "text",
  longtext: "text",
  url: "text",
  identifier: "text",
  enum: "enum",
  integer: "integer",
  number: "number",
  boolean: "boolean",
  checkbox: "boolean",
};

function attribute(name: string, definition: unknown): Attribute {
  const field = (definition ?? {}) as SchemaField;
  const values = Array.isArray(field.enum) ? field.enum.map(String) : [];
  const core = field.allOf?.[0]?.$ref?.replace("#/definitions/", "");
  const type = core ?? (typeof field.type === "string" ? field.type : "");
  const kind = values.length > 0 ? "enum" : (KINDS[type] ?? "none");
  return { name, title: typeof field.title === "string" ? field.title : name, kind, values };
}

const CONVERSATION = "conversationId";

/** The attributes that a link between these events can join by: native events have a conversation in common. */
export function joinable(from: EventDefinition | undefined, to: EventDefinition | undefined): string[] {
  return from?.native && to?.native ? [CONVERSATION] : [];
}

/** An attribute that a link joins by, in words. */
export function joinTitle(name: string): string {
  return name === CONVERSATION ? "conversation" : name;
}

/** The attributes that can be filtered and grouped by. */
export function filterable(definition: EventDefinition | undefined): Attribute[] {
  return [...(definition?.attributes.values() ?? [])].filter(({ kind }) => kind !== "none");
}

export function isNumeric(attribute: Attribute | undefined): boolean {
  return attribute?.kind === "number" || attribute?.kind === "integer";
}

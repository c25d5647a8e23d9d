/** The form of an endpoint's own mapping, which replaces parts of the sender's preset. */

export type Mapping = Readonly<Record<string, unknown>>;

export const EXPRESSION_PARTS = ["id", "dateCreated", "customer", "externalSourceId", "events"] as const;
export const TEXT_PARTS = ["dateFormat", "timeZone"] as const;
export type Part = (typeof EXPRESSION_PARTS)[number] | (typeof TEXT_PARTS)[number];

export interface AttributeForm {
  readonly name: string;
  /** The own expression; undefined leaves the attribute to the preset. */
  readonly expression: string | undefined;
  /** The attribute of the preset is left out. */
  readonly leftOut: boolean;
}

export interface IdentifierForm {
  readonly externalSourceId: string;
  readonly value: string;
}

export interface MappingForm {
  /** The mapping that the form began with. */
  readonly mapping: Mapping;
  /** The own expressions and texts of parts; a part that is missing is the preset's. */
  readonly parts: Readonly<Partial<Record<Part, string>>>;
  readonly externalIds: readonly IdentifierForm[];
  readonly attributes: readonly AttributeForm[];
}

export function toMappingForm(mapping: Mapping): MappingForm {
  const parts = [...EXPRESSION_PARTS, ...TEXT_PARTS].flatMap((part) => {
    const value = mapping[part];
    return typeof value === "string" ? [[part, value] as const] : [];
  });
  const attributes = (mapping["attributes"] ?? {}) as Readonly<Record<string, string | null>>;
  return {
    mapping,
    parts: Object.fromEntries(parts),
    externalIds: (mapping["externalIds"] ?? []) as readonly IdentifierForm[],
    attributes: Object.entries(attributes).map(([name, expression]) => ({
      name,
      expression: expression ?? undefined,
      leftOut: expression === null,
    })),
  };
}

export function toMapping({ mapping, parts, externalIds, attributes }: MappingForm): Mapping {
  const own = new Map<string, unknown>(Object.entries(mapping));
  for (const part of [...EXPRESSION_PARTS, ...TEXT_PARTS]) {
    const value = parts[part];
    if (value !== undefined) own.set(part, value);
    else if (typeof own.get(part) === "string") own.delete(part);
  }
  if (externalIds.length > 0 || own.has("externalIds")) own.set("externalIds", externalIds);
  const named = attributes
    .filter((attribute) => attribute.leftOut || attribute.expression !== undefined)
    .map(({ name, expression, leftOut }) => [name, leftOut ? null : expression] as const);
  if (named.length > 0 || own.has("attributes")) own.set("attributes", Object.fromEntries(named));
  return Object.fromEntries(own);
}

export interface PartWords {
  readonly label: string;
  readonly about: string;
}

export const PART_WORDS: Readonly<Record<Part, PartWords>> = {
  id: { label: "Id of the event", about: "The same delivery must give the same id, so that it is stored once." },
  dateCreated: { label: "Date of the event", about: "When it happened. received() is the time of the delivery." },
  customer: {
    label: "Customer",
    about: "The identifier that names the journey. With an own expression, every payload must have it.",
  },
  externalSourceId: {
    label: "Source of the customer’s identifier",
    about: "For example 'crm', in quotes: the same source for the same identifiers in all tools.",
  },
  events: { label: "List of events", about: "For payloads that hold several events: the list of them." },
  dateFormat: { label: "Format of dates", about: "iso, unix (seconds), unix_ms, or a pattern such as %d.%m.%Y %H:%M." },
  timeZone: { label: "Time zone of dates without one", about: "For example Europe/Berlin." },
};

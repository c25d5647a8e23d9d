/** Names of fields as the API's problems write them. */

/** The attribute that a field name such as `attributes.amount` names; undefined for other fields of an event. */
export function attributeOf(field: string | undefined): string | undefined {
  return /^attributes[./](.+)$/.exec(field ?? "")?.[1];
}

/** The field of an event itself that a field name lies in: `identifiers` for `identifiers.externalIds[0].value`. */
export function ownFieldOf(field: string | undefined): string | undefined {
  return attributeOf(field) === undefined ? /^[^.[]+/.exec(field ?? "")?.[0] : undefined;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

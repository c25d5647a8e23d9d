/** Problems that the API reports, at the field that its details name. */

import { ApiProblem } from "../../api/problem";

/** Sentences for the codes that details can have. The error's own message tells more where there is one detail. */
const SENTENCES: Readonly<Record<string, string>> = {
  "unknown.attribute": "The event type has no such field.",
  "invalid.expression": "This is not a valid expression.",
  "expression.too.long": "The expression is too long.",
  "invalid.part": "This value is not allowed here.",
  "missing.option": "Enter this option.",
  "invalid.option": "This value is not allowed.",
  "invalid.secret": "This cannot be the secret.",
  "field.removed": "A field cannot be removed.",
  "field.kind.changed": "The kind of a field cannot change.",
  "field.became.required": "The field cannot become required.",
  "enum.value.removed": "Values cannot be removed.",
  "unknown.type": "The kind is not known.",
  "unknown.keyword": "The schema has a keyword that is not supported.",
  "not.found": "It does not exist any more.",
};

/** The problems of an error by field, with the sentence to show there. */
export function fieldProblems(
  error: unknown,
  place: (fieldName: string) => string = (name) => name,
): Map<string, string> {
  const problems = new Map<string, string>();
  if (!(error instanceof ApiProblem)) return problems;
  const only = error.details.length === 1;
  for (const { field, code } of error.details) {
    if (field)
      problems.set(place(field), only ? error.message : (SENTENCES[code] ?? `The API refuses this value (${code}).`));
  }
  return problems;
}

/** The texts of parts of an API's error message that name several things, such as endpoints. */
export function isConflict(error: unknown, code: string): error is ApiProblem {
  return error instanceof ApiProblem && error.status === 409 && error.code === code;
}

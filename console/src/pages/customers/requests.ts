/** The requests about customers: journeys, the persons behind identifiers, links, and which sources may link. */

import { api, call, type Model } from "../../api/client";
import { cursorPage } from "../../api/pages";
import type { Page } from "../../api/loading";
import type { Identifier, Pair } from "./person";

export type Journey = Model<"CustomerJourney">;
export type Step = Model<"CustomerEvent">;
export type IdentifierSummary = Model<"IdentifierSummary">;
export type PersonLink = Model<"CustomerLink">;
export type Person = Model<"CustomerIdentifiers">;

/** `identifier` leaves out the other identifiers of the person. */
export type Scope = "person" | "identifier";

const PAGE_SIZE = 100;

export function getJourney({ externalSourceId, value }: Identifier, scope: Scope, signal: AbortSignal) {
  return call(api.GET("/api/v2/journey/customers", { params: { query: { externalSourceId, value, scope } }, signal }));
}

export interface StepFilter {
  readonly eventName: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly order: "asc" | "desc";
}

export async function listSteps(
  { externalSourceId, value }: Identifier,
  scope: Scope,
  { eventName, from, to, order }: StepFilter,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<Page<Step>> {
  const query = {
    externalSourceId,
    value,
    scope,
    order,
    pageSize: PAGE_SIZE,
    ...(eventName && { eventName }),
    ...(from && { from }),
    ...(to && { to }),
    ...(cursor && { cursor }),
  };
  return cursorPage(await call(api.GET("/api/v2/journey/customers/events", { params: { query }, signal })));
}

/** The person behind an identifier. One that nothing links is a person of its own. */
export function getPerson({ externalSourceId, value }: Identifier, signal: AbortSignal): Promise<Person> {
  return call(
    api.GET("/api/v2/journey/customers/identifiers", { params: { query: { externalSourceId, value } }, signal }),
  );
}

export async function searchIdentifiers(value: string, signal: AbortSignal): Promise<readonly IdentifierSummary[]> {
  return (await call(api.GET("/api/v2/journey/customers/search", { params: { query: { value } }, signal }))).entities;
}

export function link(pair: Pair): Promise<Person> {
  return call(api.POST("/api/v2/journey/customers/links", { body: bodyOf(pair) }));
}

/** Unlinks pairs one after the other, so that a failure leaves the rest as it is. All can be repeated. */
export async function unlink(pairs: readonly Pair[]): Promise<void> {
  for (const pair of pairs) await call(api.POST("/api/v2/journey/customers/unlinks", { body: bodyOf(pair) }));
}

function bodyOf({ from, to }: Pair) {
  const only = ({ externalSourceId, value }: Identifier) => ({ externalSourceId, value });
  return { from: only(from), to: only(to) };
}

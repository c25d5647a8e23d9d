/** The API calls of what a reader asks beyond the figures: who, and compared with what. */

import { api, call, type Model } from "../../api/client";
import type { Page } from "../../api/loading";
import { type Who, whoParameters } from "../../journey/who";
import { address } from "../../routing";
import type { Comparison } from "./comparison";
import { allPages, type Job } from "./requests";

/** Customers that a page of a list has. */
const CUSTOMERS = 50;

/** A customer: the identifier by which the customer is found, and all that are linked with it, that one first. */
export type Listed = Model<"ListedCustomer">;

/** A page of customers. `total` is the exact figure, and `listed` how many of them can be paged through. */
export interface CustomerPage extends Page<Listed> {
  readonly total: number;
  readonly listed: number;
}

const CUSTOMERS_PATH = "/api/v2/journey/views/{viewId}/versions/{version}/jobs/{jobId}/results/customers";

export async function listCustomers(
  job: Job,
  who: Who,
  after: string | undefined,
  signal: AbortSignal,
): Promise<CustomerPage> {
  const query = { ...whoParameters(who), pageSize: CUSTOMERS, ...(after === undefined ? {} : { cursor: after }) };
  const listing = await call(api.GET(CUSTOMERS_PATH, { params: { path: pathOf(job), query }, signal }));
  const next = listing.nextUri === undefined ? undefined : parametersOf(listing.nextUri);
  return { ...listing, next: next?.get("cursor") ?? undefined };
}

/** The customers that can be listed, as one CSV file. */
export function customersTable(job: Job, who: Who): Promise<string> {
  return allPages((cursor) => {
    const query = { ...whoParameters(who), format: "csv" as const, ...cursor };
    return api.GET(CUSTOMERS_PATH, { params: { path: pathOf(job), query }, parseAs: "text" });
  });
}

/** The console's address of a customer's journey. It has the scope of the API's: a person's or an identifier's. */
export function journeyAddress({ customer: { externalSourceId, value }, selfUri }: Listed): string {
  const scope = parametersOf(selfUri).get("scope") === "identifier" ? "identifier" : undefined;
  return address(["customers"], { source: externalSourceId, value, scope });
}

/** A field of a CSV file: in quotes or not. The API's addresses need no quotes. */
const FIELD = /"(?:[^"]|"")*"|[^",\r\n]+/g;
const JOURNEY = /^https?:\/\/\S+\/api\/v2\/journey\/customers\?/;

/**
 * The file of customers for people: the last column has addresses of the console at `home`. Those of the API, which the
 * file of the API has there, need a token.
 */
export function forReaders(csv: string, home: string): string {
  return csv.replace(FIELD, (field, offset: number) => {
    const isLast = /^(\r?\n|$)/.test(csv.slice(offset + field.length, offset + field.length + 2));
    if (!isLast || !JOURNEY.test(field)) return field;
    const query = parametersOf(field);
    const customer = { externalSourceId: query.get("externalSourceId") ?? "", value: query.get("value") ?? "" };
    return `${home}${journeyAddress({ customer, identifiers: [], selfUri: field })}`;
  });
}

function parametersOf(uri: string): URLSearchParams {
  return new URLSearchParams(uri.split("?", 2)[1]);
}

function pathOf({ id, journeyView }: Job) {
  return { viewId: journeyView.id ?? "", version: journeyView.version ?? 1, jobId: id };
}

// -- comparison --------------------------------------------------------------------------------------------------------

const COMPARISON = "/api/v2/journey/views/{viewId}/versions/{version}/jobs/{jobId}/results/comparison";

export function compareResults(job: Job, otherId: string, signal: AbortSignal): Promise<Comparison> {
  return call(api.GET(COMPARISON, { params: { path: pathOf(job), query: { jobId: otherId } }, signal }));
}

/** A comparison as one CSV file. */
export function comparisonTable(job: Job, otherId: string): Promise<string> {
  return allPages((cursor) =>
    api.GET(COMPARISON, {
      params: { path: pathOf(job), query: { jobId: otherId, format: "csv", ...cursor } },
      parseAs: "text",
    }),
  );
}

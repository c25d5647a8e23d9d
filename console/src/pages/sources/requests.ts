/** The requests of the pages about sources. */

import { api, call, type Model } from "../../api/client";
import type { Page } from "../../api/loading";
import { numberedPage } from "../../api/pages";
import { parseExactly } from "./types/exactJson";
import type { SchemaDocument } from "./types/schemaForm";

export type Configuration = Model<"ExternalEventsConfiguration">;
export type Endpoint = Model<"Endpoint">;
export type EndpointDescription = Model<"EndpointDescription">;
export type EndpointWithSecret = Model<"EndpointWithSecret">;
export type Sender = Model<"SenderDescription">;
export type Delivery = Model<"Delivery">;
export type MappedEvent = Model<"MappedEvent">;
export type Limits = Model<"SchemaLimits">;
export type CoreType = Model<"Coretype">;
export type Summary = Model<"ExternalEventSummary">;

/** A version of an event type. The numbers in its document are exact, also those that a double cannot hold. */
export interface EventType {
  readonly id: string;
  readonly version: number;
  readonly enabled: boolean;
  readonly dateCreated: string;
  readonly createdBy?: { readonly id?: string; readonly name?: string };
  readonly jsonSchema: SchemaDocument;
}

/** Entities in one page of a listing that is read whole. */
const PAGE_SIZE = 100;

/** Every entity of a numbered listing. The quotas bound how many there are. */
async function everyPage<T>(load: (pageNumber: number) => Promise<Page<T>>): Promise<readonly T[]> {
  const all: T[] = [];
  for (let pageNumber = 1; ; pageNumber += 1) {
    const page = await load(pageNumber);
    all.push(...page.entities);
    if (page.next === undefined) return all;
  }
}

// -- event types -------------------------------------------------------------------------------------------------------

const SCHEMAS = "/api/v2/journey/externalevents/schemas";

async function exactly<T>(request: Promise<{ data?: unknown; error?: unknown; response: Response }>): Promise<T> {
  return parseExactly(String(await call(request))) as T;
}

export async function listTypes(signal?: AbortSignal): Promise<readonly EventType[]> {
  const listing = await exactly<{ entities: readonly EventType[] }>(
    api.GET(SCHEMAS, { parseAs: "text", ...(signal && { signal }) }),
  );
  return listing.entities;
}

export function getType(id: string, signal: AbortSignal): Promise<EventType> {
  return exactly(
    api.GET("/api/v2/journey/externalevents/schemas/{schemaId}", {
      params: { path: { schemaId: id } },
      parseAs: "text",
      signal,
    }),
  );
}

/** The versions of an event type, newest first. */
export async function listVersions(id: string, signal: AbortSignal): Promise<readonly EventType[]> {
  const listing = await exactly<{ entities: readonly EventType[] }>(
    api.GET("/api/v2/journey/externalevents/schemas/{schemaId}/versions", {
      params: { path: { schemaId: id } },
      parseAs: "text",
      signal,
    }),
  );
  return listing.entities;
}

export function createType(document: SchemaDocument): Promise<EventType> {
  return exactly(api.POST(SCHEMAS, { body: document as never, parseAs: "text" }));
}

/** Writes the next version. `version` is the one that was changed. */
export function updateType(
  id: string,
  version: number,
  change: { document?: SchemaDocument; enabled?: boolean },
): Promise<EventType> {
  const { document, enabled } = change;
  return exactly(
    api.PUT("/api/v2/journey/externalevents/schemas/{schemaId}", {
      params: { path: { schemaId: id } },
      body: {
        version,
        enabled: enabled ?? null,
        jsonSchema: document ?? null,
      },
      parseAs: "text",
    }),
  );
}

export function deleteType(id: string): Promise<unknown> {
  return call(api.DELETE("/api/v2/journey/externalevents/schemas/{schemaId}", { params: { path: { schemaId: id } } }));
}

export function getLimits(signal: AbortSignal): Promise<Limits> {
  return call(api.GET("/api/v2/journey/externalevents/schemas/limits", { signal }));
}

export async function listCoreTypes(signal: AbortSignal): Promise<readonly CoreType[]> {
  return (await call(api.GET("/api/v2/journey/externalevents/schemas/coretypes", { signal }))).entities ?? [];
}

/** How journey views see each event type. */
export async function listSummaries(signal: AbortSignal): Promise<readonly Summary[]> {
  return (await call(api.GET("/api/v2/journey/views/eventdefinitions/external", { signal }))).entities ?? [];
}

/** Activates an event type for views, or takes over its newest version there. */
export function activateType(id: string, displayName?: string, rank?: number): Promise<unknown> {
  return call(
    api.PUT("/api/v2/journey/views/eventdefinitions/{definitionId}/activate", {
      params: { path: { definitionId: id } },
      body: { displayName: displayName ?? null, rank: rank ?? null },
    }),
  );
}

export function presentType(id: string, displayName: string, rank: number): Promise<unknown> {
  return call(
    api.PUT("/api/v2/journey/views/eventdefinitions/{definitionId}", {
      params: { path: { definitionId: id } },
      body: { displayName, rank },
    }),
  );
}

/** The views with an element of an event type. */
export async function listViewsOf(
  typeId: string,
  signal: AbortSignal,
): Promise<readonly { id: string; name: string }[]> {
  const views = await everyPage(async (pageNumber) =>
    numberedPage(
      await call(api.GET("/api/v2/journey/views", { params: { query: { pageNumber, pageSize: PAGE_SIZE } }, signal })),
    ),
  );
  return views
    .filter((view) => view.elements?.some((element) => element.attributes?.id === typeId))
    .map((view) => ({ id: view.id ?? "", name: view.name ?? "" }));
}

// -- configurations ----------------------------------------------------------------------------------------------------

export const CONFIGURATIONS = "/api/v2/journey/externalevents/configurations";

export function listConfigurations(signal: AbortSignal): Promise<readonly Configuration[]> {
  return everyPage(async (pageNumber) =>
    numberedPage(
      await call(api.GET(CONFIGURATIONS, { params: { query: { pageNumber, pageSize: PAGE_SIZE } }, signal })),
    ),
  );
}

export function getConfiguration(id: string, signal: AbortSignal): Promise<Configuration> {
  return call(
    api.GET("/api/v2/journey/externalevents/configurations/{configurationId}", {
      params: { path: { configurationId: id } },
      signal,
    }),
  );
}

export interface NewConfiguration {
  readonly name: string;
  readonly description: string;
  readonly schemaId: string;
  readonly source: string;
}

export function createConfiguration({ name, description, schemaId, source }: NewConfiguration): Promise<Configuration> {
  return call(
    api.POST(CONFIGURATIONS, {
      body: { name, schemaId, source, description: description || null, divisionId: null },
    }),
  );
}

export function updateConfiguration(id: string, name: string, description: string): Promise<Configuration> {
  return call(
    api.PATCH("/api/v2/journey/externalevents/configurations/{configurationId}", {
      params: { path: { configurationId: id } },
      body: { name, description },
    }),
  );
}

export function deleteConfiguration(id: string, force: boolean): Promise<unknown> {
  return call(
    api.DELETE("/api/v2/journey/externalevents/configurations/{configurationId}", {
      params: { path: { configurationId: id }, query: { force: force ? "true" : "false" } },
    }),
  );
}

/** Judges events as ingest would, and stores nothing. */
export function validateEvents(id: string, entities: readonly unknown[]): Promise<Model<"IngestResponse">> {
  return exactly(
    api.POST("/api/v2/journey/externalevents/configurations/{configurationId}/events/validate", {
      params: { path: { configurationId: id } },
      body: { entities: [...entities] },
      parseAs: "text",
    }),
  );
}

// -- endpoints ---------------------------------------------------------------------------------------------------------

const ENDPOINTS = "/api/v2/journey/webhooks/endpoints";

export async function listSenders(signal: AbortSignal): Promise<readonly Sender[]> {
  return (await call(api.GET("/api/v2/journey/webhooks/senders", { signal }))).entities;
}

export function listEndpoints(signal: AbortSignal): Promise<readonly Endpoint[]> {
  return everyPage(async (pageNumber) =>
    numberedPage(await call(api.GET(ENDPOINTS, { params: { query: { pageNumber, pageSize: PAGE_SIZE } }, signal }))),
  );
}

export function getEndpoint(id: string, signal: AbortSignal): Promise<EndpointDescription> {
  return call(
    api.GET("/api/v2/journey/webhooks/endpoints/{endpointId}", { params: { path: { endpointId: id } }, signal }),
  );
}

/** Where the events of an endpoint go: to one configuration, or to several by the result of an expression. */
export interface Target {
  readonly configurationId?: string;
  readonly routing?: { readonly expression: string; readonly configurations: Readonly<Record<string, string>> };
}

export interface NewEndpoint extends Target {
  readonly name: string;
  readonly sender: string;
  readonly options: Readonly<Record<string, string>>;
  readonly mapping: Readonly<Record<string, unknown>>;
  readonly secret?: string;
}

/** Creates an endpoint once, also if the request is repeated with the same key. */
export function createEndpoint(endpoint: NewEndpoint, key: string): Promise<EndpointWithSecret> {
  return call(api.POST(ENDPOINTS, { params: { header: { "Idempotency-Key": key } }, body: endpoint as never }));
}

export interface EndpointChange extends Target {
  readonly name?: string;
  readonly enabled?: boolean;
  readonly options?: Readonly<Record<string, string>>;
  readonly mapping?: Readonly<Record<string, unknown>>;
  readonly presetVersion?: number;
}

export function updateEndpoint(id: string, change: EndpointChange): Promise<Endpoint> {
  return call(
    api.PATCH("/api/v2/journey/webhooks/endpoints/{endpointId}", {
      params: { path: { endpointId: id } },
      body: change as never,
    }),
  );
}

export function deleteEndpoint(id: string): Promise<unknown> {
  return call(api.DELETE("/api/v2/journey/webhooks/endpoints/{endpointId}", { params: { path: { endpointId: id } } }));
}

/** Stores a secret, or lets one be generated. Without a secret and without the previous one, only the current stays. */
export function rotateSecret(
  id: string,
  secret: string | undefined,
  keepPrevious: boolean,
): Promise<EndpointWithSecret> {
  return call(
    api.POST("/api/v2/journey/webhooks/endpoints/{endpointId}/secret", {
      params: { path: { endpointId: id } },
      body: { secret: secret ?? null, keepPrevious },
    }),
  );
}

export interface Sample {
  readonly payload?: unknown;
  readonly body?: string;
  readonly headers: Readonly<Record<string, string>>;
}

export async function testMapping(id: string, sample: Sample): Promise<readonly MappedEvent[]> {
  const result = await exactly<Model<"MappingTestResult">>(
    api.POST("/api/v2/journey/webhooks/endpoints/{endpointId}/test", {
      params: { path: { endpointId: id } },
      body: sample as never,
      parseAs: "text",
    }),
  );
  return result.entities;
}

export function listDeliveries(
  id: string,
  query: { outcome?: string | undefined; cursor?: string | undefined; pageSize: number },
  signal: AbortSignal,
): Promise<Model<"DeliveryListing">> {
  return call(
    api.GET("/api/v2/journey/webhooks/endpoints/{endpointId}/deliveries", {
      params: { path: { endpointId: id }, query: query as never },
      signal,
    }),
  );
}

export function getDelivery(id: string, deliveryId: string, signal: AbortSignal): Promise<Delivery> {
  return call(
    api.GET("/api/v2/journey/webhooks/endpoints/{endpointId}/deliveries/{deliveryId}", {
      params: { path: { endpointId: id, deliveryId } },
      signal,
    }),
  );
}

export function replayDelivery(id: string, deliveryId: string): Promise<Model<"Failure">> {
  return call(
    api.POST("/api/v2/journey/webhooks/endpoints/{endpointId}/deliveries/{deliveryId}/replay", {
      params: { path: { endpointId: id, deliveryId } },
    }),
  );
}

/** What the first page asks the API. Every answer belongs to one card, so one that fails takes no other with it. */

import { api, call, type Model } from "../../api/client";
import { type Loaded, useLoaded } from "../../api/loading";
import { ApiProblem } from "../../api/problem";
import { useMay } from "../../me";
import type { Activity } from "./daily";

export type View = Model<"JourneyView">;
export type Job = Model<"ViewJob">;
export type Endpoint = Model<"Endpoint">;

/** Views that the page shows. The others are on their own page. */
const VIEWS = 5;
const ENDPOINTS = 100;

export interface Figures {
  readonly activity: Loaded<Activity>;
  readonly usage: Loaded<Model<"Usage">>;
  readonly limits: Loaded<Model<"LimitListing">>;
  readonly types: Loaded<Model<"JourneyExternalEventsSchemaListing">>;
  readonly definitions: Loaded<Model<"JourneyEventDefinitionListing">>;
  readonly configurations: Loaded<Model<"ExternalEventsConfigurationListing">>;
  readonly views: Loaded<Model<"JourneyViewListing">>;
  readonly jobs: Loaded<Model<"ViewJobListing">>;
  readonly endpoints: Loaded<Model<"EndpointListing">>;
}

/** Loads what the reader may see. An answer that they may not see stays undefined, without an error. */
export function useFigures(): Figures {
  return {
    activity: useOne("usage:view", "activity", (signal) => call(api.GET("/api/v2/journey/activity", { signal }))),
    usage: useOne("usage:view", "usage", (signal) => call(api.GET("/api/v2/journey/usage", { signal }))),
    limits: useOne("usage:view", "limits", (signal) => call(api.GET("/api/v2/journey/limits", { signal }))),
    types: useOne("externalEventsSchema:view", "types", (signal) =>
      call(api.GET("/api/v2/journey/externalevents/schemas", { signal })),
    ),
    definitions: useOne("eventDefinition:view", "definitions", (signal) =>
      call(api.GET("/api/v2/journey/views/eventdefinitions", { signal })),
    ),
    configurations: useOne("externalEventsConfiguration:view", "configurations", (signal) =>
      call(api.GET("/api/v2/journey/externalevents/configurations", { params: { query: { pageSize: 1 } }, signal })),
    ),
    views: useOne("views:view", "views", (signal) =>
      call(api.GET("/api/v2/journey/views", { params: { query: { pageSize: VIEWS } }, signal })),
    ),
    jobs: useOne("viewsJobs:view", "jobs", (signal) =>
      call(api.GET("/api/v2/journey/views/jobs", { params: { query: { pageSize: 1, statuses: "Complete" } }, signal })),
    ),
    endpoints: useOne("webhooks:view", "endpoints", (signal) =>
      call(api.GET("/api/v2/journey/webhooks/endpoints", { params: { query: { pageSize: ENDPOINTS } }, signal })),
    ),
  };
}

function useOne<T>(permission: string, key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  return useLoaded(useMay(permission) ? key : null, load);
}

/** How many of the organization's own event types views can use. Those of the contact center are always there. */
export function activeTypes(definitions: Model<"JourneyEventDefinitionListing"> | undefined): number | undefined {
  return definitions?.entities?.filter(({ source }) => source !== "Native").length;
}

/** The failures whose last attempt was at or after a day's begin, in UTC. */
export function useFailures(since: string): Loaded<Model<"FailureSummary">> {
  return useOne("externalEventsFailures:view", since, (signal) =>
    call(
      api.GET("/api/v2/journey/externalevents/failures/summary", {
        params: { query: { from: `${since}T00:00:00Z` } },
        signal,
      }),
    ),
  );
}

/** The latest job of a view; null if it was never computed. */
export async function latestJob({ id = "", version = 1 }: View, signal: AbortSignal): Promise<Job | null> {
  try {
    return await call(
      api.GET("/api/v2/journey/views/{viewId}/versions/{version}/jobs/latest", {
        params: { path: { viewId: id, version } },
        signal,
      }),
    );
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return null;
    throw error;
  }
}

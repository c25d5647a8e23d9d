/** The API calls of the pages on views. */

import { api, call, type Model } from "../../api/client";
import type { Page } from "../../api/loading";
import { ApiProblem } from "../../api/problem";
import { fromView } from "../builder/definition";
import type { Options } from "./asked";
import type { DefinitionName, View } from "../../journey/words";

export type { View };
export type Job = Model<"ViewJob">;
export type Schedule = Model<"ViewSchedule">;
export type Frequency = Schedule["frequency"];
export type Status = Job["status"];

/** Views that a page of the list has. */
const VIEWS = 25;
const JOBS = 20;

export async function listViews(search: string, after: string | undefined, signal: AbortSignal): Promise<Page<View>> {
  const query = {
    pageSize: VIEWS,
    pageNumber: Number(after ?? 1),
    ...(search ? { nameOrCreatedBy: search } : {}),
  };
  const listing = await call(api.GET("/api/v2/journey/views", { params: { query }, signal }));
  return { entities: listing.entities ?? [], next: listing.nextUri ? String(query.pageNumber + 1) : undefined };
}

export function getView(viewId: string, version: number | undefined, signal?: AbortSignal): Promise<View> {
  const options = signal ? { signal } : {};
  if (version === undefined) {
    return call(api.GET("/api/v2/journey/views/{viewId}", { params: { path: { viewId } }, ...options }));
  }
  return call(
    api.GET("/api/v2/journey/views/{viewId}/versions/{version}", {
      params: { path: { viewId, version } },
      ...options,
    }),
  );
}

export function deleteView(viewId: string): Promise<unknown> {
  return call(api.DELETE("/api/v2/journey/views/{viewId}", { params: { path: { viewId } } }));
}

/** Creates a view with the definition of another one, whatever fields that has. */
export async function duplicateView(viewId: string): Promise<View> {
  const definition = fromView(await getView(viewId, undefined));
  const body = { ...definition, name: `Copy of ${definition.name}`.slice(0, 256) };
  return call(api.POST("/api/v2/journey/views", { body: body as unknown as Model<"ViewDefinition"> }));
}

/** The names of the event definitions, by id. */
export async function eventDefinitionNames(signal: AbortSignal): Promise<ReadonlyMap<string, DefinitionName>> {
  const listing = await call(api.GET("/api/v2/journey/views/eventdefinitions", { signal }));
  return new Map(
    (listing.entities ?? []).map(({ id = "", displayName, name, source }) => [
      id,
      { name: displayName ?? name ?? "", native: source === "Native" },
    ]),
  );
}

// -- jobs --------------------------------------------------------------------------------------------------------------

/** The latest job of a version; undefined if the version was never computed. */
export function latestJob(viewId: string, version: number, signal?: AbortSignal): Promise<Job | undefined> {
  return orNone(
    call(
      api.GET("/api/v2/journey/views/{viewId}/versions/{version}/jobs/latest", {
        params: { path: { viewId, version } },
        ...(signal ? { signal } : {}),
      }),
    ),
  );
}

export function getJob(viewId: string, version: number, jobId: string, signal?: AbortSignal): Promise<Job> {
  return call(
    api.GET("/api/v2/journey/views/{viewId}/versions/{version}/jobs/{jobId}", {
      params: { path: { viewId, version, jobId } },
      ...(signal ? { signal } : {}),
    }),
  );
}

/** Starts a job; options say what it computes differently from the view. */
export function createJob(viewId: string, version: number, options: Options = {}): Promise<Job> {
  return call(
    api.POST("/api/v2/journey/views/{viewId}/versions/{version}/jobs", {
      params: { path: { viewId, version } },
      ...(Object.keys(options).length > 0 ? { body: options } : {}),
    }),
  );
}

export function cancelJob({ id, journeyView }: Job): Promise<Job> {
  const path = { viewId: journeyView.id ?? "", version: journeyView.version ?? 1, jobId: id };
  return call(
    api.PATCH("/api/v2/journey/views/{viewId}/versions/{version}/jobs/{jobId}", {
      params: { path },
      body: { status: "Cancelled" },
    }),
  );
}

/** A page of the jobs of a view, newest first. */
export async function listJobs(
  viewId: string,
  statuses: Status | undefined,
  after: string | undefined,
  signal: AbortSignal,
): Promise<Page<Job>> {
  const query = {
    viewId,
    pageSize: JOBS,
    ...(statuses ? { statuses } : {}),
    ...(after === undefined ? {} : { cursor: after }),
  };
  const listing = await call(api.GET("/api/v2/journey/views/jobs", { params: { query }, signal }));
  const next = listing.nextUri === undefined ? undefined : new URL(listing.nextUri, location.href).searchParams;
  return { entities: listing.entities, next: next?.get("cursor") ?? undefined };
}

/** A job that is complete, the view as the job computed it, and the figures. */
export interface Outcome {
  readonly job: Job;
  readonly view: View;
  readonly result: Model<"ViewResult">;
}

/** The result of a complete job. */
export async function outcome(viewId: string, version: number, jobId: string, signal: AbortSignal): Promise<Outcome> {
  const path = { viewId, version, jobId };
  const [job, result] = await Promise.all([
    getJob(viewId, version, jobId, signal),
    call(
      api.GET("/api/v2/journey/views/{viewId}/versions/{version}/jobs/{jobId}/results", { params: { path }, signal }),
    ),
  ]);
  return { job, view: job.journeyView, result };
}

/** The tables of a result that the API answers as CSV, except those of single charts. */
export type ResultTable = "elements" | "links" | "durations" | "charts" | "breakdown" | "breakdownLinks";

/** A table of a job's result as one CSV file. */
export function resultTable({ id, journeyView }: Job, table: ResultTable): Promise<string> {
  const path = { viewId: journeyView.id ?? "", version: journeyView.version ?? 1, jobId: id };
  return allPages((cursor) =>
    api.GET("/api/v2/journey/views/{viewId}/versions/{version}/jobs/{jobId}/results", {
      params: { path, query: { format: "csv", table, ...cursor } },
      parseAs: "text",
    }),
  );
}

/** The values of a chart as one CSV file. */
export function chartTable({ id, journeyView }: Job, chartId: string): Promise<string> {
  const path = { viewId: journeyView.id ?? "", version: journeyView.version ?? 1, jobId: id, chartId };
  return allPages((cursor) =>
    api.GET("/api/v2/journey/views/{viewId}/versions/{version}/jobs/{jobId}/results/charts/{chartId}", {
      params: { path, query: { format: "csv", ...cursor } },
      parseAs: "text",
    }),
  );
}

/** The pages of a CSV file as one text. The header Link of a page names the cursor of the next one. */
export async function allPages(
  get: (cursor: { cursor?: string }) => Promise<{ data?: string; error?: unknown; response: Response }>,
): Promise<string> {
  let text = "";
  for (let cursor: string | null | undefined; cursor !== null;) {
    const answer = await get(cursor === undefined ? {} : { cursor });
    text += await call(Promise.resolve(answer));
    const next = /<([^>]+)>; rel="next"/.exec(answer.response.headers.get("Link") ?? "")?.[1];
    cursor = next === undefined ? null : new URL(next, location.href).searchParams.get("cursor");
  }
  return text;
}

/** The newest complete job of a version; undefined if there is none. */
export async function newestComplete(
  viewId: string,
  version: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const latest = await latestJob(viewId, version, signal);
  if (!latest || latest.status === "Complete") return latest?.id;
  let after: string | undefined;
  do {
    const page = await listJobs(viewId, "Complete", after, signal);
    // Jobs of other options compute something else.
    const found = page.entities.find(({ journeyView, options }) => journeyView.version === version && !options);
    if (found) return found.id;
    after = page.next;
  } while (after !== undefined);
  return undefined;
}

// -- schedules ---------------------------------------------------------------------------------------------------------

/** The schedule of a view; undefined if it has none. */
export function getSchedule(viewId: string, signal: AbortSignal): Promise<Schedule | undefined> {
  return orNone(call(api.GET("/api/v2/journey/views/{viewId}/schedules", { params: { path: { viewId } }, signal })));
}

export function saveSchedule(viewId: string, frequency: Frequency, exists: boolean): Promise<unknown> {
  const options = { params: { path: { viewId } }, body: { frequency } };
  return call<unknown>(
    exists
      ? api.PUT("/api/v2/journey/views/{viewId}/schedules", options)
      : api.POST("/api/v2/journey/views/{viewId}/schedules", options),
  );
}

export function deleteSchedule(viewId: string): Promise<unknown> {
  return call(api.DELETE("/api/v2/journey/views/{viewId}/schedules", { params: { path: { viewId } } }));
}

/** The answer, or undefined where the API says that there is none. */
async function orNone<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return undefined;
    throw error;
  }
}

/** The API calls of the pages on paths. */

import { api, call, type Model } from "../../api/client";
import type { Page } from "../../api/loading";
import { parseExactly } from "../builder/exact";
import { allPages as allCsvPages } from "../views/requests";

export type PathJob = Model<"PathJob">;
export type PathDefinition = Model<"PathDefinition">;
export type PathResult = Model<"PathResult">;

/** Jobs that a page of the list has. */
const JOBS = 10;

/** A page of the jobs of paths, newest first. */
export async function listPathJobs(after: string | undefined, signal: AbortSignal): Promise<Page<PathJob>> {
  const query = { pageSize: JOBS, ...(after === undefined ? {} : { cursor: after }) };
  const listing = await call(api.GET("/api/v2/journey/paths/jobs", { params: { query }, signal }));
  const next = listing.nextUri === undefined ? undefined : new URL(listing.nextUri, location.href).searchParams;
  return { entities: listing.entities, next: next?.get("cursor") ?? undefined };
}

export function getPathJob(pathJobId: string, signal: AbortSignal): Promise<PathJob> {
  return call(api.GET("/api/v2/journey/paths/jobs/{pathJobId}", { params: { path: { pathJobId } }, signal }));
}

export function createPathJob(body: PathDefinition): Promise<PathJob> {
  return call(api.POST("/api/v2/journey/paths/jobs", { body }));
}

export function cancelPathJob(pathJobId: string): Promise<PathJob> {
  const body = { status: "Cancelled" } as const;
  return call(api.PATCH("/api/v2/journey/paths/jobs/{pathJobId}", { params: { path: { pathJobId } }, body }));
}

export function getPathResult(pathJobId: string, signal: AbortSignal): Promise<PathResult> {
  return call(api.GET("/api/v2/journey/paths/jobs/{pathJobId}/results", { params: { path: { pathJobId } }, signal }));
}

/** The steps of a result, or its commonest complete paths, as one CSV file. */
export function pathTable(pathJobId: string, table: "steps" | "paths"): Promise<string> {
  return allCsvPages((cursor) =>
    api.GET("/api/v2/journey/paths/jobs/{pathJobId}/results", {
      params: { path: { pathJobId }, query: { format: "csv", table, ...cursor } },
      parseAs: "text",
    }),
  );
}

/** The definition of a job, with all digits of its numbers. */
export async function getPathDefinition(pathJobId: string, signal: AbortSignal): Promise<PathDefinition> {
  const params = { path: { pathJobId } };
  const text = await call(api.GET("/api/v2/journey/paths/jobs/{pathJobId}", { params, parseAs: "text", signal }));
  return (parseExactly(text) as { definition: PathDefinition }).definition;
}

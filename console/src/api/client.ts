/** The one module that calls the API. Paths, parameters, bodies and answers are typed by the OpenAPI document. */

import createClient, { type Client, defaultPathSerializer } from "openapi-fetch";
import { API } from "../session/config";
import type { Session } from "../session/session";
import { ApiProblem, NetworkProblem } from "./problem";
import type { components, paths } from "./schema";

/** A model of the API, by its name in the OpenAPI document. */
export type Model<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** Milliseconds after which a request is given up. API Gateway gives up after 29 seconds. */
const TIMEOUT = 35_000;

let session: Session | undefined;

/**
 * The API's client: `await call(api.GET("/api/v2/journey/views", { params: { query: { pageSize: 25 } } }))`.
 *
 * The access token is added, and replaced once when the API refuses it. Answers that are not JSON are read with `parseAs`.
 */
export const api: Client<paths, "application/json"> = createClient<paths, "application/json">({
  baseUrl: API,
  fetch: authorizedFetch,
  redirect: "error", // A token never follows a redirect.
  pathSerializer: pathOf,
});

/** Tells which session's tokens the requests carry. */
export function useSession(started: Session): void {
  session = started;
}

/** The data of an answer. Rejects with ApiProblem when the API refuses, and NetworkProblem when it is not reached. */
export async function call<T>(request: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await request;
  if (!response.ok) throw new ApiProblem(response.status, error);
  return data as T;
}

async function authorizedFetch(request: Request): Promise<Response> {
  if (!session) throw new Error("No session was started.");
  const again = request.clone();
  const token = await session.token();
  const response = await send(request, token);
  return response.status === 401 ? send(again, await session.renewed(token)) : response;
}

/** The path with its parameters. An id of dots would lead to another operation: ids come from addresses and events. */
function pathOf(pathname: string, parameters: Record<string, unknown>): string {
  for (const value of Object.values(parameters)) {
    if (/^\.{0,2}$/.test(String(value))) throw new ApiProblem(404, { message: "There is nothing with this id." });
  }
  return defaultPathSerializer(pathname, parameters);
}

async function send(request: Request, token: string): Promise<Response> {
  request.headers.set("Authorization", `Bearer ${token}`);
  try {
    return await fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT)]) });
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new NetworkProblem();
  }
}

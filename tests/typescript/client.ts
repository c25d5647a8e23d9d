// A client of the API that uses only the generated types.
import type { components, operations, paths } from "./schema";

type Json<Response> = Response extends { content: { "application/json": infer Body } } ? Body : never;
type Success<Id extends keyof operations> = {
  [Status in keyof operations[Id]["responses"]]: Status extends 200 | 201 | 202
    ? Json<operations[Id]["responses"][Status]>
    : never;
}[keyof operations[Id]["responses"]];

const events: keyof paths = "/api/v2/journey/externalevents/configurations/{configurationId}/events";

async function ingest(server: string, token: string, event: components["schemas"]["ExternalEvent"]): Promise<number> {
  const response = await fetch(server + events.replace("{configurationId}", "c-1"), {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ entities: [event] }),
  });
  const result: Success<"ingestEvents"> = await response.json();
  return result.processed.filter((one) => one.outcome === "created").length;
}

const why = (job: Success<"getJob">): string => job.error?.message ?? job.status;
const sender: components["schemas"]["Endpoint"]["sender"] = "shopify";
// @ts-expect-error -- the senders are an enumeration
const unknown: components["schemas"]["Endpoint"]["sender"] = "nobody";
const query: operations["listCustomerEvents"]["parameters"]["query"] = {
  externalSourceId: "crm",
  value: "customer-42",
  order: "desc",
};

export { ingest, query, sender, unknown, why };

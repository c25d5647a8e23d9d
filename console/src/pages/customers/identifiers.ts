/** The sources of identifiers that a reader can choose from. */

import { api, call } from "../../api/client";
import { type Loaded, useLoaded } from "../../api/loading";
import { allPages } from "../../components/names";
import { byName } from "../../formats";
import { useMay } from "../../me";

/** Identifier sources that every sender shares. */
const SHARED = ["crm", "email", "phone"];

/** The identifier sources that the mappings of the organization's endpoints name. Others can be typed. */
export function useIdentifierSources(): Loaded<readonly string[]> {
  const may = useMay("webhooks:view");
  return useLoaded("identifiers", async (signal) => {
    if (!may) return SHARED;
    const [{ entities: senders }, endpoints] = await Promise.all([
      call(api.GET("/api/v2/journey/webhooks/senders", { signal })),
      allPages((pageNumber) =>
        call(
          api.GET("/api/v2/journey/webhooks/endpoints", { params: { query: { pageSize: 100, pageNumber } }, signal }),
        ),
      ),
    ]);
    const used = new Set(endpoints.map((endpoint) => endpoint.sender as string));
    const presets = senders.filter((sender) => used.has(sender.name)).map((sender) => sender.mapping);
    return sourcesOf([...presets, ...endpoints.map((endpoint) => endpoint.mapping)]);
  });
}

/** The identifier sources that mappings name as literals of JMESPath, with the shared ones, sorted. */
export function sourcesOf(mappings: readonly Readonly<Record<string, unknown>>[]): string[] {
  const expressions = mappings.flatMap(({ externalSourceId, externalIds }) => [
    externalSourceId,
    ...(Array.isArray(externalIds)
      ? externalIds.map((one: { externalSourceId?: unknown }) => one.externalSourceId)
      : []),
  ]);
  const literals = expressions.flatMap((one) =>
    typeof one === "string" ? (/^\s*'([^'\\]+)'\s*$/.exec(one)?.[1] ?? []) : [],
  );
  return [...new Set([...SHARED, ...literals])].sort(byName);
}

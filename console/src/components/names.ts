/** The organization's configurations and endpoints by id, for pages that show their names. Empty for who may not see them. */

import { useMemo } from "preact/hooks";
import { api, call, type Model } from "../api/client";
import { useLoaded } from "../api/loading";
import { useMay } from "../me";
import { CONTACT_CENTER, NATIVE } from "./native";

/** The largest page of a listing. */
const PAGE_SIZE = 100;

interface Numbered<T> {
  entities?: readonly T[];
  pageCount?: number;
}

/** All entities of a listing with numbered pages. */
export async function allPages<T>(load: (pageNumber: number) => Promise<Numbered<T>>): Promise<T[]> {
  const first = await load(1);
  const entities = [...(first.entities ?? [])];
  for (let page = 2; page <= (first.pageCount ?? 1); page += 1) {
    entities.push(...((await load(page)).entities ?? []));
  }
  return entities;
}

export function useConfigurations(): ReadonlyMap<string, Model<"ExternalEventsConfiguration">> {
  const may = useMay("externalEventsConfiguration:view");
  const { data } = useLoaded(may ? "configurations" : null, (signal) =>
    allPages((pageNumber) =>
      call(
        api.GET("/api/v2/journey/externalevents/configurations", {
          params: { query: { pageSize: PAGE_SIZE, pageNumber } },
          signal,
        }),
      ),
    ),
  );
  return useMemo(() => new Map((data ?? []).map((one) => [one.id ?? "", one])), [data]);
}

/** What readers call a configuration; the contact center's events have none that anybody defined. */
export function configurationName(configurations: ReturnType<typeof useConfigurations>, id: string) {
  return id === NATIVE ? CONTACT_CENTER : configurations.get(id)?.name;
}

export function useEndpoints(): ReadonlyMap<string, Model<"Endpoint">> {
  const may = useMay("webhooks:view");
  const { data } = useLoaded(may ? "endpoints" : null, (signal) =>
    allPages((pageNumber) =>
      call(
        api.GET("/api/v2/journey/webhooks/endpoints", {
          params: { query: { pageSize: PAGE_SIZE, pageNumber } },
          signal,
        }),
      ),
    ),
  );
  return useMemo(() => new Map((data ?? []).map((one) => [one.id, one])), [data]);
}

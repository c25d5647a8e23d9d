/** The sources of identifiers that events have named, and whether each may link. */

import { api, call, type Model } from "../../api/client";
import { type Loaded, useLoaded } from "../../api/loading";

export type IdentitySettings = Model<"IdentitySettings">;

export function useIdentitySettings(): Loaded<IdentitySettings> {
  return useLoaded("identity", (signal) => call(api.GET("/api/v2/journey/customers/settings", { signal })));
}

/** Whether a source may link. The case of a source does not matter. */
export function mayLink({ linking, sources }: Pick<IdentitySettings, "linking" | "sources">, source: string): boolean {
  if (linking === "None") return false;
  const named = sources.some((one) => one.toLowerCase() === source.toLowerCase());
  return named === (linking === "Only");
}

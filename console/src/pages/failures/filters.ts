/** The filters of failures, as the address has them, and what they mean for the API. */

import type { Model } from "../../api/client";
import { dayEnd, dayStart } from "../../days";
import type { Query } from "../../routing";
import type { Reason } from "./fixes";

export type Status = "open" | "resolved" | "all";

export interface Filters {
  readonly reason: string;
  readonly source: string;
  readonly configurationId: string;
  readonly endpointId: string;
  readonly status: Status;
  /** Local days. */
  readonly from: string;
  readonly to: string;
}

export function filtersOf(query: URLSearchParams): Filters {
  const status = query.get("status");
  const text = (name: string) => query.get(name) ?? "";
  return {
    reason: text("reason"),
    source: text("source"),
    configurationId: text("configurationId"),
    endpointId: text("endpointId"),
    status: status === "resolved" || status === "all" ? status : "open",
    from: text("from"),
    to: text("to"),
  };
}

/** The filters as parameters of an address. Defaults are left out. */
export function filterQuery(filters: Filters): Query {
  return { ...filters, status: filters.status === "open" ? "" : filters.status };
}

/** The moments between which the last attempt of a failure lies. */
export function period({ from, to }: Filters): { from?: string; to?: string } {
  const [since, until] = [dayStart(from), dayEnd(to)];
  return { ...(since && { from: since }), ...(until && { to: until }) };
}

/** The API's parameters. The API knows no filter by source; `ofSource` selects among what it lists. */
export function listParameters(filters: Filters) {
  return {
    ...period(filters),
    ...(filters.reason && { reason: filters.reason as Reason }),
    ...(filters.configurationId && { configurationId: filters.configurationId }),
    ...(filters.endpointId && { endpointId: filters.endpointId }),
    status: filters.status,
  };
}

/** Whether a failure belongs to the source of the filters, if they name one. */
export function ofSource(filters: Filters, failure: { source: string }): boolean {
  return filters.source === "" || failure.source === filters.source;
}

/** Failures counted under one name. */
export interface Counted {
  readonly name: string;
  readonly count: number;
  readonly openCount: number;
}

/** Failures by reason or by source, most first. */
export function countedBy(entities: readonly Model<"FailureCount">[], name: "reason" | "source"): Counted[] {
  const groups = new Map<string, Counted>();
  for (const one of entities) {
    const before = groups.get(one[name]);
    groups.set(one[name], {
      name: one[name],
      count: (before?.count ?? 0) + one.count,
      openCount: (before?.openCount ?? 0) + one.openCount,
    });
  }
  return [...groups.values()].sort(
    (one, other) => other.openCount - one.openCount || other.count - one.count || (one.name < other.name ? -1 : 1),
  );
}

/** The number of a group with a status. */
export function ofStatus({ count, openCount }: Counted, status: Status): number {
  return status === "open" ? openCount : status === "resolved" ? count - openCount : count;
}

/** Permissions, grouped by what they are about, for the form that grants them. */

import type { Model } from "../../api/client";

export type Permission = Model<"Permission">;

export interface PermissionGroup {
  readonly title: string;
  readonly permissions: readonly { readonly permission: Permission; readonly label: string }[];
}

const TITLES: Readonly<Record<string, string>> = {
  externalEventsEvent: "Events",
  externalEventsSchema: "Event types",
  externalEvents: "Activation of event types",
  eventDefinition: "Event definitions",
  externalEventsConfiguration: "Configurations",
  externalEventsFailures: "Failures",
  webhooks: "Webhook endpoints",
  customers: "Customers",
  views: "Views",
  viewsJobs: "Jobs of views",
  viewsResults: "Results of views",
  viewsCustomers: "Customers behind figures of views",
  viewsSchedule: "Schedules of views",
  usage: "Usage and limits",
  people: "People",
  clients: "API clients",
};

/** Groups permissions by entity, in the order of the menu; entities that this release does not know come last. */
export function grouped(permissions: readonly Permission[]): readonly PermissionGroup[] {
  const byEntity = Map.groupBy(permissions, (permission) => permission.split(":")[1] ?? "");
  const entities = [...Object.keys(TITLES).filter((entity) => byEntity.has(entity))];
  entities.push(...[...byEntity.keys()].filter((entity) => !(entity in TITLES)).sort());
  return entities.map((entity) => ({
    title: TITLES[entity] ?? entity,
    permissions: [...(byEntity.get(entity) ?? [])]
      .sort()
      .map((permission) => ({ permission, label: permission.split(":")[2] ?? permission })),
  }));
}

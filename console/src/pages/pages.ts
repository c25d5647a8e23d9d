/** Every page: its address, its place in the menu, the permission that it needs, and the module that shows it. */

import type { ComponentType } from "preact";

export interface PageProps {
  /** The segments of the address after the page's own, for example the id of a view. */
  readonly rest: readonly string[];
}

export interface PageEntry {
  /** The first segment of the address. */
  readonly path: string;
  readonly title: string;
  /** Without it the page is not offered. */
  readonly permission: string | undefined;
  /** The page of the menu that this one belongs to; without it, the page stands in the menu itself. */
  readonly partOf?: string;
  readonly load: () => Promise<{ default: ComponentType<PageProps> }>;
}

export const PAGES: readonly PageEntry[] = [
  { path: "", title: "Home", permission: undefined, load: () => import("./home/Home") },
  { path: "views", title: "Views", permission: "journey:views:view", load: () => import("./views/Views") },
  { path: "paths", title: "Paths", permission: "journey:viewsJobs:view", load: () => import("./paths/Paths") },
  {
    path: "customers",
    title: "Customers",
    permission: "journey:customers:view",
    load: () => import("./customers/Customers"),
  },
  {
    path: "sources",
    title: "Sources",
    permission: "journey:externalEventsSchema:view",
    load: () => import("./sources/Sources"),
  },
  {
    path: "failures",
    title: "Failures",
    permission: "journey:externalEventsFailures:view",
    load: () => import("./failures/Failures"),
  },
  {
    path: "usage",
    title: "Usage and limits",
    permission: "journey:usage:view",
    load: () => import("./usage/Usage"),
  },
  { path: "people", title: "People", permission: "journey:people:view", load: () => import("./people/People") },
  {
    path: "clients",
    title: "API clients",
    permission: "journey:clients:view",
    load: () => import("./clients/Clients"),
  },
  {
    path: "builder",
    title: "Builder",
    permission: "journey:views:edit",
    partOf: "views",
    load: () => import("./builder/Builder"),
  },
];

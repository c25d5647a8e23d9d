/** The roles of people, from the one that may least to the one that may most. */

import type { Model } from "../../api/client";

export type Role = Model<"Person">["role"];

export const ROLES: Readonly<Record<Role, { label: string; may: string }>> = {
  viewer: { label: "Viewer", may: "sees journeys, views, sources and failures" },
  analyst: { label: "Analyst", may: "also builds and computes views" },
  integrator: { label: "Integrator", may: "also connects sources and replays failures" },
  administrator: { label: "Administrator", may: "also manages people and API clients" },
};

export const ROLE_OPTIONS = Object.entries(ROLES).map(([value, { label, may }]) => ({
  value,
  label: `${label}: ${may}`,
}));

/** The form of where the events of an endpoint go. */

import type { Target } from "../requests";

export interface TargetValues {
  readonly several: boolean;
  readonly configurationId: string;
  readonly expression: string;
  readonly routes: readonly { readonly result: string; readonly configurationId: string }[];
}

export function toTargetValues({ configurationId, routing }: Target): TargetValues {
  return {
    several: routing !== undefined,
    configurationId: configurationId ?? "",
    expression: routing?.expression ?? "",
    routes: Object.entries(routing?.configurations ?? {}).map(([result, id]) => ({ result, configurationId: id })),
  };
}

export function toTarget({ several, configurationId, expression, routes }: TargetValues): Target {
  if (!several) return { configurationId };
  const configurations = Object.fromEntries(routes.map((route) => [route.result, route.configurationId]));
  return { routing: { expression, configurations } };
}

/** What is missing; empty if the target is complete. */
export function targetProblem({ several, configurationId, expression, routes }: TargetValues): string {
  if (!several) return configurationId ? "" : "Choose a configuration.";
  if (!expression.trim()) return "Enter the expression.";
  if (routes.length === 0) return "Add a result.";
  if (routes.some((route) => !route.result || !route.configurationId)) return "Complete every result, or remove it.";
  if (new Set(routes.map((route) => route.result)).size < routes.length) return "Each result can stand once.";
  return "";
}

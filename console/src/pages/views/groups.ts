/** Groups of charts in words. */

import { groupLabel } from "../../charts/data";
import type { Who } from "../../journey/who";
import type { View } from "./requests";

/** "Orders by week, week 40, 2026"; the chart's name alone for a chart without groups. */
export function groupTitle(view: View, { chartId, metricId, group }: Who & { kind: "group" }): string {
  const chart = view.charts?.find(({ id }) => id === chartId);
  if (!chart) return "a chart that this view does not have";
  const metrics = chart.metrics ?? [];
  const metric = metrics.length > 1 ? metrics.find(({ id }) => id === metricId)?.displayLabel : undefined;
  return [chart.name ?? "a chart", groupLabel(chart, group), metric].filter(Boolean).join(", ");
}

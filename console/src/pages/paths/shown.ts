/** What is shown of a result. It is part of the address, so that a link shows the same. */

import type { Model } from "../../api/client";
import { address } from "../../routing";
import type { Measure } from "./sankey";
import { type Choice, chosenFigures, OUTCOMES } from "./tree";

export interface Shown {
  /** Undefined: all paths. */
  readonly choice: Choice | undefined;
  /** The address names paths that the result does not show. */
  readonly unknown: boolean;
  /** The keys of the steps whose continuation is hidden. */
  readonly collapsed: ReadonlySet<string>;
  readonly measure: Measure;
  /** Undefined: what fits the page. */
  readonly table: boolean | undefined;
}

export function shownOf(query: URLSearchParams, tree: Model<"PathStep">): Shown {
  const path = (query.get("path") ?? "").split(",").filter(Boolean);
  const outcome = OUTCOMES.find((one) => one === query.get("then"));
  const choice = path.length > 0 || outcome ? { path, outcome } : undefined;
  const known = choice !== undefined && chosenFigures(tree, choice) !== undefined;
  const show = query.get("show");
  return {
    choice: known ? choice : undefined,
    unknown: choice !== undefined && !known,
    collapsed: new Set((query.get("closed") ?? "").split(",").filter(Boolean)),
    measure: query.get("by") === "paths" ? "eventCount" : "customerCount",
    table: show === "table" ? true : show === "diagram" ? false : undefined,
  };
}

export function addressOf(jobId: string, { choice, collapsed, measure, table }: Omit<Shown, "unknown">): string {
  return address(["paths", jobId], {
    path: choice?.path.join(","),
    then: choice?.outcome,
    closed: [...collapsed].join(","),
    by: measure === "eventCount" ? "paths" : undefined,
    show: table === undefined ? undefined : table ? "table" : "diagram",
  });
}

/** The address of the builder with a view of some paths, not saved yet. */
export function viewAddress(jobId: string, path: readonly string[], ended: boolean): string {
  return address(["builder"], { paths: jobId, path: path.join(","), ended: ended ? "true" : undefined });
}

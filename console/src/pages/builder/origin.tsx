/** A new view that is made of a path. */

import { api, call } from "../../api/client";
import { parseExactly } from "./exact";

export interface Origin {
  readonly pathJobId: string;
  /** The ids of its event types after the start, separated by commas. */
  readonly path: string;
  readonly ended: boolean;
}

export function originOf(query: URLSearchParams): Origin | undefined {
  const pathJobId = query.get("paths");
  return pathJobId ? { pathJobId, path: query.get("path") ?? "", ended: query.get("ended") === "true" } : undefined;
}

export async function loadViewOfPath(
  { pathJobId, path, ended }: Origin,
  signal: AbortSignal,
): Promise<{ version?: number }> {
  const query = { ...(path && { path }), ended: ended ? ("true" as const) : ("false" as const) };
  const params = { path: { pathJobId }, query };
  const text = await call(api.GET("/api/v2/journey/paths/jobs/{pathJobId}/view", { params, parseAs: "text", signal }));
  return parseExactly(text) as { version?: number };
}

/** What a view of a path counts: more than the path, which surprises who compares their figures. */
export function MadeOfPath() {
  return (
    <div class="notice">
      <p>
        This view was made of a path, and is not saved yet. In a path, only the next event is the next step. In a view,
        any later event is. So the view can count more customers.
      </p>
    </div>
  );
}

/** What the pages say for an exploration that does not exist. */

import { ApiProblem } from "../../api/problem";
import { Empty } from "../../components/states";
import { useMay } from "../../me";

export function isGone(error: unknown): boolean {
  return error instanceof ApiProblem && error.status === 404;
}

export function Gone() {
  const mayAdd = useMay("viewsJobs:add");
  return (
    <Empty title="There is no exploration at this address">
      <p>
        Explorations are kept for 90 days, unless your operator chose another time. This one is gone, or the address is
        wrong.
      </p>
      <div class="row">
        {mayAdd && (
          <a class="button primary" href="#/paths">
            Explore paths
          </a>
        )}
        <a class="button" href="#/paths">
          Show recent explorations
        </a>
      </div>
    </Empty>
  );
}

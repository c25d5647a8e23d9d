/** Which paths are shown, and what can be done with them. */

import { count } from "../../formats";
import { useMay } from "../../me";
import { addressOf, type Shown, viewAddress } from "./shown";
import type { Branch } from "./tree";
import { branchName, type Reading } from "./words";

interface Props {
  root: Branch;
  reading: Reading;
  shown: Shown;
  jobId: string;
}

/** Said where a view can be made of paths that dropped off. */
export const NO_DROP_OFF = "A view has the steps of a path, but does not require that it drops off after them.";

/** Whether a view can be made of paths: the builder shows it, and it can be saved. */
export function useMayMakeViews(): boolean {
  const [mayAdd, mayEdit] = [useMay("views:add"), useMay("views:edit")];
  return mayAdd && mayEdit;
}

/** A row that is always there: the picture below does not move when paths are chosen in it. */
export function ChosenPaths({ root, reading, shown, jobId }: Props) {
  const mayMake = useMayMakeViews();
  const { choice, unknown } = shown;
  const { customerCount, eventCount } = root.figures;
  const figures = `${count(eventCount, "path")} of ${count(customerCount, "customer")}`;
  return (
    <>
      {unknown && (
        <div class="notice warn">
          <p>The address names paths that this result does not show. All paths are shown.</p>
        </div>
      )}
      <div class={`row apart paths-chosen ${choice ? "some" : ""}`}>
        <div class="row">
          <Way root={root} reading={reading} shown={shown} jobId={jobId} />
          <span class="small soft" role="status">
            {choice ? `Only ${figures}` : `${figures}. Click a step to show only the paths through it.`}
          </span>
        </div>
        {choice && (
          <div class="row">
            <a class="button" href={addressOf(jobId, { ...shown, choice: undefined })} aria-keyshortcuts="Escape">
              Show all paths
            </a>
            {mayMake && choice.path.length > 0 && (
              <a class="button" href={viewAddress(jobId, choice.path, choice.outcome === "ended")}>
                Make a view of this path
              </a>
            )}
          </div>
        )}
      </div>
      {mayMake && choice?.outcome === "dropped" && choice.path.length > 0 && reading.direction === "After" && (
        <p class="small soft">{NO_DROP_OFF}</p>
      )}
    </>
  );
}

/** The steps that lead to the chosen paths, each with its address. */
function Way({ root, reading, shown, jobId }: Props) {
  const { choice } = shown;
  if (!choice) return <strong>All paths</strong>;
  const way = wayTo(root, choice.path.length + (choice.outcome ? 1 : 0));
  return (
    <nav aria-label="Shown paths">
      <ol class={reading.direction === "Before" ? "backwards" : ""}>
        <li>
          <a href={addressOf(jobId, { ...shown, choice: undefined })}>All paths</a>
        </li>
        {way.map((branch, index) => (
          <li key={branch.key} class="wrap-anywhere">
            {index < way.length - 1 && index > 0 ? (
              <a href={addressOf(jobId, { ...shown, choice: { path: branch.path } })}>{branchName(branch, reading)}</a>
            ) : (
              <span aria-current={index === way.length - 1 ? "true" : undefined}>{branchName(branch, reading)}</span>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** The branches from the start to the chosen one: on the way there is only one at each level. */
function wayTo(root: Branch, levels: number): Branch[] {
  const way = [root];
  for (let branch = root.next[0]; branch && way.length <= levels; branch = branch.next[0]) way.push(branch);
  return way;
}

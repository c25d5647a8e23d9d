/** The commonest complete paths. Each can be shown alone, and made a view of. */

import { Table } from "../../components/tables";
import { number, share } from "../../formats";
import { useMayMakeViews } from "./ChosenPaths";
import { EventName } from "./PathTable";
import type { PathJob, PathResult } from "./requests";
import { addressOf, type Shown, viewAddress } from "./shown";
import { chosenFigures } from "./tree";
import { outcomeName, type Reading } from "./words";

type Complete = PathResult["paths"][number];

interface Props {
  job: PathJob;
  result: PathResult;
  shown: Shown;
  reading: Reading;
}

export function CommonPaths({ job, result, shown, reading }: Props) {
  const mayMake = useMayMakeViews();
  const hasEnd = Boolean(job.definition?.end);
  if (result.paths.length === 0) return null;
  return (
    <div class="stack tight">
      <h2>Commonest complete paths</h2>
      <p class="soft small">Each is one path from its start until it ended, dropped off, or had all its steps.</p>
      <Table
        caption="Commonest complete paths"
        rows={result.paths}
        keyOf={(path) => idsOf(path).join()}
        columns={[
          {
            title: "Path",
            cell: (path) => <Names path={path} start={result.tree.eventType} {...{ reading, hasEnd }} />,
          },
          { title: "Customers", numeric: true, cell: ({ customerCount }) => number(customerCount) },
          {
            title: "of the start",
            numeric: true,
            cell: ({ customerCount }) => share(customerCount, result.tree.customerCount),
          },
          { title: "Paths", numeric: true, cell: ({ eventCount }) => number(eventCount) },
          {
            title: "Actions",
            cell: (path) => (
              <div class="paths-actions">
                {isShown(path, result) && (
                  <a href={addressOf(job.id, { ...shown, choice: { path: idsOf(path) } })}>
                    Show<span class="unseen"> the paths that begin {textOf(path)}</span>
                  </a>
                )}
                {mayMake && path.eventTypes.length > 0 && (
                  <a href={viewAddress(job.id, idsOf(path), hasEnd)}>
                    Make a view of this path<span class="unseen">: {textOf(path)}</span>
                  </a>
                )}
              </div>
            ),
          },
        ]}
      />
    </div>
  );
}

function idsOf({ eventTypes }: Complete): string[] {
  return eventTypes.map(({ id }) => id);
}

function textOf({ eventTypes }: Complete): string {
  return eventTypes.map(({ name }) => name).join(", ") || "and drop off";
}

function isShown(path: Complete, { tree }: PathResult): boolean {
  return path.eventTypes.length > 0 && chosenFigures(tree, { path: idsOf(path) }) !== undefined;
}

interface NamesProps {
  path: Complete;
  start: Complete["eventTypes"][number];
  reading: Reading;
  hasEnd: boolean;
}

/** The steps in the order of time: a path that was read backwards ends with the start. */
function Names({ path: { eventTypes }, start, reading, hasEnd }: NamesProps) {
  const after = reading.direction === "After";
  const steps = [start, ...eventTypes].map(({ id, name }, index) => (
    <li key={index} class={index === 0 ? "paths-first" : ""}>
      <EventName name={name} type={id} native={reading.native} />
    </li>
  ));
  const last = hasEnd ? "ended" : eventTypes.length < reading.steps ? "dropped" : undefined;
  if (last) {
    steps.push(
      <li key={last} class="soft">
        {outcomeName(last, eventTypes.length + 1, reading)}
      </li>,
    );
  }
  return <ol class="paths-names">{after ? steps : steps.reverse()}</ol>;
}

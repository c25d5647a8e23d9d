/** The commonest complete paths. Each can be shown alone, and made a view of. */

import { useAction } from "../../api/loading";
import { downloadCsv } from "../../components/downloads";
import { Failed } from "../../components/states";
import { Table } from "../../components/tables";
import { number, share } from "../../formats";
import { NO_DROP_OFF, useMayMakeViews } from "./ChosenPaths";
import { EventName } from "./PathTable";
import { type PathJob, type PathResult, pathTable } from "./requests";
import { addressOf, type Shown, viewAddress } from "./shown";
import { choiceOf, chosenFigures } from "./tree";
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
  const saving = useAction(async () => {
    downloadCsv(`${job.name} - complete paths`, await pathTable(job.id, "paths"));
  });
  const hasEnd = Boolean(job.definition?.end);
  if (result.paths.length === 0) return null;
  return (
    <div class="stack tight">
      <div class="row apart">
        <h2>Commonest complete paths</h2>
        <button type="button" disabled={saving.running} onClick={() => void saving.run()}>
          Save these paths as CSV
        </button>
      </div>
      {saving.error !== undefined && <Failed error={saving.error} />}
      <p class="soft small">
        Each is one path from its start until it ended, dropped off, or had all its steps.
        {mayMake && !hasEnd && reading.direction === "After" && ` ${NO_DROP_OFF}`}
      </p>
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
            cell: (path) => {
              const choice = choiceOf(path, reading.steps, hasEnd);
              const text = textOf(path, reading, hasEnd);
              return (
                <div class="paths-actions">
                  {chosenFigures(result.tree, choice) && (
                    <a href={addressOf(job.id, { ...shown, choice })}>
                      Show<span class="unseen"> the path: {text}</span>
                    </a>
                  )}
                  {mayMake && path.eventTypes.length > 0 && (
                    <a href={viewAddress(job.id, choice.path, hasEnd)}>
                      Make a view of this path<span class="unseen">: {text}</span>
                    </a>
                  )}
                </div>
              );
            },
          },
        ]}
      />
    </div>
  );
}

function idsOf({ eventTypes }: Complete): string[] {
  return eventTypes.map(({ id }) => id);
}

/** The steps after the start, and what became of the path. */
function textOf(path: Complete, reading: Reading, hasEnd: boolean): string {
  const { outcome } = choiceOf(path, reading.steps, hasEnd);
  const names = path.eventTypes.map(({ name }) => name);
  return [...names, ...(outcome ? [outcomeName(outcome, names.length + 1, reading)] : [])].join(", ");
}

interface NamesProps {
  path: Complete;
  start: Complete["eventTypes"][number];
  reading: Reading;
  hasEnd: boolean;
}

/** The steps in the order of time: a path that was read backwards ends with the start. */
function Names({ path, start, reading, hasEnd }: NamesProps) {
  const { eventTypes } = path;
  const after = reading.direction === "After";
  const steps = [start, ...eventTypes].map(({ id, name }, index) => (
    <li key={index} class={index === 0 ? "paths-first" : ""}>
      <EventName name={name} type={id} native={reading.native} />
    </li>
  ));
  const { outcome } = choiceOf(path, reading.steps, hasEnd);
  if (outcome) {
    steps.push(
      <li key={outcome} class="soft">
        {outcomeName(outcome, eventTypes.length + 1, reading)}
      </li>,
    );
  }
  return <ol class="paths-names">{after ? steps : steps.reverse()}</ol>;
}

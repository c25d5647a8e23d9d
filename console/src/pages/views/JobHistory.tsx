/** The jobs of a view, newest first. */

import { useEffect } from "preact/hooks";
import { useListing } from "../../api/loading";
import { WhenListed } from "../../components/layout";
import { Empty } from "../../components/states";
import { Table } from "../../components/tables";
import { Time } from "../../components/times";
import { fromNow } from "../../formats";
import { address } from "../../routing";
import { byOf, byText, optionsTitle } from "./asked";
import { type Job, listJobs } from "./requests";
import { StatusBadge } from "./status";

interface Props {
  viewId: string;
  /** The names of the view's elements, by id. */
  names: ReadonlyMap<string, string>;
  /** The id of the job whose result the page shows. */
  shownJob: string | undefined;
  /** The state of the latest job: the list is loaded again when it changes. */
  changed: string | undefined;
}

export function JobHistory({ viewId, names, shownJob, changed }: Props) {
  const jobs = useListing(`jobs|${viewId}`, (after, signal) => listJobs(viewId, undefined, after, signal));
  useEffect(() => {
    if (!jobs.loading) jobs.reload();
  }, [changed]);
  return (
    <WhenListed
      listed={jobs}
      what="jobs"
      empty={
        <Empty title="This view was never computed">
          <p>Jobs and their results are kept for 90 days, unless your operator chose another time.</p>
        </Empty>
      }
    >
      {(items) => (
        <Table
          caption="Jobs"
          rows={items}
          keyOf={({ id }) => id}
          columns={[
            { title: "Computed as of", cell: ({ dateCreated }) => <Time value={dateCreated} /> },
            { title: "Computes", cell: ({ options }) => optionsTitle(options, names) ?? "the view" },
            { title: "Version", numeric: true, cell: ({ journeyView }) => journeyView.version },
            { title: "State", cell: (job) => <State job={job} /> },
            { title: "Ended", cell: ({ dateCompleted }) => (dateCompleted ? <Time value={dateCompleted} /> : "–") },
            { title: "Took", cell: duration },
            {
              title: "Events received until",
              cell: ({ dateDataUntil }) => (dateDataUntil ? <Time value={dateDataUntil} /> : "–"),
            },
            { title: "Result", cell: (job) => <ResultLink viewId={viewId} job={job} shown={job.id === shownJob} /> },
          ]}
        />
      )}
    </WhenListed>
  );
}

function State({ job: { status, error } }: { job: Job }) {
  return (
    <div class="stack tight">
      <span>
        <StatusBadge status={status} />
      </span>
      {error && <span class="small wrap-anywhere">{error.message}</span>}
    </div>
  );
}

function duration({ dateCreated, dateCompleted }: Job): string {
  if (!dateCompleted) return "–";
  const milliseconds = Date.parse(dateCompleted) - Date.parse(dateCreated);
  return milliseconds < 60_000 ? `${(milliseconds / 1000).toFixed(1)} s` : fromNow(milliseconds, 0).replace(/^in /, "");
}

/** A breakdown is shown with its parts. */
function ResultLink({ viewId, job, shown }: { viewId: string; job: Job; shown: boolean }) {
  if (job.status !== "Complete") return <>–</>;
  if (shown) return <>shown</>;
  const by = byOf(job.options);
  const query = { version: job.journeyView.version, job: job.id, by: by && byText(by) };
  return (
    <a href={address(["views", viewId], query)}>
      Show result<span class="unseen"> of {job.dateCreated}</span>
    </a>
  );
}

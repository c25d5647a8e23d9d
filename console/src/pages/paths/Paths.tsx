/** Paths: the form of an exploration, and those that were computed. The page of one is loaded when it is shown. */

import "./paths.css";
import { useEffect } from "preact/hooks";
import { useListing, useLoaded } from "../../api/loading";
import { PageLayout, WhenListed, WhenLoaded } from "../../components/layout";
import { Empty } from "../../components/states";
import { Table } from "../../components/tables";
import { Time } from "../../components/times";
import { useMay } from "../../me";
import { address, useRoute } from "../../routing";
import type { PageProps } from "../pages";
import { isUnfinished, StatusBadge } from "../views/status";
import { Explore } from "./Explore";
import { formOf } from "./form";
import { isGone } from "./Gone";
import { getPathDefinition, listPathJobs, type PathJob } from "./requests";

/** Milliseconds between two looks at a list in which something is being computed. */
const PAUSE = 3000;

export default function Paths({ rest }: PageProps) {
  const [jobId] = rest;
  return jobId === undefined ? <PathList /> : <OneJob key={jobId} jobId={jobId} />;
}

function OneJob({ jobId }: { jobId: string }) {
  const module = useLoaded("paths", () => import("./Exploration"));
  return (
    <WhenLoaded loaded={module} what="the exploration">
      {({ default: Exploration }) => <Exploration jobId={jobId} />}
    </WhenLoaded>
  );
}

function PathList() {
  const mayAdd = useMay("viewsJobs:add");
  const from = useRoute().query.get("from") ?? undefined;
  return (
    <PageLayout
      title="Paths"
      about={`See what customers do next, or did before, without building a view first.${mayAdd ? " Choose where paths start." : ""}`}
    >
      {mayAdd && <FormFrom key={from ?? ""} jobId={from} />}
      <Recent mayAdd={mayAdd} />
    </PageLayout>
  );
}

/** The form, as an earlier exploration had it if there is one. */
function FormFrom({ jobId }: { jobId: string | undefined }) {
  const definition = useLoaded(jobId ?? null, (signal) => getPathDefinition(jobId ?? "", signal));
  if (jobId === undefined) return <Explore />;
  if (isGone(definition.error)) {
    return (
      <>
        <div class="notice warn">
          <p>The exploration of this address does not exist. The form is a new one.</p>
        </div>
        <Explore />
      </>
    );
  }
  return (
    <WhenLoaded loaded={definition} what="the exploration">
      {(loaded) => <Explore start={formOf(loaded)} />}
    </WhenLoaded>
  );
}

function Recent({ mayAdd }: { mayAdd: boolean }) {
  const jobs = useListing("path jobs", listPathJobs);
  const busy = jobs.items.some(({ status }) => isUnfinished(status));
  useEffect(() => {
    if (!busy || jobs.loading) return undefined;
    const timer = setTimeout(jobs.reload, PAUSE);
    return () => {
      clearTimeout(timer);
    };
  }, [busy, jobs.loading]);
  return (
    <div class="stack">
      <h2>Recent explorations</h2>
      <WhenListed listed={jobs} what="explorations" empty={<NoJobs mayAdd={mayAdd} />}>
        {(items) => <JobTable jobs={items} mayAdd={mayAdd} />}
      </WhenListed>
    </div>
  );
}

function NoJobs({ mayAdd }: { mayAdd: boolean }) {
  return (
    <Empty title="There are no explorations yet">
      <p>
        {mayAdd
          ? "Choose an event above, and press “Explore paths”."
          : "Ask an analyst of your organization to explore paths."}
      </p>
    </Empty>
  );
}

function JobTable({ jobs, mayAdd }: { jobs: readonly PathJob[]; mayAdd: boolean }) {
  return (
    <Table
      caption="Recent explorations"
      rows={jobs}
      keyOf={({ id }) => id}
      columns={[
        {
          title: "Name",
          cell: ({ id, name }) => (
            <a class="wrap-anywhere" href={address(["paths", id])}>
              {name}
            </a>
          ),
        },
        {
          title: "State",
          cell: ({ status, error }) => (
            <div class="stack tight paths-status">
              <span>
                <StatusBadge status={status} />
              </span>
              {error && <span class="small wrap-anywhere">{error.message}</span>}
            </div>
          ),
        },
        { title: "Started", cell: ({ dateCreated }) => <Time value={dateCreated} show="relative" /> },
        ...(mayAdd
          ? [
              {
                title: "Actions",
                cell: ({ id, name }: PathJob) => (
                  <a href={address(["paths"], { from: id })}>
                    Change and explore again<span class="unseen"> {name}</span>
                  </a>
                ),
              },
            ]
          : []),
      ]}
    />
  );
}

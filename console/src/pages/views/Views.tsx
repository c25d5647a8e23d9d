/** The list of views. The page of one view is loaded when it is shown. */

import "./views.css";
import { useEffect, useState } from "preact/hooks";
import { useAction, useListing, useLoaded } from "../../api/loading";
import { Confirm } from "../../components/dialogs";
import { TextField } from "../../components/forms";
import { PageLayout, WhenListed, WhenLoaded } from "../../components/layout";
import { Empty, Failed } from "../../components/states";
import { Table } from "../../components/tables";
import { Time } from "../../components/times";
import { useMay } from "../../me";
import { address, go, setQuery, useRoute } from "../../routing";
import type { PageProps } from "../pages";
import {
  createJob,
  deleteView,
  duplicateView,
  getSchedule,
  type Job,
  latestJob,
  listViews,
  type View,
} from "./requests";
import { isUnfinished, StatusBadge } from "./status";

/** Milliseconds after the last key at which the search begins. */
const PAUSE = 250;

export default function Views({ rest }: PageProps) {
  const [viewId] = rest;
  return viewId === undefined ? <ViewList /> : <OneView viewId={viewId} />;
}

function OneView({ viewId }: { viewId: string }) {
  const module = useLoaded("view", () => import("./View"));
  return (
    <WhenLoaded loaded={module} what="the view">
      {({ default: ViewPage }) => <ViewPage key={viewId} viewId={viewId} />}
    </WhenLoaded>
  );
}

function ViewList() {
  const { query } = useRoute();
  const search = query.get("search") ?? "";
  const views = useListing(`views|${search}`, (after, signal) => listViews(search, after, signal));
  const mayAdd = useMay("views:add");
  return (
    <PageLayout
      title="Views"
      about="A view shows how many customers go from one event to the next, within which time, and where they drop out."
      actions={
        mayAdd && (
          <a class="button primary" href="#/builder">
            New view
          </a>
        )
      }
    >
      <Search value={search} />
      <WhenListed
        listed={views}
        what="views"
        empty={search ? <NothingFound search={search} /> : <NoViews mayAdd={mayAdd} />}
      >
        {(items) => <ViewTable views={items} onChange={views.reload} />}
      </WhenListed>
    </PageLayout>
  );
}

function Search({ value }: { value: string }) {
  const [text, setText] = useState(value);
  useEffect(() => {
    setText(value);
  }, [value]);
  useEffect(() => {
    if (text === value) return undefined;
    const timer = setTimeout(() => {
      setQuery({ search: text }, { replace: true });
    }, PAUSE);
    return () => {
      clearTimeout(timer);
    };
  }, [text]);
  return (
    <div class="views-search">
      <TextField
        label="Search by name"
        type="search"
        value={text}
        onValue={setText}
        maxLength={256}
        autocomplete="off"
      />
    </div>
  );
}

function NothingFound({ search }: { search: string }) {
  return (
    <Empty title="No view matches">
      <p>No view has “{search}” in its name.</p>
      <a href="#/views">Show all views</a>
    </Empty>
  );
}

function NoViews({ mayAdd }: { mayAdd: boolean }) {
  return (
    <Empty title="There are no views yet">
      <p>Put the events that you want to follow in order, connect them, and compute how customers went through them.</p>
      {mayAdd ? (
        <a class="button primary" href="#/builder">
          Build the first view
        </a>
      ) : (
        <p>Ask an analyst of your organization to build one.</p>
      )}
    </Empty>
  );
}

function ViewTable({ views, onChange }: { views: readonly View[]; onChange: () => void }) {
  return (
    <Table
      caption="Views"
      rows={views}
      keyOf={({ id = "" }) => id}
      columns={[
        {
          title: "Name",
          cell: ({ id = "", name, description }) => (
            <div class="views-name">
              <a href={address(["views", id])}>{name}</a>
              {description && <p class="small soft">{description}</p>}
            </div>
          ),
        },
        {
          title: "Changed",
          cell: ({ dateModified }) =>
            dateModified && (
              <span class="views-time">
                <Time value={dateModified} show="relative" />
              </span>
            ),
        },
        { title: "Last computation", cell: (view) => <LastJob view={view} /> },
        { title: "Schedule", cell: ({ id = "" }) => <ScheduleText viewId={id} /> },
        { title: "Actions", cell: (view) => <ViewActions view={view} onChange={onChange} /> },
      ]}
    />
  );
}

/** The latest job of a view's version, and the button for another one. */
function LastJob({ view: { id = "", version = 1, name } }: { view: View }) {
  const latest = useLoaded(`${id}|${version}`, (signal) => latestJob(id, version, signal));
  const compute = useAction(async () => {
    await createJob(id, version);
    latest.reload();
  });
  const mayCompute = useMay("viewsJobs:add");
  const job: Job | undefined = latest.data;
  useEffect(() => {
    if (!isUnfinished(job?.status)) return undefined;
    const timer = setTimeout(latest.reload, 2000);
    return () => {
      clearTimeout(timer);
    };
  }, [latest.loading, job?.status]);
  return (
    <div class="stack tight">
      {latest.error !== undefined && <span class="small soft">unknown</span>}
      {job ? (
        <span class="row views-time">
          <StatusBadge status={job.status} />
          <span class="small soft">
            <Time value={job.dateCompleted ?? job.dateCreated} show="relative" />
          </span>
        </span>
      ) : (
        !latest.loading && latest.error === undefined && <span class="small soft">never computed</span>
      )}
      {mayCompute && !isUnfinished(job?.status) && !latest.loading && (
        <div>
          <button type="button" class="plain flush" disabled={compute.running} onClick={() => void compute.run()}>
            Compute now<span class="unseen"> of {name}</span>
          </button>
        </div>
      )}
      {compute.error !== undefined && <Failed error={compute.error} />}
    </div>
  );
}

function ScheduleText({ viewId }: { viewId: string }) {
  const mayView = useMay("viewsSchedule:view");
  const schedule = useLoaded(mayView ? viewId : null, (signal) => getSchedule(viewId, signal));
  if (schedule.loading || schedule.error !== undefined) return null;
  if (!schedule.data) return <span class="soft">none</span>;
  return (
    <>
      {schedule.data.frequency}
      <div class="small soft">
        next <Time value={schedule.data.dateNext} />
      </div>
    </>
  );
}

function ViewActions({ view: { id = "", name = "" }, onChange }: { view: View; onChange: () => void }) {
  const [asking, setAsking] = useState(false);
  const [mayAdd, mayEdit, mayDelete] = [useMay("views:add"), useMay("views:edit"), useMay("views:delete")];
  const duplicate = useAction(async () => {
    const copy = await duplicateView(id);
    go(address(["views", copy.id ?? ""]));
  });
  return (
    <div class="views-actions">
      {mayEdit && (
        <a href={address(["builder", id])}>
          Edit<span class="unseen"> {name}</span>
        </a>
      )}
      {mayAdd && (
        <button type="button" class="plain" disabled={duplicate.running} onClick={() => void duplicate.run()}>
          Duplicate<span class="unseen"> {name}</span>
        </button>
      )}
      {mayDelete && (
        <button
          type="button"
          class="plain"
          onClick={() => {
            setAsking(true);
          }}
        >
          Delete<span class="unseen"> {name}</span>
        </button>
      )}
      {duplicate.error !== undefined && <Failed error={duplicate.error} />}
      {asking && (
        <DeleteView
          viewId={id}
          name={name}
          onDeleted={onChange}
          onClose={() => {
            setAsking(false);
          }}
        />
      )}
    </div>
  );
}

interface DeleteProps {
  viewId: string;
  name: string;
  onDeleted: () => void;
  onClose: () => void;
}

export function DeleteView({ viewId, name, onDeleted, onClose }: DeleteProps) {
  return (
    <Confirm
      title={`Delete “${name}”?`}
      verb="Delete view"
      act={async () => {
        await deleteView(viewId);
        onDeleted();
      }}
      onClose={onClose}
    >
      <p>
        All versions, the schedule, the jobs and their results are deleted too, and computations that are running are
        canceled. This cannot be undone. Events are kept.
      </p>
    </Confirm>
  );
}

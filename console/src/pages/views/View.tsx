/** One view: the picture of the journey, its charts and figures, and its jobs, versions and schedule. */

import { useMemo, useState } from "preact/hooks";
import { useAction, useLoaded } from "../../api/loading";
import { PageLayout, WhenLoaded } from "../../components/layout";
import { Failed } from "../../components/states";
import { Tabs } from "../../components/tabs";
import { Time } from "../../components/times";
import { countedText } from "../../journey/words";
import { useMay } from "../../me";
import { address, go, setQuery, useRoute } from "../../routing";
import { coveredTime } from "./asked";
import { JobHistory } from "./JobHistory";
import { duplicateView, getView, type Outcome, type View } from "./requests";
import { Results } from "./Results";
import { ScheduleForm } from "./ScheduleForm";
import { useShown } from "./shown";
import { type Computation, ComputationState, isUnfinished, useComputation } from "./status";
import { NOTHING_ASKED } from "./useAsked";
import { Versions } from "./Versions";
import { DeleteView } from "./Views";

const TABS = [
  { name: "", title: "Journey" },
  { name: "table", title: "Table" },
  { name: "jobs", title: "Jobs" },
  { name: "versions", title: "Versions" },
  { name: "schedule", title: "Schedule" },
];

const COUNTED: Readonly<Record<string, string>> = {
  people: "Identifiers that are linked are one customer.",
  identifiers: "Each identifier is a customer of its own.",
};

export default function ViewPage({ viewId }: { viewId: string }) {
  const latest = useLoaded(viewId, (signal) => getView(viewId, undefined, signal));
  const shown = (
    <WhenLoaded loaded={latest} what="the view">
      {(view) => <LatestView key={view.version} latest={view} viewId={viewId} />}
    </WhenLoaded>
  );
  if (latest.data) return shown;
  return (
    <PageLayout title="View" above={{ label: "Views", href: "#/views" }}>
      {shown}
    </PageLayout>
  );
}

function LatestView({ latest, viewId }: { latest: View; viewId: string }) {
  const { query } = useRoute();
  const newest = latest.version ?? 1;
  const version = Number(query.get("version") ?? newest);
  const loaded = useLoaded(`${viewId}|${version}`, (signal) =>
    version === newest ? Promise.resolve(latest) : getView(viewId, version, signal),
  );
  const jobId = query.get("job") ?? undefined;
  const shown = useShown(viewId, version, jobId);
  const computation = useComputation(viewId, version, () => {
    shown.reload();
  });
  const tabs = useMayTabs();
  const tab = tabs.find(({ name }) => name === query.get("tab")) ?? tabs[0];
  const view = loaded.data ?? latest;
  const names = useMemo(() => new Map((view.elements ?? []).map(({ id = "", name = "" }) => [id, name])), [view]);
  return (
    <PageLayout
      title={view.name ?? "View"}
      above={{ label: "Views", href: "#/views" }}
      about={view.description}
      actions={<ViewActions viewId={viewId} view={view} computation={computation} />}
    >
      <div class="view-facts small soft">
        <span>Covers {coveredTime(view, shown.outcome?.job.options)}</span>
        <span title={COUNTED[countedText(view)]}>Counts {countedText(view)}</span>
        <span>
          Version {version}
          {version !== newest && (
            <>
              {" "}
              of {newest}, <a href={address(["views", viewId])}>show the latest</a>
            </>
          )}
        </span>
        {shown.outcome && <ResultFacts outcome={shown.outcome} chosen={shown.outcome.job.id !== shown.newest} />}
      </div>
      {loaded.error !== undefined && <Failed error={loaded.error} />}
      <ComputationState computation={computation} />
      <Tabs
        label="Parts of the view"
        tabs={tabs.map(({ name, title }) => ({
          title,
          href: address(["views", viewId], { ...Object.fromEntries(query), tab: name }),
          current: name === tab?.name,
        }))}
      />
      {tab?.name === "jobs" ? (
        <JobHistory viewId={viewId} names={names} shownJob={shown.outcome?.job.id} changed={computation.job?.status} />
      ) : tab?.name === "versions" ? (
        <Versions viewId={viewId} newest={newest} shown={version} />
      ) : tab?.name === "schedule" ? (
        <ScheduleForm viewId={viewId} />
      ) : (
        <Results
          viewId={viewId}
          version={version}
          newestVersion={newest}
          shown={shown}
          view={view}
          computation={computation}
          table={tab?.name === "table"}
          selected={query.get("element") ?? undefined}
        />
      )}
    </PageLayout>
  );
}

function useMayTabs() {
  const may: Readonly<Record<string, boolean>> = {
    jobs: useMay("viewsJobs:view"),
    schedule: useMay("viewsSchedule:view"),
  };
  return TABS.filter(({ name }) => may[name] ?? true);
}

/** What the figures on the page were computed from. */
function ResultFacts({ outcome: { job, result }, chosen }: { outcome: Outcome; chosen: boolean }) {
  const until = result.dateDataUntil ?? job.dateDataUntil;
  return (
    <>
      <span>
        {chosen ? "Result of the job of " : "Computed "}
        <Time value={job.dateCreated} show={chosen ? "moment" : "relative"} />
        {chosen && (
          <>
            ,{" "}
            <button
              type="button"
              class="plain small"
              onClick={() => {
                setQuery(NOTHING_ASKED);
              }}
            >
              show the newest result
            </button>
          </>
        )}
      </span>
      {until && (
        <span>
          Counts events received until <Time value={until} />
        </span>
      )}
    </>
  );
}

interface ActionsProps {
  viewId: string;
  view: View;
  computation: Computation;
}

function ViewActions({ viewId, view, computation }: ActionsProps) {
  const [asking, setAsking] = useState(false);
  const [mayAdd, mayEdit, mayDelete] = [useMay("views:add"), useMay("views:edit"), useMay("views:delete")];
  const mayCompute = useMay("viewsJobs:add");
  const duplicate = useAction(async () => {
    const copy = await duplicateView(viewId);
    go(address(["views", copy.id ?? ""]));
  });
  return (
    <>
      {mayCompute && (
        <button
          type="button"
          class="primary"
          disabled={!computation.known || computation.starting || isUnfinished(computation.job?.status)}
          onClick={() => {
            setQuery(NOTHING_ASKED, { replace: true });
            computation.start();
          }}
        >
          Compute now
        </button>
      )}
      {mayEdit && (
        <a class="button" href={address(["builder", viewId])}>
          Edit view
        </a>
      )}
      {mayAdd && (
        <button type="button" disabled={duplicate.running} onClick={() => void duplicate.run()}>
          Duplicate view
        </button>
      )}
      {mayDelete && (
        <button
          type="button"
          class="danger"
          onClick={() => {
            setAsking(true);
          }}
        >
          Delete view
        </button>
      )}
      {duplicate.error !== undefined && <Failed error={duplicate.error} />}
      {asking && (
        <DeleteView
          viewId={viewId}
          name={view.name ?? ""}
          onDeleted={() => {
            go("#/views");
          }}
          onClose={() => {
            setAsking(false);
          }}
        />
      )}
    </>
  );
}

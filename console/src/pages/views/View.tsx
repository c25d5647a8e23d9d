/** One view: the picture of the journey, its charts and figures, and its jobs, versions and schedule. */

import { useCallback, useMemo, useRef, useState } from "preact/hooks";
import { useAction, useLoaded } from "../../api/loading";
import { ChartCard } from "../../charts/ChartCard";
import { download, downloadCsv } from "../../components/downloads";
import { PageLayout, WhenLoaded } from "../../components/layout";
import { pngFile, svgFile } from "../../components/pictures";
import { Empty, Failed, Loading } from "../../components/states";
import { Tabs } from "../../components/tabs";
import { Time } from "../../components/times";
import { DurationCards, DurationTable, measuredOf } from "../../journey/durations";
import { JourneyGraph } from "../../journey/graph";
import { JourneyTable } from "../../journey/table";
import { countedText, graphElements, resultFigures, timeFrame } from "../../journey/words";
import { useMay } from "../../me";
import { address, go, setQuery, useRoute } from "../../routing";
import { JobHistory } from "./JobHistory";
import {
  chartTable,
  duplicateView,
  eventDefinitionNames,
  getView,
  type Outcome,
  outcome,
  type ResultTable,
  resultTable,
  type View,
} from "./requests";
import { ScheduleForm } from "./ScheduleForm";
import { type Computation, ComputationState, isUnfinished, useComputation } from "./status";
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
  const shown = useLoaded(`${viewId}|${version}`, (signal) =>
    version === newest ? Promise.resolve(latest) : getView(viewId, version, signal),
  );
  const jobId = query.get("job") ?? undefined;
  const results = useLoaded(`${viewId}|${version}|${jobId ?? ""}`, (signal) => outcome(viewId, version, jobId, signal));
  const computation = useComputation(viewId, version, () => {
    if (jobId === undefined) results.reload();
    else setQuery({ job: undefined }, { replace: true });
  });
  const tabs = useMayTabs();
  const tab = tabs.find(({ name }) => name === query.get("tab")) ?? tabs[0];
  const view = shown.data ?? latest;
  return (
    <PageLayout
      title={view.name ?? "View"}
      above={{ label: "Views", href: "#/views" }}
      about={view.description}
      actions={<ViewActions viewId={viewId} view={view} computation={computation} />}
    >
      <div class="view-facts small soft">
        <span>Covers {timeFrame(view)}</span>
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
        {results.data && <ResultFacts outcome={results.data} chosen={jobId !== undefined} />}
      </div>
      {shown.error !== undefined && <Failed error={shown.error} />}
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
        <JobHistory viewId={viewId} shownJob={results.data?.job.id} changed={computation.job?.status} />
      ) : tab?.name === "versions" ? (
        <Versions viewId={viewId} newest={newest} shown={version} />
      ) : tab?.name === "schedule" ? (
        <ScheduleForm viewId={viewId} />
      ) : (
        <Results
          loaded={results}
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
                setQuery({ job: undefined });
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
          onClick={computation.start}
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

// -- results -----------------------------------------------------------------------------------------------------------

interface ResultsProps {
  loaded: ReturnType<typeof useLoaded<Outcome | undefined>>;
  view: View;
  computation: Computation;
  table: boolean;
  selected: string | undefined;
}

function Results({ loaded, view, computation, table, selected }: ResultsProps) {
  const mayRead = useMay("eventDefinition:view");
  const definitions = useLoaded(mayRead ? "definitions" : null, eventDefinitionNames);
  // The view as it was computed; it may have been edited in place since.
  const computed = loaded.data?.view ?? view;
  const elements = useMemo(() => graphElements(computed, definitions.data), [computed, definitions.data]);
  const figures = useMemo(() => loaded.data && resultFigures(loaded.data.result), [loaded.data]);
  const measured = useMemo(
    () => (figures ? measuredOf(elements, figures, loaded.data?.result.durations, table ? undefined : selected) : []),
    [elements, figures, loaded.data, table, selected],
  );
  const svg = useRef<SVGSVGElement | null>(null);
  const keep = useCallback((element: SVGSVGElement | null) => {
    svg.current = element;
  }, []);
  const waiting = loaded.loading && !loaded.data;
  return (
    <>
      {loaded.error !== undefined && <Failed error={loaded.error} retry={loaded.reload} />}
      {!figures && !waiting && loaded.error === undefined && <NeverComputed computation={computation} />}
      {loaded.data && loaded.data.view.dateModified !== view.dateModified && (
        <div class="notice warn">
          <p>This version was changed after these figures were computed. The page shows the view as it was then.</p>
        </div>
      )}
      {!table && (
        <JourneyGraph
          elements={elements}
          figures={figures}
          pending={waiting}
          selected={selected}
          onSelect={(id) => {
            setQuery({ element: id }, { replace: true });
          }}
          label={`Journey ${computed.name ?? ""}`}
          svgRef={keep}
        />
      )}
      {table && waiting && <Loading what="figures" />}
      {table && figures && <JourneyTable elements={elements} figures={figures} />}
      {table && <DurationTable measured={measured} />}
      {loaded.data && <Saving svg={svg} outcome={loaded.data} table={table} />}
      {!table && <DurationCards measured={measured} at={elements.find(({ id }) => id === selected)?.name} />}
      {!table && loaded.data && <Charts outcome={loaded.data} />}
    </>
  );
}

function NeverComputed({ computation }: { computation: Computation }) {
  const mayCompute = useMay("viewsJobs:add");
  if (isUnfinished(computation.job?.status)) return null;
  return (
    <Empty title="This version has no figures yet">
      <p>
        The picture shows what will be counted. Computing it takes seconds to minutes, depending on how many events
        there are.
      </p>
      {mayCompute ? (
        <button type="button" class="primary" disabled={computation.starting} onClick={computation.start}>
          Compute figures
        </button>
      ) : (
        <p>Ask an analyst of your organization to compute it.</p>
      )}
    </Empty>
  );
}

function Charts({ outcome: { job, view, result } }: { outcome: Outcome }) {
  const names = useMemo(() => new Map((view.elements ?? []).map(({ id = "", name = "" }) => [id, name])), [view]);
  const charts = [...(view.charts ?? [])].sort((one, other) => (one.rank ?? 0) - (other.rank ?? 0));
  if (charts.length === 0) return null;
  return (
    <section class="stack" aria-labelledby="charts">
      <h2 id="charts">Charts</h2>
      <div class="view-charts">
        {charts.map((chart) => {
          const own = result.charts.find(({ id }) => id === chart.id);
          const save = async () => {
            downloadCsv(chart.name ?? "Chart", await chartTable(job, own?.id ?? ""));
          };
          return own && <ChartCard key={chart.id} chart={chart} result={own} elements={names} save={save} />;
        })}
      </div>
    </section>
  );
}

// -- files -------------------------------------------------------------------------------------------------------------

interface SavingProps {
  svg: { current: SVGSVGElement | null };
  outcome: Outcome;
  table: boolean;
}

const FILES: readonly ResultTable[] = ["elements", "links", "durations", "charts"];

function Saving({ svg, outcome: { job, view, result }, table }: SavingProps) {
  const [error, setError] = useState<unknown>();
  const name = view.name ?? "view";
  const saving = useAction(async (file: ResultTable) => {
    downloadCsv(`${name} - ${file}`, await resultTable(job, file));
  });
  // The table of the links has their durations, so this one only has those that the view names.
  const optional = { charts: view.charts ?? [], durations: result.durations ?? [] };
  const files = FILES.filter((file) => !(file in optional) || optional[file as keyof typeof optional].length > 0);
  return (
    <div class="row view-saving small">
      {!table && (
        <>
          <button
            type="button"
            class="plain"
            onClick={() => {
              if (svg.current) download(`${name}.svg`, svgFile(svg.current), "image/svg+xml");
            }}
          >
            Save picture as SVG
          </button>
          <button
            type="button"
            class="plain"
            onClick={() => {
              if (!svg.current) return;
              pngFile(svg.current).then((file) => {
                download(`${name}.png`, file);
              }, setError);
            }}
          >
            Save picture as PNG
          </button>
        </>
      )}
      {files.map((file) => (
        <button key={file} type="button" class="plain" disabled={saving.running} onClick={() => void saving.run(file)}>
          Save {file} as CSV
        </button>
      ))}
      {error !== undefined && <Failed error={error} />}
      {saving.error !== undefined && <Failed error={saving.error} />}
    </div>
  );
}

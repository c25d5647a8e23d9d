/** The figures of a view: the picture or the tables, durations, charts, and the files of them. */

import { useCallback, useMemo, useRef, useState } from "preact/hooks";
import { useAction, useLoaded } from "../../api/loading";
import { ChartCard } from "../../charts/ChartCard";
import { download, downloadCsv } from "../../components/downloads";
import { pngFile, svgFile } from "../../components/pictures";
import { Empty, Failed, Loading } from "../../components/states";
import { DurationCards, DurationTable, measuredOf } from "../../journey/durations";
import { JourneyGraph } from "../../journey/graph";
import { JourneyTable } from "../../journey/table";
import { WhoContext } from "../../journey/who";
import { graphElements, resultFigures } from "../../journey/words";
import { useMay } from "../../me";
import { setQuery } from "../../routing";
import { AskBar } from "./AskBar";
import { BrokenDown } from "./BrokenDown";
import { ChosenState } from "./Chosen";
import { Compared } from "./Compared";
import { chartTable, eventDefinitionNames, type Outcome, type ResultTable, resultTable, type View } from "./requests";
import type { Shown } from "./shown";
import { useAsked } from "./useAsked";
import { useWho } from "./useWho";
import { WhoPanel } from "./WhoPanel";
import { type Computation, isUnfinished } from "./status";

interface ResultsProps {
  viewId: string;
  version: number;
  newestVersion: number;
  shown: Shown;
  view: View;
  computation: Computation;
  table: boolean;
  selected: string | undefined;
}

export function Results(props: ResultsProps) {
  const { viewId, version, newestVersion, shown, view, computation, table, selected } = props;
  const mayRead = useMay("eventDefinition:view");
  const definitions = useLoaded(mayRead ? "definitions" : null, eventDefinitionNames);
  // The view as it was computed; it may have been edited in place since.
  const computed = shown.outcome?.view ?? view;
  const elements = useMemo(() => graphElements(computed, definitions.data), [computed, definitions.data]);
  const figures = useMemo(() => shown.outcome && resultFigures(shown.outcome.result), [shown.outcome]);
  const measured = useMemo(
    () => (figures ? measuredOf(elements, figures, shown.outcome?.result.durations, table ? undefined : selected) : []),
    [elements, figures, shown.outcome, table, selected],
  );
  const who = useWho(shown);
  const asked = useAsked(viewId, version, view, shown);
  const svg = useRef<SVGSVGElement | null>(null);
  const keep = useCallback((element: SVGSVGElement | null) => {
    svg.current = element;
  }, []);
  const waiting = shown.loading && !shown.outcome;
  const { job: chosen, error: chosenError } = shown.chosen;
  // The page shows the progress of the latest computation already.
  const isFollowed = chosen !== undefined && chosen.id === computation.job?.id && isUnfinished(chosen.status);
  const followed = isFollowed ? { ...shown.chosen, job: undefined } : shown.chosen;
  const asksMore = asked.by !== undefined || asked.compared !== undefined;
  const isIdle = shown.error === undefined && chosenError === undefined && chosen === undefined;
  return (
    <WhoContext.Provider value={who.open}>
      {shown.error !== undefined && <Failed error={shown.error} retry={shown.reload} />}
      {!asksMore && <ChosenState followed={followed} what="The figures of this address" />}
      {!figures && !waiting && isIdle && <NeverComputed computation={computation} />}
      {shown.outcome && shown.outcome.view.dateModified !== view.dateModified && (
        <div class="notice warn">
          <p>This version was changed after these figures were computed. The page shows the view as it was then.</p>
        </div>
      )}
      {who.unknown && (
        <div class="notice warn">
          <p>This address names no figure whose customers can be listed. Choose a number on this page.</p>
        </div>
      )}
      {figures && (
        <AskBar view={computed} elements={elements} asked={asked} version={version} newestVersion={newestVersion} />
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
      {shown.outcome && <Saving svg={svg} outcome={shown.outcome} table={table} />}
      {asked.by && (
        <BrokenDown
          asked={asked}
          followed={followed}
          loading={shown.loading}
          outcome={shown.current ? shown.outcome : undefined}
          elements={elements}
          table={table}
        />
      )}
      {asked.compared && (
        <Compared
          viewId={viewId}
          version={version}
          compared={asked.compared}
          asked={asked}
          followed={followed}
          outcome={shown.current ? shown.outcome : undefined}
          table={table}
        />
      )}
      {!table && <DurationCards measured={measured} at={elements.find(({ id }) => id === selected)?.name} />}
      {!table && shown.outcome && <Charts outcome={shown.outcome} />}
      {who.shown && shown.outcome && figures && (
        <WhoPanel who={who.shown} outcome={shown.outcome} elements={elements} figures={figures} onClose={who.close} />
      )}
    </WhoContext.Provider>
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

const FILE_NAMES: Partial<Record<ResultTable, string>> = { durations: "durations across the view" };
const FILES: readonly ResultTable[] = ["elements", "links", "durations", "charts"];

function Saving({ svg, outcome: { job, view, result }, table }: SavingProps) {
  const [error, setError] = useState<unknown>();
  const name = view.name ?? "view";
  const saving = useAction(async (file: ResultTable) => {
    downloadCsv(`${name} - ${file}`, await resultTable(job, file));
  });
  // The table of the links has their durations, so that of durations only has those that the view names.
  const links = result.elements.flatMap(({ followedBy }) => followedBy);
  const optional = { links, charts: view.charts ?? [], durations: result.durations ?? [] };
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
          Save {FILE_NAMES[file] ?? file} as CSV
        </button>
      ))}
      {error !== undefined && <Failed error={error} />}
      {saving.error !== undefined && <Failed error={saving.error} />}
    </div>
  );
}

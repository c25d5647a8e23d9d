/** A chart of a view: a picture for each metric, its legend, and the same values as a table. */

import "./charts.css";
import { useContext, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Model } from "../api/client";
import { useAction, useLoaded } from "../api/loading";
import { download } from "../components/downloads";
import { pngFile, svgFile } from "../components/pictures";
import { useWidth } from "../components/sizes";
import { Failed, Loading } from "../components/states";
import { Table } from "../components/tables";
import { number } from "../formats";
import { type Group, type Who, WhoContext } from "../journey/who";
import { WhoButton } from "../journey/who-number";
import { groupText, metricText } from "../journey/words";
import { type ChartData, chartData, drawn, groupLabel, type Panel, periodLabel } from "./data";

interface Props {
  chart: Model<"JourneyViewChart">;
  result: Model<"ViewChartResult">;
  /** The names of the elements, by id. */
  elements: ReadonlyMap<string, string>;
  /** Saves the values as a file. */
  save: () => Promise<void>;
}

export function ChartCard({ chart, result, elements, save }: Props) {
  const saving = useAction(save);
  const data = useMemo(() => chartData(chart, result), [chart, result]);
  const [table, setTable] = useState(false);
  const name = chart.name ?? "Chart";
  const empty = data.axis.length === 0;
  const single = data.axis.length === 1 && data.axis[0] === "";
  return (
    <section class="card chart-card" aria-label={name}>
      <div>
        <h3 class="wrap-anywhere">{name}</h3>
        <p class="small soft">
          {data.panels.map(({ metric }) => metricText(metric, elements)).join("; ")}, {groupText(chart)}
          {chart.groupByTime && " in UTC"}
        </p>
      </div>
      {single ? (
        <SingleValues chart={chart} data={data} />
      ) : empty ? (
        <p class="soft">No events were counted, so there is nothing to draw.</p>
      ) : table ? (
        <ChartTable chart={chart} data={data} name={name} />
      ) : (
        data.panels.map((panel) => (
          <PanelPicture
            key={panel.metric.id}
            chart={chart}
            data={data}
            panel={panel}
            name={data.panels.length > 1 ? `${name}, ${labelOf(panel)}` : name}
            titled={data.panels.length > 1}
            legend={chart.displayAttributes?.showLegend !== false}
          />
        ))
      )}
      {!empty && (
        <div class="chart-saving small">
          {!single && (
            <button
              type="button"
              class="plain"
              onClick={() => {
                setTable(!table);
              }}
            >
              {table ? "Show as picture" : "Show as table"}
              <span class="unseen"> of {name}</span>
            </button>
          )}
          <button type="button" class="plain" disabled={saving.running} onClick={() => void saving.run()}>
            Save as CSV<span class="unseen"> of {name}</span>
          </button>
          {saving.error !== undefined && <Failed error={saving.error} />}
        </div>
      )}
    </section>
  );
}

/** The customers behind a group of a chart. */
function whoOf(chart: Props["chart"], panel: Panel, group: Group | undefined): Who | undefined {
  return group && { kind: "group", chartId: chart.id ?? "", metricId: panel.metric.id ?? "", group };
}

interface ValueProps {
  chart: Props["chart"];
  panel: Panel;
  value: number | undefined;
  group: Group | undefined;
}

/** A value that shows who is behind it; a dash where there is none. */
function Value({ chart, panel, value, group }: ValueProps) {
  if (value === undefined) return <>–</>;
  const label = [`${number(value)} ${labelOf(panel)}`, group && groupLabel(chart, group)].filter(Boolean).join(", ");
  return (
    <WhoButton show={whoOf(chart, panel, group)} label={label}>
      {number(value)}
    </WhoButton>
  );
}

/** The values of a chart without groups. */
function SingleValues({ chart, data }: { chart: Props["chart"]; data: ChartData }) {
  return (
    <dl class="chart-values">
      {data.panels.map((panel) => {
        const [series] = panel.series;
        return (
          <div key={panel.metric.id}>
            <dt class="small soft">{labelOf(panel)}</dt>
            <dd>
              <Value chart={chart} panel={panel} value={series?.values[0]} group={series?.groups[0]} />
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function labelOf({ metric }: Panel): string {
  return metric.displayLabel ?? metric.attribute ?? (metric.aggregate === "EventCount" ? "events" : "customers");
}

interface PanelProps {
  chart: Props["chart"];
  data: ChartData;
  panel: Panel;
  name: string;
  titled: boolean;
  legend: boolean;
}

function PanelPicture({ chart, data, panel, name, titled, legend }: PanelProps) {
  const open = useContext(WhoContext);
  const plot = useLoaded("plot", () => import("./plot"));
  const frame = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => drawn(data, panel), [data, panel]);
  const width = useWidth(frame, 0);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const element = frame.current;
    if (!element || !plot.data || width === 0) return;
    const onGroup = (group: Group) => {
      const who = whoOf(chart, panel, group);
      if (who) open?.(who);
    };
    const metric = labelOf(panel);
    const picture = plot.data.draw({ data, drawn: shown, metric, width, onGroup: open && onGroup });
    picture.setAttribute("aria-hidden", "true"); // Its parts have labels that screen readers cannot use.
    element.replaceChildren(picture);
  }, [plot.data, shown, width, open]);
  const picture = () => frame.current?.querySelector("svg") ?? undefined;
  return (
    <figure class="chart">
      {titled && <figcaption>{labelOf(panel)}</figcaption>}
      {plot.error !== undefined && <Failed error={plot.error} />}
      {plot.loading && <Loading what="charts" />}
      <div
        ref={frame}
        class={`chart-frame ${open ? "chart-who" : ""}`}
        role="img"
        aria-label={`${name}: ${labelOf(panel)}. The table has the same values.`}
      />
      {legend && shown.series.length > 1 && (
        <ul class="chart-legend">
          {shown.series.map((series, index) => (
            <li key={series.name}>
              <span class={`chart-swatch series-${index + 1}`} aria-hidden="true">
                {data.kind === "Line" ? POINTS[index] : ""}
              </span>
              {series.name}
            </li>
          ))}
        </ul>
      )}
      {shown.omitted && <p class="small soft">{shown.omitted}</p>}
      {error !== undefined && <Failed error={error} />}
      <div class="chart-saving small">
        <button
          type="button"
          class="plain"
          onClick={() => {
            const svg = picture();
            if (svg) download(`${name}.svg`, svgFile(svg), "image/svg+xml");
          }}
        >
          Save as SVG<span class="unseen"> of {name}</span>
        </button>
        <button
          type="button"
          class="plain"
          onClick={() => {
            const svg = picture();
            if (!svg) return;
            pngFile(svg).then((file) => {
              download(`${name}.png`, file);
            }, setError);
          }}
        >
          Save as PNG<span class="unseen"> of {name}</span>
        </button>
      </div>
    </figure>
  );
}

/** The shapes of points in the legend, in the order of those in lines. */
const POINTS = ["●", "■", "▲", "◆", "★", "✚", "Y", "+"];

// -- the values --------------------------------------------------------------------------------------------------------

interface ValueRow {
  readonly at: string;
  readonly series: string;
  readonly cells: readonly Omit<ValueProps, "chart">[];
}

/** One row for each group that has a value of some metric. */
function valueRows(data: ChartData): ValueRow[] {
  const names = [...new Set(data.panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  return data.axis.flatMap((at, position) =>
    names.map((name) => ({
      at,
      series: name,
      cells: data.panels.map((panel) => {
        const own = panel.series.find((one) => one.name === name);
        return { panel, value: own?.values[position], group: own?.groups[position] };
      }),
    })),
  );
}

function ChartTable({ chart, data, name }: { chart: Props["chart"]; data: ChartData; name: string }) {
  const rows = valueRows(data);
  return (
    <div class="chart-table">
      <Table
        caption={`Values of ${name}`}
        rows={rows}
        keyOf={({ at, series }) => JSON.stringify([at, series])}
        columns={[
          { title: data.unit ?? "Group", cell: ({ at }) => periodLabel(data.unit, at) || "All" },
          ...(rows.some(({ series }) => series) ? [{ title: "Series", cell: ({ series }: ValueRow) => series }] : []),
          ...data.panels.map((panel, index) => ({
            title: labelOf(panel),
            numeric: true,
            cell: ({ cells }: ValueRow) => {
              const own = cells[index];
              return own && <Value chart={chart} {...own} />;
            },
          })),
        ]}
      />
    </div>
  );
}

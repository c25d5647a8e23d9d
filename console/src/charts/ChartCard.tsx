/** A chart of a view: a picture for each metric, its legend, and the same values as a table. */

import "./charts.css";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Model } from "../api/client";
import { useAction, useLoaded } from "../api/loading";
import { download } from "../components/downloads";
import { pngFile, svgFile } from "../components/pictures";
import { Failed, Loading } from "../components/states";
import { Table } from "../components/tables";
import { number } from "../formats";
import { groupText, metricText } from "../journey/words";
import { type ChartData, chartData, drawn, type Panel, periodLabel } from "./data";

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
        <SingleValues data={data} />
      ) : empty ? (
        <p class="soft">No events were counted, so there is nothing to draw.</p>
      ) : table ? (
        <ChartTable data={data} name={name} />
      ) : (
        data.panels.map((panel) => (
          <PanelPicture
            key={panel.metric.id}
            data={data}
            panel={panel}
            name={data.panels.length > 1 ? `${name}, ${labelOf(panel)}` : name}
            titled={data.panels.length > 1}
            legend={chart.displayAttributes?.showLegend !== false}
          />
        ))
      )}
      {!empty && !single && (
        <div class="chart-saving small">
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
          <button type="button" class="plain" disabled={saving.running} onClick={() => void saving.run()}>
            Save as CSV<span class="unseen"> of {name}</span>
          </button>
          {saving.error !== undefined && <Failed error={saving.error} />}
        </div>
      )}
    </section>
  );
}

/** The values of a chart without groups. */
function SingleValues({ data }: { data: ChartData }) {
  return (
    <dl class="chart-values">
      {data.panels.map((panel) => {
        const value = panel.series[0]?.values[0];
        return (
          <div key={panel.metric.id}>
            <dt class="small soft">{labelOf(panel)}</dt>
            <dd>{value === undefined ? "–" : number(value)}</dd>
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
  data: ChartData;
  panel: Panel;
  name: string;
  titled: boolean;
  legend: boolean;
}

function PanelPicture({ data, panel, name, titled, legend }: PanelProps) {
  const plot = useLoaded("plot", () => import("./plot"));
  const frame = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => drawn(data, panel), [data, panel]);
  const width = useWidth(frame);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const element = frame.current;
    if (!element || !plot.data || width === 0) return;
    const picture = plot.data.draw({ data, drawn: shown, metric: labelOf(panel), width });
    picture.setAttribute("aria-hidden", "true"); // Its parts have labels that screen readers cannot use.
    element.replaceChildren(picture);
  }, [plot.data, shown, width]);
  const picture = () => frame.current?.querySelector("svg") ?? undefined;
  return (
    <figure class="chart">
      {titled && <figcaption>{labelOf(panel)}</figcaption>}
      {plot.error !== undefined && <Failed error={plot.error} />}
      {plot.loading && <Loading what="charts" />}
      <div
        ref={frame}
        class="chart-frame"
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
  readonly values: readonly (number | undefined)[];
}

/** One row for each group that has a value of some metric. */
function valueRows(data: ChartData): ValueRow[] {
  const names = [...new Set(data.panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  return data.axis.flatMap((at, position) =>
    names.map((name) => ({
      at,
      series: name,
      values: data.panels.map(({ series }) => series.find((one) => one.name === name)?.values[position]),
    })),
  );
}

function ChartTable({ data, name }: { data: ChartData; name: string }) {
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
            cell: ({ values }: ValueRow) => {
              const value = values[index];
              return value === undefined ? "–" : number(value);
            },
          })),
        ]}
      />
    </div>
  );
}

/** The width of an element, in pixels; 0 before it is known. */
function useWidth(frame: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const measure = () => {
      setWidth(element.clientWidth);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);
  return width;
}

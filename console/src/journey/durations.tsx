/** How long customers took, along links and between the elements that the view names: as cards and as a table. */

import "./durations.css";
import { useMemo, useState } from "preact/hooks";
import type { Model } from "../api/client";
import { Table } from "../components/tables";
import { count, number, shortDuration } from "../formats";
import { type Bar, histogram } from "./histogram";
import { connections, type Duration, type Figures, type GraphElement, linkKey } from "./model";

/** A duration with where it begins and ends. */
export interface Measured {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  /** What it is: a link with its time limit, or a time that the view measures. */
  readonly about: string;
  readonly duration: Duration;
}

/** The durations of a result, those that the view names first. With an element, only those that begin or end there. */
export function measuredOf(
  elements: readonly GraphElement[],
  figures: Figures,
  spans: readonly Model<"SpanDuration">[] = [],
  element?: string,
): Measured[] {
  const names = new Map(elements.map(({ id, name }) => [id, name]));
  const links = connections(elements).flatMap(({ from, to, link }) => {
    const duration = figures.durations.get(linkKey(from.id, to.id));
    const about = `Link${link.note ? ` ${link.note}` : ""}`;
    return duration ? [{ fromId: from.id, toId: to.id, kind: "link", about, duration }] : [];
  });
  const named = spans.map((span) => ({ ...span, kind: "span", about: "Across the view", duration: span }));
  return [...named, ...links]
    .filter(({ fromId, toId }) => element === undefined || fromId === element || toId === element)
    .map(({ fromId, toId, kind, about, duration }) => ({
      key: `${kind} ${linkKey(fromId, toId)}`,
      from: names.get(fromId) ?? fromId,
      to: names.get(toId) ?? toId,
      about,
      duration,
    }));
}

const FIGURES = [
  { name: "minimum", title: "Minimum" },
  { name: "median", title: "Median" },
  { name: "average", title: "Average" },
  { name: "percentile75", title: "75%" },
  { name: "percentile90", title: "90%" },
  { name: "percentile95", title: "95%" },
  { name: "maximum", title: "Maximum" },
] as const;

/** Cards that are shown before the reader asks for more. Links without customers have none. */
const SHOWN = 6;

interface CardsProps {
  measured: readonly Measured[];
  /** The name of the element that the durations begin or end at, if one is selected. */
  at?: string | undefined;
}

export function DurationCards({ measured, at }: CardsProps) {
  const [all, setAll] = useState(false);
  const taken = measured.filter(({ duration }) => duration.customerCount > 0);
  if (taken.length === 0) return null;
  const shown = all ? taken : taken.slice(0, SHOWN);
  return (
    <section class="stack" aria-labelledby="durations">
      <div>
        <h2 id="durations">Durations</h2>
        <p class="small soft">
          How long customers took from one event to the next{at === undefined ? "" : `, from or to ${at}`}. The figure
          at 75% is a time within which 75% of them arrived; it is exact to 1%. The area of a bar is its number of
          customers, and the axis of time is logarithmic.
        </p>
      </div>
      <div class="durations">
        {shown.map((one) => (
          <DurationCard key={one.key} measured={one} />
        ))}
      </div>
      {taken.length > SHOWN && (
        <div>
          <button
            type="button"
            onClick={() => {
              setAll(!all);
            }}
          >
            {all ? `Show ${SHOWN} durations` : `Show all ${number(taken.length)} durations`}
          </button>
        </div>
      )}
    </section>
  );
}

function DurationCard({ measured: { from, to, about, duration } }: { measured: Measured }) {
  // A link and a time that the view names can join the same elements.
  const name = `${from} to ${to} (${about})`;
  return (
    <section class="card duration-card" aria-label={`Duration from ${name}`}>
      <div>
        <h3 class="wrap-anywhere">
          <bdi>{from}</bdi> <span aria-hidden="true">→</span>
          <span class="unseen">to</span> <bdi>{to}</bdi>
        </h3>
        <p class="small soft">
          {about}, {count(duration.customerCount, "customer")}
        </p>
      </div>
      <HistogramPicture duration={duration} name={name} />
      <dl>
        {FIGURES.map(({ name: figure, title }) => (
          <div key={figure} class={figure === "median" ? "duration-median" : ""}>
            <dt>{title}</dt>
            <dd>{shortDuration(duration[figure] ?? 0)}</dd>
          </div>
        ))}
      </dl>
      <details>
        <summary class="small">
          Bars as a table<span class="unseen"> of {name}</span>
        </summary>
        <Bars bars={duration.histogram} name={name} />
      </details>
    </section>
  );
}

const WIDTH = 336;
const HEIGHT = 84;
const LABELS = 18;
/** Pixels that a bar with customers is high at least. */
const LEAST = 2;

function HistogramPicture({ duration, name }: { duration: Duration; name: string }) {
  const { bars, ticks, place } = useMemo(() => histogram(duration.histogram), [duration]);
  const median = place(duration.median ?? 0) * WIDTH;
  return (
    <svg
      class="duration-histogram"
      viewBox={`0 0 ${WIDTH} ${HEIGHT + LABELS}`}
      role="img"
      aria-label={`Histogram of the time from ${name}. The table has the same values.`}
    >
      {bars
        .filter(({ bar }) => bar.customerCount > 0)
        .map(({ bar, start, width, height }) => {
          const tall = Math.max(LEAST, height * (HEIGHT - 6));
          return (
            <rect
              key={bar.from}
              x={start * WIDTH + 0.5}
              y={HEIGHT - tall}
              width={Math.max(1, width * WIDTH - 1)}
              height={tall}
            >
              <title>{`${barText(bar)}: ${count(bar.customerCount, "customer")}`}</title>
            </rect>
          );
        })}
      <path class="duration-axis" d={`M0 ${HEIGHT + 0.5}H${WIDTH}`} />
      <path class="duration-mark" d={`M${median} 0V${HEIGHT}`} />
      {ticks.map(({ at, text }) => (
        <text key={text} x={at * WIDTH} y={HEIGHT + 14} text-anchor={at < 0.1 ? "start" : at > 0.9 ? "end" : "middle"}>
          {text}
        </text>
      ))}
    </svg>
  );
}

function barText({ from, to }: Bar): string {
  return from === 0 && to === 1 ? "at once" : `${shortDuration(from)} to ${shortDuration(to)}`;
}

function Bars({ bars, name }: { bars: readonly Bar[]; name: string }) {
  return (
    <div class="duration-bars">
      <Table
        caption={`Customers by time from ${name}`}
        rows={bars.filter(({ customerCount }) => customerCount > 0)}
        keyOf={({ from }) => String(from)}
        columns={[
          { title: "Time", cell: barText },
          { title: "Customers", numeric: true, cell: ({ customerCount }) => number(customerCount) },
        ]}
      />
    </div>
  );
}

export function DurationTable({ measured }: { measured: readonly Measured[] }) {
  if (measured.length === 0) return null;
  return (
    <Table
      caption="Durations"
      captionShown
      rows={measured}
      keyOf={({ key }) => key}
      columns={[
        { title: "From", cell: ({ from }) => from },
        { title: "To", cell: ({ to }) => to },
        { title: "Customers", numeric: true, cell: ({ duration }) => number(duration.customerCount) },
        ...FIGURES.map(({ name, title }) => ({
          title,
          numeric: true,
          cell: ({ duration }: Measured) => {
            const value = duration[name];
            return value === undefined ? "–" : shortDuration(value);
          },
        })),
      ]}
    />
  );
}

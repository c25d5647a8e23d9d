/** Stacked bars by day. The day under the pointer or the focus is explained below them. */

import { useState } from "preact/hooks";
import { NativeIcon } from "../../components/native-icon";
import { SourceMark, useSourceMarks } from "../../components/source-mark";
import { count, number, shortNumber, utcDay } from "../../formats";
import { axisTop, type Daily, type Series } from "./daily";

export function DailyBars({ daily }: { daily: Daily }) {
  const { days, totals, series } = daily;
  const marks = useSourceMarks(series.flatMap((one) => (one.kind === "source" ? [one.name] : [])));
  const [chosen, setChosen] = useState(days.length - 1);
  const [pointed, setPointed] = useState<number>();
  const shown = pointed ?? chosen;
  const top = axisTop(Math.max(...totals));
  const fill = (one: Series) =>
    one.kind === "source" ? `var(--series-${marks.get(one.name)?.color ?? 8})` : undefined;
  const move = (event: KeyboardEvent) => {
    const to = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: 0, End: days.length - 1 }[event.key];
    if (to === undefined || to < 0 || to >= days.length) return;
    event.preventDefault();
    setChosen(to);
    setPointed(undefined);
    const bars = (event.currentTarget as HTMLElement).querySelectorAll("button");
    bars[to]?.focus();
  };
  return (
    <div class="home-chart">
      <div class="home-plot">
        <div class="home-axis small soft number" aria-hidden="true">
          <span>{shortNumber(top)}</span>
          <span>{shortNumber(top / 2)}</span>
          <span>0</span>
        </div>
        <div
          class="home-bars"
          role="toolbar"
          aria-label="Events by day, with the arrow keys"
          onKeyDown={move}
          onPointerLeave={() => {
            setPointed(undefined);
          }}
        >
          {days.map((day, index) => (
            <button
              key={day}
              type="button"
              class={index === shown ? "shown" : ""}
              tabindex={index === chosen ? 0 : -1}
              aria-pressed={index === chosen}
              aria-label={sentence(daily, index)}
              onClick={() => {
                setChosen(index);
              }}
              onPointerEnter={() => {
                setPointed(index);
              }}
            >
              <span class="home-bar">
                {series.map((one) => (
                  <span
                    key={one.key}
                    class={one.kind}
                    style={{ height: `${(100 * (one.counts[index] ?? 0)) / top}%`, background: fill(one) }}
                  />
                ))}
              </span>
              <span class="home-day small" aria-hidden="true">
                {Number(day.slice(8))}
              </span>
            </button>
          ))}
        </div>
      </div>
      <div class="home-readout">
        <p>
          <strong>{utcDay(days[shown] ?? "")}</strong>: {count(totals[shown] ?? 0, "event")}
          {daily.journeys[shown] !== undefined && ` of ${count(daily.journeys[shown], "customer")}`}
        </p>
        <ul class="small">
          {series.map((one) => (
            <li key={one.key}>
              {one.kind === "source" ? (
                <SourceMark marks={marks} source={one.name} />
              ) : one.kind === "native" ? (
                <NativeIcon />
              ) : (
                <span class={`home-swatch ${one.kind}`} aria-hidden="true" />
              )}
              <bdi class="wrap-anywhere">{one.name}</bdi> <span class="number">{number(one.counts[shown] ?? 0)}</span>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

/** "Fri, Nov 27: 120 events. Shop: 80. Web: 40." */
function sentence({ days, totals, series }: Daily, index: number): string {
  const parts = series.flatMap((one) => (one.counts[index] ? [`${one.name}: ${number(one.counts[index])}.`] : []));
  return [`${utcDay(days[index] ?? "")}: ${count(totals[index] ?? 0, "event")}.`, ...parts].join(" ");
}

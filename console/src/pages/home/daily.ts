/** The events of the last days by source, as the bars and the table show them. */

import type { Model } from "../../api/client";
import { CONTACT_CENTER, NATIVE } from "../../components/native";

export type Activity = Model<"Activity">;

/** Sources that have a color of their own. The smaller ones are shown as one. */
const MAX_SOURCES = 7;

/** The events of a part of the organization's sources: one source, all smaller ones, or those not yet told apart. */
export interface Series {
  readonly key: string;
  readonly kind: "source" | "native" | "smaller" | "unsorted";
  readonly name: string;
  /** By day, oldest first. */
  readonly counts: readonly number[];
  readonly total: number;
}

export interface Daily {
  /** `2026-11-27`, oldest first. */
  readonly days: readonly string[];
  readonly totals: readonly number[];
  /** Customers with events, by day; undefined where it is not counted yet. */
  readonly journeys: readonly (number | undefined)[];
  /** Largest first; then the contact center, smaller sources, and what is not yet told apart. */
  readonly series: readonly Series[];
  readonly total: number;
}

export function dailyOf(activity: Activity): Daily {
  const entities = [...activity.entities].reverse();
  const sources = new Map(activity.configurations.map((one) => [one.id, one.source]));
  const bySource = new Map<string, number[]>();
  const native = entities.map(() => 0);
  entities.forEach((day, index) => {
    for (const { configurationId, eventCount } of day.sources) {
      const source = sources.get(configurationId) ?? configurationId;
      const to = configurationId === NATIVE ? native : (bySource.get(source) ?? entities.map(() => 0));
      to[index] = (to[index] ?? 0) + eventCount;
      if (to !== native) bySource.set(source, to);
    }
  });
  const all = [...bySource]
    .map(([name, counts]) => series(`source ${name}`, "source", name, counts))
    .sort((one, other) => other.total - one.total);
  const shown = all.length <= MAX_SOURCES + 1 ? all : all.slice(0, MAX_SOURCES);
  const smaller = all.slice(shown.length);
  const rest = [
    series("native", "native", CONTACT_CENTER, native),
    series("smaller", "smaller", `${smaller.length} smaller sources`, sums(smaller, entities.length)),
    series(
      "unsorted",
      "unsorted",
      "Not yet counted by source",
      entities.map((day) => day.otherEventCount),
    ),
  ];
  return {
    days: entities.map((day) => day.date),
    totals: entities.map((day) => day.eventCount),
    journeys: entities.map((day) => day.journeyCount),
    series: [...shown, ...rest.filter((one) => one.total > 0)],
    total: entities.reduce((sum, day) => sum + day.eventCount, 0),
  };
}

/** The newest day whose customers were counted, and their number. */
export function newestJourneys({ days, journeys }: Daily): { day: string; count: number } | undefined {
  for (let index = days.length - 1; index >= 0; index -= 1) {
    const [day, count] = [days[index], journeys[index]];
    if (day !== undefined && count !== undefined) return { day, count };
  }
  return undefined;
}

/** A round, even number at or above the highest value: the top of the axis. Its half is shown too. */
export function axisTop(highest: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(highest, 1)));
  const tops = [1, 1.5, 2, 3, 4, 5, 6, 8, 10, 20].map((factor) => factor * power);
  return tops.find((top) => top >= highest && top % 2 === 0) ?? highest;
}

function series(key: string, kind: Series["kind"], name: string, counts: readonly number[]): Series {
  return { key, kind, name, counts, total: counts.reduce((sum, value) => sum + value, 0) };
}

function sums(all: readonly Series[], length: number): number[] {
  return Array.from({ length }, (_, index) => all.reduce((sum, one) => sum + (one.counts[index] ?? 0), 0));
}

/** A comparison as rows, and what its tests say in words. */

import type { Model } from "../../api/client";
import { count, number, share, shortDuration } from "../../formats";
import { daysText } from "./asked";

export type Comparison = Model<"ViewComparison">;
type Figure = Model<"ComparedFigure">;
export type Test = Model<"ShareTest">;

/** A duration in milliseconds in both results. */
type Both = readonly [number | undefined, number | undefined];

/** A figure of customers in both results. */
export interface ComparedRow {
  readonly key: string;
  readonly label: string;
  readonly value: number;
  readonly other: number;
  /** Whether the value is a part of the element's customers. */
  readonly part: boolean;
  /** The element's customers in both results. */
  readonly of: readonly [number, number];
  readonly ratio: number | undefined;
  readonly test: Test | undefined;
  /** Whether a test could apply: durations have none. */
  readonly testable: boolean;
  /** The median and the average time of both results, where customers take time. */
  readonly times: { readonly median: Both; readonly average: Both } | undefined;
}

export interface ComparedCard {
  readonly id: string;
  readonly name: string;
  /** The side that alone has the element. */
  readonly only: "Job" | "OtherJob" | undefined;
  readonly rows: readonly ComparedRow[];
}

const STATES = [
  { name: "completedCount", label: "Completed" },
  { name: "flowCount", label: "Went on" },
  { name: "activeCount", label: "May still go on" },
  { name: "dropoutCount", label: "Dropped out" },
] as const;

/**
 * The elements of a comparison with their rows, and a card of the durations across the view. States without
 * customers on both sides are left out.
 */
export function comparedCards({ elements, durations }: Comparison): ComparedCard[] {
  const names = new Map(elements.map(({ id, name }) => [id, name]));
  const name = (id: string) => names.get(id) ?? id;
  const spans = durations.flatMap(({ fromId, toId, customerCount, median, average }) =>
    customerCount && median && average
      ? [
          {
            ...row(`span ${fromId} ${toId}`, `${name(fromId)} → ${name(toId)}`, customerCount, [0, 0], false),
            times: { median: both(median), average: both(average) },
            testable: false,
          },
        ]
      : [],
  );
  const across = { id: SPANS, name: "Durations across the view", only: undefined, rows: spans };
  return [...elementCards(elements, name), ...(spans.length > 0 ? [across] : [])];
}

/** The id of the card of durations; elements have others. */
const SPANS = "durations across the view";

function elementCards(elements: Comparison["elements"], nameOf: (id: string) => string): ComparedCard[] {
  return elements.map(({ id, name, only, metrics, followedBy = [] }) => {
    if (!metrics) return { id, name, only, rows: [] };
    const all = metrics.participantCount;
    const of = [all.value ?? 0, all.otherValue ?? 0] as const;
    const states = STATES.filter((state) => metrics[state.name].value || metrics[state.name].otherValue).map((state) =>
      row(state.name, state.label, metrics[state.name], of, true),
    );
    const links = followedBy.flatMap((link) => {
      if (!link.connectionCount) return [];
      const { median, average } = link.duration ?? {};
      const times = median && average && { median: both(median), average: both(average) };
      return [{ ...row(`link ${link.id}`, `→ ${nameOf(link.id)}`, link.connectionCount, of, true), times }];
    });
    return { id, name, only, rows: [row("participantCount", "Customers", all, of, false), ...states, ...links] };
  });
}

function both({ value, otherValue }: Figure): Both {
  return [value ?? undefined, otherValue ?? undefined];
}

function row(key: string, label: string, figure: Figure, of: readonly [number, number], part: boolean): ComparedRow {
  return {
    key,
    label,
    value: figure.value ?? 0,
    other: figure.otherValue ?? 0,
    part,
    of,
    ratio: figure.ratio ?? undefined,
    test: figure.test,
    testable: true,
    times: undefined,
  };
}

// -- words -------------------------------------------------------------------------------------------------------------

/** What a test says: `sure` also among all tests of the comparison, `perhaps` only by itself. */
export type Verdict = "sure" | "perhaps" | "chance" | "untested";

export function verdict(test: Test | undefined): Verdict {
  if (test?.isSignificant === undefined) return "untested";
  if (!test.isSignificant) return "chance";
  return test.isSignificantCorrected === false ? "perhaps" : "sure";
}

export const VERDICTS: Readonly<Record<Verdict, string>> = {
  sure: "Significant",
  perhaps: "Significant on its own only",
  chance: "No significant difference",
  untested: "Not tested",
};

const small = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 });
const signed = new Intl.NumberFormat(undefined, { signDisplay: "exceptZero" });
const points = new Intl.NumberFormat(undefined, { signDisplay: "exceptZero", maximumFractionDigits: 1 });
const times = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

/** "p = 0.003"; tiny ones "p < 0.001". */
export function probability(value: number): string {
  return value < 0.001 ? "p < 0.001" : `p = ${small.format(value)}`;
}

/**
 * "42% instead of 37%, significant (p = 0.003)". `tests` is how many tests were made, and `against` what stands between
 * the shares.
 */
export function testSentence(test: Test | undefined, tests: number, against = " instead of"): string {
  if (!test) return "";
  const shares =
    test.share === undefined || test.otherShare === undefined
      ? ""
      : `${share(test.share, 1)}${against} ${share(test.otherShare, 1)}`;
  if (test.pValue === undefined) return [shares, `not tested: ${lower(test.reason ?? "")}`].filter(Boolean).join(", ");
  const p = `(${probability(test.pValue)})`;
  switch (verdict(test)) {
    case "sure":
      return `${shares}, significant ${p}`;
    case "perhaps":
      return `${shares}, significant on its own only, not among all ${count(tests, "test")} ${p}`;
    default:
      return `${shares}, no significant difference ${p}`;
  }
}

function lower(sentence: string): string {
  return `${sentence.slice(0, 1).toLowerCase()}${sentence.slice(1)}`.replace(/\.$/, "");
}

/** "+47, × 1.22". */
export function changeText({ value, other, ratio }: Pick<ComparedRow, "value" | "other" | "ratio">): string {
  if (value === other) return "no change";
  const change = signed.format(value - other);
  return ratio === undefined ? change : `${change}, × ${times.format(ratio)}`;
}

/** The difference of two shares: "+4.2 points"; empty without one. */
export function pointsText({ value, other, of }: Pick<ComparedRow, "value" | "other" | "of">): string {
  if (!of[0] || !of[1] || value * of[1] === other * of[0]) return "";
  return `${points.format(100 * (value / of[0] - other / of[1]))} points`;
}

/** "257 · 89%"; of a row that is no part, the number alone. */
export function sideText({ value, other, of, part }: ComparedRow, side: 0 | 1): string {
  const own = side === 0 ? value : other;
  return part ? `${number(own)} · ${share(own, of[side])}` : number(own);
}

/**
 * The shares that the test of an element's customers compares, which its numbers do not show: "96.7% instead of 95.9% of
 * those who reached the first element". Empty without them; other rows show their shares beside the numbers.
 */
export function testedText({ part, test }: Pick<ComparedRow, "part" | "test">): string {
  if (part || test?.share === undefined || test.otherShare === undefined) return "";
  return `${share(test.share, 1)} instead of ${share(test.otherShare, 1)} of those who reached the first element`;
}

/** "median 3.4 days instead of 3.1 days, average 4 days on both sides"; empty where one side has none. */
export function timesText(times: ComparedRow["times"]): string {
  if (!times) return "";
  return [timeText("median", times.median), timeText("average", times.average)].filter(Boolean).join(", ");
}

function timeText(name: string, [own, other]: Both): string {
  if (own === undefined || other === undefined) return "";
  const [text, otherText] = [shortDuration(own), shortDuration(other)];
  return text === otherText ? `${name} ${text} on both sides` : `${name} ${text} instead of ${otherText}`;
}

/** What is tested of an element's customers. */
const REACHED = "reached, of those who reached the first element,";

export interface Finding {
  readonly key: string;
  readonly name: string;
  readonly label: string;
  readonly up: boolean;
  readonly test: Test;
}

/** The significant differences, the surest first. */
export function findings(cards: readonly ComparedCard[]): Finding[] {
  return cards
    .flatMap(({ id, name, rows }) =>
      rows.flatMap(({ key, label, test }) =>
        test && verdict(test) === "sure"
          ? [
              {
                key: `${id} ${key}`,
                name,
                label: key === "participantCount" ? REACHED : label,
                up: (test.difference ?? 0) > 0,
                test,
              },
            ]
          : [],
      ),
    )
    .sort((one, other) => (one.test.pValue ?? 1) - (other.test.pValue ?? 1));
}

/** What both sides are called: by their versions, or by their periods. */
export function sideNames({ job, otherJob }: Comparison): readonly [string, string] {
  if (job.version !== otherJob.version) return [`Version ${job.version}`, `Version ${otherJob.version}`];
  if (otherJob.options?.period === "Before") return ["This period", "The period before"];
  return [daysText(job.interval), daysText(otherJob.interval)];
}

/** Of the longer interval, the part that both lengths may differ by without a word. */
const SIMILAR = 0.01;

/** What a hurried reader would take wrongly. */
export function cautions(comparison: Comparison): string[] {
  const { job, otherJob, elements } = comparison;
  const names = sideNames(comparison);
  const found: string[] = [];
  const counts = elements.flatMap(({ metrics }) => (metrics ? [metrics.participantCount] : []));
  if (counts.length > 0) {
    const empty = [counts.every(({ value }) => !value), counts.every(({ otherValue }) => !otherValue)];
    for (const [side, name] of names.entries()) {
      if (empty[side]) found.push(`${name} has no customers. Perhaps no events were sent then.`);
    }
  }
  const [own, other] = [lengthOf(job.interval), lengthOf(otherJob.interval)];
  if (Math.abs(own - other) > SIMILAR * Math.max(own, other)) {
    found.push("The two times are not equally long. Compare the shares, not the numbers.");
  }
  return found;
}

function lengthOf(interval: string): number {
  const [start = 0, end = 0] = interval.split("/").map(Date.parse);
  return end - start;
}

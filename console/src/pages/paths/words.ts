/** Paths and their figures in words. */

import type { Model } from "../../api/client";
import { count, number, share } from "../../formats";
import { countedText, durationText, filterTexts, timeFrame } from "../../journey/words";
import type { Measure } from "./sankey";
import type { Branch, Figures, Outcome } from "./tree";

/** What the words depend on: which way the paths are read, and how many steps they can have. */
export interface Reading {
  readonly direction: "After" | "Before";
  readonly steps: number;
  /** The ids of the contact center's event types, which have icons. */
  readonly native: ReadonlySet<string>;
  /** The longest time between two events of a path, an ISO-8601 duration. */
  readonly gap?: string | undefined;
}

/** The name of a branch: its event type, or what became of the paths. */
export function branchName(branch: Branch, reading: Reading): string {
  return branch.outcome ? outcomeName(branch.outcome, branch.level, reading) : (branch.names.at(-1) ?? "");
}

export function outcomeName(outcome: Outcome, level: number, { direction, steps }: Reading): string {
  const after = direction === "After";
  switch (outcome) {
    case "dropped":
      return after ? "Dropped off" : "Nothing before";
    case "ended":
      return after ? "Ended" : "Began here";
    case "others":
      return level <= steps ? "Others" : after ? "Further steps" : "Earlier steps";
  }
}

/** What an outcome means, for the legend. */
export function outcomeMeaning(outcome: Outcome, level: number, { direction, steps, gap }: Reading): string {
  const after = direction === "After";
  const within = gap === undefined ? "in the time frame" : `within ${durationText(gap)}`;
  switch (outcome) {
    case "dropped":
      return after ? `nothing followed ${within}` : `no event came before ${within}`;
    case "ended":
      return after ? "reached the event that you named as the end" : "began with the event that you named";
    case "others":
      if (level <= steps) return "a step that is too rare to be shown";
      return after ? "events beyond the last step that is counted" : "events before the first step that is counted";
  }
}

/** The title of a column. */
export function levelTitle(level: number, { direction, steps }: Reading): string {
  if (level === 0) return "Start";
  if (level > steps) return direction === "After" ? "After that" : "Before that";
  return direction === "After" ? `Step ${level}` : `${count(level, "step")} before`;
}

/** The steps from the start, as a reader follows them: "Web Visit › Order Updated › Dropped off". */
export function pathText(branch: Branch, reading: Reading): string {
  const all = branch.outcome ? [...branch.names, branchName(branch, reading)] : branch.names;
  return all.join(reading.direction === "After" ? " › " : " ‹ ");
}

/** A figure with its share of the start: "96 · 80%". */
export function shortFigure({ figures, ofStart }: Branch, measure: Measure): string {
  return `${number(figures[measure])} · ${share(figures[measure], ofStart[measure])}`;
}

/** All figures of a branch, a line each. */
export function figureLines({ figures, ofStart, ofPrevious, level }: Branch): string[] {
  const of = (measure: Measure) => {
    if (level === 0) return share(figures[measure], ofStart[measure]) + " of the start";
    const previous = share(figures[measure], ofPrevious[measure]);
    return `${share(figures[measure], ofStart[measure])} of the start, ${previous} of the step before`;
  };
  return [
    `${count(figures.customerCount, "customer")}: ${of("customerCount")}`,
    `${count(figures.eventCount, "path")}: ${of("eventCount")}`,
  ];
}

/** A branch for screen readers, in one sentence. */
export function branchLabel(branch: Branch, reading: Reading): string {
  const where = branch.level === 0 ? "" : `, ${levelTitle(branch.level, reading).toLowerCase()}`;
  const before = branch.level < 2 ? "" : `, ${reading.direction.toLowerCase()} ${beforeIt(branch)}`;
  return `${branchName(branch, reading)}${where}${before}. ${figureLines(branch).join(". ")}.`;
}

function beforeIt({ names, outcome }: Branch): string {
  return (outcome ? names : names.slice(0, -1)).join(", ");
}

/** How many of the customers with a start reached the end. */
export function endSentence(start: Figures, reached: Figures, { direction, steps }: Reading, end: string): string {
  const all = `${count(start.customerCount, "customer")} had ${count(start.eventCount, "start event")}.`;
  const part = `${number(reached.customerCount)} of them (${share(reached.customerCount, start.customerCount)})`;
  const verb = direction === "After" ? "reached" : "came from";
  return `${all} ${part} ${verb} ${end} within ${count(steps, "step")}; only these paths are shown.`;
}

type PathDefinition = Model<"PathDefinition">;
type Filter = Parameters<typeof filterTexts>[0];

/** What an exploration counts, a sentence each. */
export function facts(definition: PathDefinition): string[] {
  const { direction, steps = 5, sessionGap, collapseRepeats, eventTypes, start, end } = definition;
  const { interval, duration, identity } = definition;
  const conditions = filterTexts((start.filter ?? undefined) as Filter);
  const endings = filterTexts((end?.filter ?? undefined) as Filter);
  const time = { ...(interval && { interval }), ...(duration && { duration }) };
  return [
    `Covers ${timeFrame(time)}`,
    `Counts ${countedText(identity ? { identity } : {})}`,
    `Up to ${count(steps, "step")} ${direction === "Before" ? "before" : "after"} the start`,
    ...(conditions.length > 0 ? [`Starts where ${conditions.join(" and ")}`] : []),
    ...(endings.length > 0 ? [`Ends where ${endings.join(" and ")}`] : []),
    ...(sessionGap ? [`Paths stop after ${durationText(sessionGap)} without an event`] : []),
    ...(eventTypes ? [`Follows ${count(eventTypes.length, "event type")}`] : []),
    ...(collapseRepeats ? ["Repeats in a row are one step"] : []),
  ];
}

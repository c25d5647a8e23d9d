/** The steps of a result as they are shown: all of them or the chosen paths, without what is collapsed. */

import type { Model } from "../../api/client";

type Step = Model<"PathStep">;
export type Figures = Model<"PathFigures">;

/** What becomes of paths that go on with no step that is shown. */
export const OUTCOMES = ["others", "ended", "dropped"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The paths that begin with these event types after the start; with an outcome, those of them that have it. */
export interface Choice {
  readonly path: readonly string[];
  readonly outcome?: Outcome | undefined;
}

/** A step, or what became of paths at a step. */
export interface Branch extends Choice {
  /** Its place in the tree: "" for the start, "0.2" for the third step after the first one, "0.2.dropped". */
  readonly key: string;
  /** The names of the event types from the start. */
  readonly names: readonly string[];
  /** The id of its event type; undefined for an outcome. */
  readonly type: string | undefined;
  readonly level: number;
  readonly figures: Figures;
  /** The figures of the start and of the step before, of all paths. */
  readonly ofStart: Figures;
  readonly ofPrevious: Figures;
  readonly next: readonly Branch[];
  /** Whether anything follows that can be shown and hidden. */
  readonly follows: boolean;
  readonly collapsed: boolean;
}

/** The figures of the chosen paths; undefined if the result does not show them. */
export function chosenFigures(tree: Step, { path, outcome }: Choice): Figures | undefined {
  let step: Step | undefined = tree;
  for (const id of path) step = step?.steps.find(({ eventType }) => eventType.id === id);
  const found = outcome ? step?.[outcome] : step;
  return found && found.eventCount > 0 ? found : undefined;
}

/**
 * What is shown of a result. `collapsed` has keys of steps.
 *
 * The steps that lead to the chosen paths have the figures of these: as many customers took them on the way.
 */
export function shownTree(tree: Step, choice: Choice | undefined, collapsed: ReadonlySet<string>): Branch {
  const chosen = choice && chosenFigures(tree, choice);
  return grow(tree, chosen ? choice : undefined, {
    key: "",
    path: [],
    names: [tree.eventType.name],
    ofStart: tree,
    ofPrevious: tree,
    chosen,
    collapsed,
  });
}

interface Place {
  readonly key: string;
  readonly path: readonly string[];
  readonly names: readonly string[];
  readonly ofStart: Figures;
  readonly ofPrevious: Figures;
  /** The figures of the chosen paths, on the way to them. */
  readonly chosen: Figures | undefined;
  readonly collapsed: ReadonlySet<string>;
}

/** `choice` is what is left of it from this step on. */
function grow(step: Step, choice: Choice | undefined, place: Place): Branch {
  const { key, path, names, ofStart, ofPrevious, chosen, collapsed } = place;
  const [wanted, ...rest] = choice?.path ?? [];
  const onTheWay = wanted !== undefined || choice?.outcome !== undefined;
  const isCollapsed = !onTheWay && path.length > 0 && collapsed.has(key);
  const steps = step.steps.flatMap((next, index) => {
    if (onTheWay && next.eventType.id !== wanted) return [];
    return [
      grow(next, wanted === undefined ? undefined : { path: rest, outcome: choice?.outcome }, {
        ...place,
        key: key === "" ? `${index}` : `${key}.${index}`,
        path: [...path, next.eventType.id],
        names: [...names, next.eventType.name],
        ofPrevious: step,
        chosen: onTheWay ? chosen : undefined,
      }),
    ];
  });
  const outcomes = OUTCOMES.filter(
    (outcome) => step[outcome].eventCount > 0 && (!onTheWay || (wanted === undefined && outcome === choice?.outcome)),
  ).map((outcome) => outcomeOf(step, outcome, place));
  const next = [...steps, ...outcomes];
  return {
    key,
    path,
    names,
    type: step.eventType.id,
    level: path.length,
    figures: figuresOf(chosen ?? step),
    ofStart,
    ofPrevious,
    next: isCollapsed ? [] : next,
    follows: !onTheWay && path.length > 0 && next.length > 0,
    collapsed: isCollapsed && next.length > 0,
  };
}

function outcomeOf(step: Step, outcome: Outcome, { key, path, names, ofStart }: Place): Branch {
  return {
    key: key === "" ? outcome : `${key}.${outcome}`,
    path,
    outcome,
    names,
    type: undefined,
    level: path.length + 1,
    figures: step[outcome],
    ofStart,
    ofPrevious: step,
    next: [],
    follows: false,
    collapsed: false,
  };
}

function figuresOf({ customerCount, eventCount }: Figures): Figures {
  return { customerCount, eventCount };
}

/** All branches in the order of reading: each before what follows it. */
export function inOrder(root: Branch): Branch[] {
  return [root, ...root.next.flatMap(inOrder)];
}

/** The choice of a complete path: its steps, and what became of it after them where the step goes on to others too. */
export function choiceOf({ eventTypes }: Model<"CompletePath">, steps: number, hasEnd: boolean): Choice {
  const outcome = hasEnd ? "ended" : eventTypes.length < steps ? "dropped" : undefined;
  return { path: eventTypes.map(({ id }) => id), outcome };
}

/** Whether two choices are of the same paths. */
export function isSame(one: Choice, other: Choice): boolean {
  return one.outcome === other.outcome && one.path.join() === other.path.join();
}

/** Colours of event types, patterns of outcomes, and the legend of both. Texts say the same. */

import { inOrder, type Branch, OUTCOMES, type Outcome } from "./tree";
import { outcomeMeaning, outcomeName, type Reading } from "./words";

/** Series colours of the tokens. Event types beyond them share the last one. */
const SERIES = 8;

/** The event types of a result, from the start on: those of the first levels first. */
export function typesOf(whole: Branch): string[] {
  const byLevel = inOrder(whole).sort((one, other) => one.level - other.level);
  return [...new Set(byLevel.flatMap(({ type }) => (type === undefined ? [] : [type])))];
}

/** The class of a branch's colour. Event types keep theirs, whatever is shown of the result. */
export function colourOf({ type, outcome, level }: Branch, types: readonly string[], reading: Reading): string {
  if (outcome) return outcomeColour(outcome, level, reading);
  return `paths-series-${Math.min(SERIES, types.indexOf(type ?? "") + 1)}`;
}

/** The class of an outcome's pattern. Steps after the last one that is counted are no rare steps, and look different. */
function outcomeColour(outcome: Outcome, level: number, { steps }: Reading): string {
  return outcome === "others" && level > steps ? "paths-further" : `paths-${outcome}`;
}

/** The patterns that tell outcomes apart without their colours. */
export function Patterns() {
  return (
    <defs>
      <pattern id="paths-hatched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect class="paths-pattern-dropped" width="3" height="6" />
      </pattern>
      <pattern id="paths-dotted" width="6" height="6" patternUnits="userSpaceOnUse">
        <circle class="paths-pattern-others" cx="3" cy="3" r="1.5" />
      </pattern>
      <pattern id="paths-lined" width="6" height="5" patternUnits="userSpaceOnUse">
        <rect class="paths-pattern-others" width="6" height="2" />
      </pattern>
    </defs>
  );
}

/** What can become of the paths of a result, whatever is shown of it: the picture stays where it is. */
export function Legend({ whole, reading }: { whole: Branch; reading: Reading }) {
  const found = inOrder(whole).filter(({ outcome }) => outcome);
  const shown = OUTCOMES.flatMap((outcome) => [
    ...found.filter((branch) => branch.outcome === outcome && branch.level <= reading.steps).slice(0, 1),
    ...found.filter((branch) => branch.outcome === outcome && branch.level > reading.steps).slice(0, 1),
  ]);
  const names = new Map(
    shown.map(({ outcome, level }) => [outcomeName(outcome as Outcome, level, reading), { outcome, level }]),
  );
  return (
    <ul class="paths-legend small">
      <li>
        <span class="soft">Percentages are shares of the start.</span>
      </li>
      {[...names].map(([name, { outcome, level }]) => (
        <li key={name}>
          <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
            <rect
              class={`paths-bar ${outcomeColour(outcome as Outcome, level, reading)}`}
              x="1"
              y="1"
              width="12"
              height="12"
            />
          </svg>
          <span>
            {name}: <span class="soft">{outcomeMeaning(outcome as Outcome, level, reading)}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

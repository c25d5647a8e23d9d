/** The picture of paths: a column per level, with bars as high as the numbers of customers, and bands between them. */

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useWidth } from "../../components/sizes";
import { branchAfterKey, draw, type Picture, SIDE } from "./sankey";
import { BandShape, BranchMark } from "./marks";
import { colourOf, Legend, Patterns, typesOf } from "./looks";
import type { Shown } from "./shown";
import { type Branch, isSame } from "./tree";
import { figureLines, levelTitle, pathText, type Reading } from "./words";

/** Pixels between two columns: as many as the page has, within what names need and what the eye can follow. */
const LEAST_PITCH = 150;
const LARGEST_PITCH = 260;
const TIP_WIDTH = 440;

interface Props {
  root: Branch;
  /** The same with all paths and all that follows. */
  whole: Branch;
  reading: Reading;
  shown: Shown;
  label: string;
  /** A branch was chosen, by click or Enter. */
  onChoose: (branch: Branch) => void;
  /** What follows a step is to be hidden, or shown again. */
  onCollapse: (key: string) => void;
  /** Escape was pressed. */
  onShowAll: () => void;
}

export function Diagram({ root, whole, reading, shown, label, onChoose, onCollapse, onShowAll }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const mirrored = reading.direction === "Before";
  const pitch = usePitch(frame, root);
  const picture = useMemo(() => draw(root, shown.measure, { pitch, mirrored }), [root, shown.measure, pitch, mirrored]);
  const types = useMemo(() => typesOf(whole), [whole]);
  const [pointed, setPointed] = useState<string>();
  const focus = useRovingFocus(picture, frame, mirrored);
  const explained = pointed ?? focus.focused;
  const onKey = (event: KeyboardEvent) => {
    const bar = picture.bars.find(({ branch }) => branch.key === focus.current);
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    setPointed(undefined); // The pointer may rest on another step.
    if (event.key === "Escape") onShowAll();
    else if (event.key === "Enter" && bar) onChoose(bar.branch);
    else if (event.key === " " && bar) {
      event.preventDefault();
      if (bar.branch.follows) onCollapse(bar.branch.key);
    } else focus.onKey(event);
  };
  return (
    <div class="paths-diagram">
      <Legend whole={whole} reading={reading} />
      <div class="paths-frame" ref={frame}>
        <div class="paths-canvas" style={{ width: `${picture.width}px` }}>
          <svg
            role="tree"
            aria-label={`${label}. The arrow keys go from step to step. Enter shows only the paths through a step, Escape all. Space hides and shows what follows.`}
            width={picture.width}
            height={picture.height}
            viewBox={`0 0 ${picture.width} ${picture.height}`}
            onKeyDown={onKey}
          >
            <Patterns />
            <Columns picture={picture} reading={reading} />
            <g aria-hidden="true">
              {picture.bands.map((band) => (
                <BandShape
                  key={band.branch.key}
                  band={band}
                  colour={colourOf(band.branch, types, reading)}
                  strong={explained !== undefined && isOnTheWay(band.branch.key, explained)}
                  onPoint={setPointed}
                  onChoose={onChoose}
                />
              ))}
            </g>
            {picture.bars.map((bar) => (
              <BranchMark
                key={bar.branch.key}
                bar={bar}
                place={{ pitch, mirrored, reading, measure: shown.measure }}
                colour={colourOf(bar.branch, types, reading)}
                chosen={shown.choice !== undefined && isSame(shown.choice, bar.branch)}
                reachable={focus.current === bar.branch.key}
                onPoint={setPointed}
                onFocus={focus.onFocus}
                onChoose={onChoose}
                onCollapse={onCollapse}
              />
            ))}
          </svg>
          <Tip picture={picture} explained={explained} reading={reading} />
        </div>
      </div>
      <p class="paths-hint small soft">
        {shown.measure === "customerCount" &&
          "A customer with several paths counts at each of their steps, so customers can add up to more than the step before. "}
        With the keyboard, the arrow keys go from step to step, Enter shows only the paths through a step, Escape shows
        all, and Space hides or shows what follows.
      </p>
    </div>
  );
}

/** Whether a branch leads to another one, or is it. */
function isOnTheWay(key: string, to: string): boolean {
  return key === to || key === "" || to.startsWith(`${key}.`);
}

function Columns({ picture, reading }: { picture: Picture; reading: Reading }) {
  const mirrored = reading.direction === "Before";
  return (
    <g aria-hidden="true">
      {picture.columns.map((x, level) => (
        <text
          key={level}
          class="paths-column"
          x={mirrored ? x + 14 : x}
          y={16}
          text-anchor={mirrored ? "end" : "start"}
        >
          {levelTitle(level, reading)}
        </text>
      ))}
    </g>
  );
}

/** The figures of what is pointed at or has the focus. Screen readers read them as the name of the step. */
function Tip({ picture, explained, reading }: { picture: Picture; explained: string | undefined; reading: Reading }) {
  const bar = picture.bars.find(({ branch }) => branch.key === explained);
  if (!bar) return null;
  const left = Math.max(0, Math.min(bar.x, picture.width - TIP_WIDTH));
  const above = bar.y > picture.height / 2;
  const place = above ? { bottom: `${picture.height - bar.y + 8}px` } : { top: `${bar.y + 42}px` };
  return (
    <div class="paths-tip small" aria-hidden="true" style={{ left: `${left}px`, ...place }}>
      <strong class="wrap-anywhere">{pathText(bar.branch, reading)}</strong>
      {figureLines(bar.branch).map((line) => (
        <span key={line}>{line}</span>
      ))}
    </div>
  );
}

// -- behavior ----------------------------------------------------------------------------------------------------------

function usePitch(frame: { current: HTMLElement | null }, root: Branch): number {
  const width = useWidth(frame, innerWidth);
  const levels = depth(root);
  return Math.max(LEAST_PITCH, Math.min(LARGEST_PITCH, Math.floor((width - 2 * SIDE) / levels)));
}

function depth(branch: Branch): number {
  return 1 + Math.max(0, ...branch.next.map(depth));
}

/** One branch takes part in the order of Tab, and the arrow keys move it. */
function useRovingFocus(picture: Picture, frame: { current: HTMLElement | null }, mirrored: boolean) {
  const [at, setAt] = useState("");
  const [focused, setFocused] = useState<string>();
  const moved = useRef(false);
  const known = picture.bars.some(({ branch }) => branch.key === at) ? at : "";
  useLayoutEffect(() => {
    if (!moved.current) return;
    moved.current = false;
    frame.current?.querySelector<SVGElement>('[role="treeitem"][tabindex="0"]')?.focus();
  }, [known]);
  return {
    current: known,
    focused: focused === known ? focused : undefined,
    onFocus: (key: string | undefined) => {
      if (key !== undefined) setAt(key);
      setFocused(key);
    },
    onKey: (event: KeyboardEvent) => {
      const next = branchAfterKey(picture.bars, known, event.key, mirrored);
      if (next !== undefined || event.key.startsWith("Arrow")) event.preventDefault(); // The arrow keys would scroll.
      if (next === undefined || next === known) return;
      moved.current = true;
      setAt(next);
    },
  };
}

/** The bars of branches with their texts, and the bands between them. */

import { NativeLines } from "../../components/native-icon";
import { cut } from "../../journey/texts";
import {
  type Band,
  bandPath,
  type Bar,
  BAR_WIDTH,
  BESIDE,
  BUTTON,
  type Measure,
  outcomesHaveOneLine,
  textRoom,
} from "./sankey";
import type { Branch } from "./tree";
import { branchLabel, branchName, type Reading, shortFigure } from "./words";

const NAME_SIZE = 13;
const FIGURE_SIZE = 12;
/** The icon of a contact center's event, with the space behind it. */
const ICON = { size: 15, width: 20 };

interface BandProps {
  band: Band;
  colour: string;
  strong: boolean;
  onPoint: (key: string | undefined) => void;
  onChoose: (branch: Branch) => void;
}

/** A band can be pressed too; the keyboard reaches the bar at its end. */
export function BandShape({ band, colour, strong, onPoint, onChoose }: BandProps) {
  return (
    <path
      class={`paths-band ${colour} ${strong ? "strong" : ""}`}
      d={bandPath(band)}
      onPointerEnter={() => {
        onPoint(band.branch.key);
      }}
      onPointerLeave={() => {
        onPoint(undefined);
      }}
      onClick={() => {
        onChoose(band.branch);
      }}
    />
  );
}

interface Place {
  readonly pitch: number;
  readonly mirrored: boolean;
  readonly reading: Reading;
  readonly measure: Measure;
}

interface MarkProps {
  bar: Bar;
  place: Place;
  colour: string;
  chosen: boolean;
  /** Whether Tab reaches this branch; the arrow keys reach the others. */
  reachable: boolean;
  onPoint: (key: string | undefined) => void;
  onFocus: (key: string | undefined) => void;
  onChoose: (branch: Branch) => void;
  onCollapse: (key: string) => void;
}

export function BranchMark(props: MarkProps) {
  const { bar, place, colour, chosen, reachable, onPoint, onFocus, onChoose, onCollapse } = props;
  const { branch, x, y, height } = bar;
  return (
    <g
      class={`paths-branch ${branch.collapsed ? "collapsed" : ""}`}
      onPointerEnter={() => {
        onPoint(branch.key);
      }}
      onPointerLeave={() => {
        onPoint(undefined);
      }}
      onClick={() => {
        onChoose(branch);
      }}
    >
      {/* The item over it says all of this, in sentences. */}
      <g aria-hidden="true">
        <rect class={`paths-bar ${colour}`} x={x} y={y} width={BAR_WIDTH} height={height} rx="2" />
        <Texts bar={bar} place={place} />
      </g>
      <rect
        class="paths-item"
        role="treeitem"
        tabindex={reachable ? 0 : -1}
        aria-level={branch.level + 1}
        aria-expanded={branch.follows ? !branch.collapsed : undefined}
        aria-selected={chosen}
        aria-label={branchLabel(branch, place.reading)}
        data-key={branch.key}
        x={x - 3}
        y={y - 3}
        width={BAR_WIDTH + 6}
        height={height + 6}
        rx="4"
        onFocus={() => {
          onFocus(branch.key);
        }}
        onBlur={() => {
          onFocus(undefined);
        }}
      />
      {branch.follows && <Toggle bar={bar} mirrored={place.mirrored} onCollapse={onCollapse} />}
    </g>
  );
}

interface ToggleProps {
  bar: Bar;
  mirrored: boolean;
  onCollapse: (key: string) => void;
}

/** The button at a bar that hides or shows what follows. The keyboard has Space for it. */
function Toggle({ bar: { branch, x, y, height }, mirrored, onCollapse }: ToggleProps) {
  const at = mirrored ? x + BAR_WIDTH + BUTTON.reach : x - BUTTON.reach;
  return (
    <g
      class="paths-toggle"
      aria-hidden="true"
      transform={`translate(${at} ${y + Math.min(height / 2, BUTTON.reach)})`}
      onClick={(event) => {
        event.stopPropagation();
        onCollapse(branch.key);
      }}
    >
      <title>{branch.collapsed ? "Show what follows" : "Hide what follows"}</title>
      <circle class="reach" r={BUTTON.reach} />
      <circle r={BUTTON.radius} />
      <path d={branch.collapsed ? "M-4 0H4M0-4V4" : "M-4 0H4"} />
    </g>
  );
}

/** A step has its name and its figures below; what became of paths has both in one line where they fit. */
function Texts({ bar: { branch, x, y }, place: { pitch, mirrored, reading, measure } }: { bar: Bar; place: Place }) {
  const width = textRoom(pitch);
  const anchor = mirrored ? "end" : "start";
  const at = mirrored ? x - BESIDE : x + BAR_WIDTH + BESIDE;
  const figure = shortFigure(branch, measure);
  const name = branchName(branch, reading);
  if (branch.outcome && outcomesHaveOneLine(pitch)) {
    return (
      <text class="paths-figure" x={at} y={y + 11} text-anchor={anchor}>
        {cut(`${name} ${figure}`, width, FIGURE_SIZE)}
      </text>
    );
  }
  const native = reading.native.has(branch.type ?? "") ? branch.type : undefined;
  const room = native === undefined ? 0 : ICON.width;
  return (
    <>
      {native !== undefined && (
        <g transform={`translate(${mirrored ? at - ICON.size : at} ${y}) scale(${ICON.size / 20})`}>
          <NativeLines type={native} />
        </g>
      )}
      <text
        class={branch.outcome ? "paths-figure" : "paths-name"}
        x={mirrored ? at - room : at + room}
        y={y + 12}
        text-anchor={anchor}
      >
        {cut(name, width - room, NAME_SIZE)}
      </text>
      <text class="paths-figure" x={at} y={y + 28} text-anchor={anchor}>
        {branch.collapsed ? `${figure} …` : figure}
      </text>
    </>
  );
}

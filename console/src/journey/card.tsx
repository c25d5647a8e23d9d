/** The card of an element: name, source, customers, and what became of them. */

import { CONTACT_CENTER } from "../components/native";
import { NativeLines } from "../components/native-icon";
import { number, shortNumber } from "../formats";
import { elementSentence, firstSentence, shareOfFirst } from "./figures";
import type { Card, Direction, Sizes } from "./layout";
import type { ElementFigures, Figures, GraphElement } from "./model";
import { cut, textWidth, wrapped } from "./texts";
import { STATES } from "./who";
import { WhoTarget } from "./who-target";

const WIDTH = 168;
const PADDING = 9;
const INNER = WIDTH - 2 * PADDING;
const NAME_SIZE = 14;
/** Bold letters are wider than the estimate. */
const NAME_INNER = INNER / 1.08;
const NAME_LINE = 17;
const NAME_LINES = 2;
const SMALL = 12;
/** The widths of the texts on a link: customers with their share and their median time, or a time limit. */
const COUNT_WIDTH = 92;
export const NOTE_WIDTH = 108;
/** The height of a line of these texts. */
export const LABEL_LINE = 15;
/** Heights below the name: the source, and the figures. */
const SOURCE_LINE = 16;
/** The icon of a contact center's event, with the space behind it. The picture of an icon is 20 wide. */
const ICON = { size: 15, width: 20 };
const FIGURES_HEIGHT = 56;
const GROUP_SIZE = 11;
/** The size of the customers' number, which is bold. */
const COUNT_SIZE = 19;
/** A group's mark, and the space before its number. */
const MARK_WIDTH = 12;
const BAR = { y: 34, height: 7 };

type GroupName = "completed" | "flow" | "active" | "dropout";

/** What becomes of the customers of an element, in the order of the bar. */
export const GROUPS: readonly { name: GroupName; title: string }[] = [
  { name: "completed", title: "Completed" },
  { name: "flow", title: "Went on" },
  { name: "active", title: "May still go on" },
  { name: "dropout", title: "Dropped out" },
];

/** The sizes of all cards of a journey: as high as the longest name needs. */
export function sizesFor(elements: readonly GraphElement[], withFigures: boolean): Sizes {
  const lines = Math.max(1, ...elements.map(({ name }) => wrapped(name, NAME_INNER, NAME_SIZE, NAME_LINES).length));
  const source = elements.some((element) => element.source) ? SOURCE_LINE : 0;
  const height = 2 * PADDING + lines * NAME_LINE + source + (withFigures ? FIGURES_HEIGHT : 0);
  const noted = elements.some(({ followedBy }) => followedBy.some(({ note }) => note));
  return {
    card: { width: WIDTH, height },
    label: {
      width: noted ? NOTE_WIDTH : withFigures ? COUNT_WIDTH : 40,
      height: withFigures ? (noted ? 3 : 2) * LABEL_LINE + 4 : noted ? 20 : 8,
    },
  };
}

interface Props {
  card: Card;
  element: GraphElement;
  figures: Figures | undefined;
  /** The first element of the journey that leads here. */
  first: GraphElement | undefined;
  selected: boolean;
  /** Whether Tab reaches this card; the arrow keys reach the others. */
  reachable: boolean;
  direction: Direction;
  onSelect: ((id: string | undefined) => void) | undefined;
  onPoint: (id: string | undefined) => void;
  onFocus: (id: string) => void;
  onDrag: ((id: string, event: PointerEvent) => void) | undefined;
}

export function ElementCard(props: Props) {
  const { card, element, figures, first, selected, reachable, direction, onSelect, onPoint, onFocus, onDrag } = props;
  const own = figures?.elements.get(card.id);
  const select = () => onSelect?.(selected ? undefined : card.id);
  const lines = wrapped(element.name, NAME_INNER, NAME_SIZE, NAME_LINES);
  return (
    <g
      class="element"
      transform={`translate(${card.x} ${card.y})`}
      onPointerEnter={() => {
        onPoint(card.id);
      }}
      onPointerLeave={() => {
        onPoint(undefined);
      }}
    >
      <title>{element.name}</title>
      {/* The button over it says all of this, in sentences. */}
      <g aria-hidden="true">
        <rect class="card-box" width={card.width} height={card.height} rx="8" />
        {element.native && <path class="card-native" d={`M2.5 11V${card.height - 11}`} />}
        {lines.map((line, index) => (
          <text key={index} class="card-name" x={PADDING} y={PADDING + 12 + index * NAME_LINE}>
            {line}
          </text>
        ))}
        {element.native && (
          <g transform={`translate(${PADDING} ${PADDING - 2 + lines.length * NAME_LINE}) scale(${ICON.size / 20})`}>
            <NativeLines type={element.native} />
          </g>
        )}
        {element.source && (
          <text
            class="card-source"
            x={PADDING + (element.native ? ICON.width : 0)}
            y={PADDING + 10 + lines.length * NAME_LINE}
          >
            {cut(element.source, INNER - (element.native ? ICON.width : 0), SMALL)}
          </text>
        )}
        {figures && own && (
          <g transform={`translate(${PADDING} ${card.height - PADDING - FIGURES_HEIGHT})`}>
            <CardFigures own={own} ofFirst={shareOfFirst(element, first, figures)} />
          </g>
        )}
      </g>
      <rect
        class="card-button"
        width={card.width}
        height={card.height}
        rx="8"
        role="button"
        tabindex={reachable ? 0 : -1}
        aria-pressed={selected}
        aria-label={spoken(element, own, figures, first)}
        data-element={card.id}
        onClick={select}
        onKeyDown={(event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          select();
        }}
        onFocus={() => {
          onFocus(card.id);
        }}
      />
      {own && (
        <g transform={`translate(${PADDING} ${card.height - PADDING - FIGURES_HEIGHT})`}>
          <CardTargets element={element} own={own} />
        </g>
      )}
      {onDrag && <Handle card={card} direction={direction} onDrag={onDrag} />}
    </g>
  );
}

function spoken(
  element: GraphElement,
  own: ElementFigures | undefined,
  figures: Figures | undefined,
  first: GraphElement | undefined,
): string {
  const center = element.native && CONTACT_CENTER.toLowerCase();
  if (!figures || !own) return [element.name, element.source, center].filter(Boolean).join(", ");
  const head = center ? `${element.name}, ${center}. ` : `${element.name}. `;
  return `${head}${elementSentence(element, own)} ${firstSentence(element, first, figures)}`.trim();
}

function CardFigures({ own, ofFirst }: { own: ElementFigures; ofFirst: string | undefined }) {
  return (
    <>
      <text class="card-count" x={0} y={25}>
        {fitting(own.participants)}
      </text>
      {ofFirst !== undefined && (
        <text class="card-share" x={INNER} y={25} text-anchor="end">
          {ofFirst} of first
        </text>
      )}
      <Bar own={own} />
      {groupPlaces(own).map(({ name, text, x }) => (
        <g key={name} transform={`translate(${x} ${FIGURES_HEIGHT - 4})`}>
          <GroupMark name={name} x={5} y={0} />
          <text class="card-group" x={MARK_WIDTH} y={0} dominant-baseline="central">
            {text}
          </text>
        </g>
      ))}
    </>
  );
}

/** Where the pointer finds who the numbers of a card count. With the keyboard, the sentences below the picture do. */
function CardTargets({ element, own }: { element: GraphElement; own: ElementFigures }) {
  const all = textWidth(fitting(own.participants), COUNT_SIZE);
  return (
    <>
      <WhoTarget
        box={{ x: -4, y: 7, width: all + 8, height: 23 }}
        who={{ kind: "state", elementId: element.id, state: "Participants" }}
        value={own.participants}
        elements={[element]}
      />
      {groupPlaces(own).map(({ name, x, width }) => (
        <WhoTarget
          key={name}
          box={{ x: x - 3, y: FIGURES_HEIGHT - 14, width: width + 6, height: 20 }}
          who={{ kind: "state", elementId: element.id, state: STATES[name] }}
          value={own[name]}
          elements={[element]}
        />
      ))}
    </>
  );
}

/** The groups with customers, beside each other. */
function groupPlaces(own: ElementFigures): { name: GroupName; text: string; x: number; width: number }[] {
  const shown = GROUPS.filter(({ name }) => own[name] > 0).map(({ name }) => ({
    name,
    text: fitting(own[name], 1000),
  }));
  const widths = shown.map(({ text }) => MARK_WIDTH + textWidth(text, GROUP_SIZE));
  const free = INNER - widths.reduce((sum, width) => sum + width, 0);
  const gap = Math.min(10, free / Math.max(1, shown.length - 1));
  let x = 0;
  return shown.map((group, index) => {
    const width = widths[index] ?? 0;
    const place = { ...group, x, width };
    x += width + gap;
    return place;
  });
}

/** A number that fits its place: the shorter form from `most` on. */
function fitting(value: number, most = 10_000): string {
  return value < most ? number(value) : shortNumber(value);
}

/** The shares of the four groups; a group with customers is never narrower than can be seen. */
function Bar({ own }: { own: ElementFigures }) {
  const least = 2.5;
  const shown = GROUPS.filter(({ name }) => own[name] > 0);
  const free = INNER - shown.length * least;
  let x = 0;
  return (
    <>
      <rect class="bar-ground" x={0} y={BAR.y} width={INNER} height={BAR.height} rx="2" />
      {shown.map(({ name }) => {
        const width = least + (own[name] / Math.max(1, own.participants)) * free;
        x += width;
        return (
          <rect
            key={name}
            class={`group-${name}`}
            x={x - width}
            y={BAR.y}
            width={Math.max(1, width - 1)}
            height={BAR.height}
          />
        );
      })}
    </>
  );
}

/** The mark of a group: each has a shape of its own, so that color is not all that tells them apart. */
export function GroupMark({ name, x, y }: { name: GroupName; x: number; y: number }) {
  const shapes: Record<GroupName, string> = {
    completed: "M-4.5,0L-1.5,3.5L4.5,-3.5",
    flow: "M-4.5,0H4M0.5,-3.5L4,0L0.5,3.5",
    active: "M-4,0A4,4 0 1,0 4,0A4,4 0 1,0 -4,0M0,-2.2V0.4L1.6,1.6",
    dropout: "M-3.5,-3.5L3.5,3.5M3.5,-3.5L-3.5,3.5",
  };
  return <path class={`mark-${name}`} d={shapes[name]} transform={`translate(${x} ${y})`} />;
}

/** Where a link is dragged from. With the keyboard, links are made in the form beside the picture. */
function Handle({
  card,
  direction,
  onDrag,
}: {
  card: Card;
  direction: Direction;
  onDrag: NonNullable<Props["onDrag"]>;
}) {
  const [x, y] = direction === "right" ? [card.width, card.height / 2] : [card.width / 2, card.height];
  return (
    <circle
      class="handle"
      cx={x}
      cy={y}
      r="7"
      onPointerDown={(event) => {
        onDrag(card.id, event);
      }}
      onClick={(event) => {
        event.stopPropagation();
      }}
    >
      <title>Drag to another element to connect both</title>
    </circle>
  );
}

/** The picture of a journey: elements as cards, links as lines, both with their figures where there are any. */

import "./graph.css";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { number, shortDuration, shortNumber } from "../formats";
import { ElementCard, LABEL_LINE, NOTE_WIDTH, sizesFor } from "./card";
import { Explanation, Legend } from "./explanation";
import { firstElements, shareOfPrevious } from "./figures";
import {
  cardAt,
  type Direction,
  type DrawnLink,
  elementAfterKey,
  layOut,
  type Layout,
  linkPath,
  type Point,
} from "./layout";
import { type Figures, type GraphElement } from "./model";
import { cut, textWidth } from "./texts";
import { WhoTarget } from "./who-target";

/** The width of the page, in pixels, below which a journey goes down instead of right. */
const NARROW = 600;
/** A picture is not made smaller than this to fit, so that its texts can be read. */
const LEAST_FIT = 0.72;
const ZOOM_STEP = 1.25;
const LARGEST_ZOOM = 2;
const SMALLEST_ZOOM = 0.2;

interface Props {
  elements: readonly GraphElement[];
  /** Without figures, cards show names only and links have one width. */
  figures?: Figures | undefined;
  /** Figures are on their way: the cards keep room for them, so that nothing moves when they come. */
  pending?: boolean;
  /** The id of the selected element. */
  selected?: string | undefined;
  /** An element was selected, by click, Enter or Space. Undefined: the selected one was selected again. */
  onSelect?: ((id: string | undefined) => void) | undefined;
  /** A link was dragged from one element to another. */
  onConnect?: ((from: string, to: string) => void) | undefined;
  /** Read by screen readers: "Journey From the checkout to the survey". */
  label: string;
  /** Gets the drawn picture, to export it. */
  svgRef?: ((svg: SVGSVGElement | null) => void) | undefined;
}

export function JourneyGraph({
  elements,
  figures,
  pending = false,
  selected,
  onSelect,
  onConnect,
  label,
  svgRef,
}: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const available = useWidth(frame);
  const direction: Direction = available < NARROW ? "down" : "right";
  const counted = pending || figures !== undefined;
  const sizes = useMemo(() => sizesFor(elements, counted), [elements, counted]);
  const layout = useMemo(
    () => layOut(elements, sizes, direction, figures?.links),
    [elements, sizes, direction, figures],
  );
  const first = useMemo(() => firstElements(elements), [elements]);
  const [zoom, setZoom] = useState<number>();
  const fitting = Math.min(1, available / layout.width);
  const scale = zoom ?? Math.max(LEAST_FIT, fitting);
  const [pointed, setPointed] = useState<string>();
  const { current, setCurrent, onKey } = useRovingFocus(layout, frame);
  const explained = pointed ?? current ?? selected;
  const connecting = useConnecting(layout, scale, onConnect);
  return (
    <div class="journey">
      <div class="journey-bar">
        <Legend counted={counted} native={elements.some((element) => element.native)} />
        <Zoom scale={scale} fitting={fitting} custom={zoom !== undefined} onZoom={setZoom} />
      </div>
      <div class="journey-frame" ref={frame}>
        <svg
          ref={svgRef ?? null}
          class="journey-graph"
          role="group"
          aria-label={`${label}: ${elements.length} elements. The arrow keys go from element to element.`}
          width={layout.width * scale}
          height={layout.height * scale}
          viewBox={`0 0 ${layout.width} ${layout.height}`}
          onKeyDown={onKey}
          onPointerMove={connecting.onMove}
          onPointerUp={connecting.onEnd}
          onPointerCancel={connecting.onCancel}
        >
          <g>
            {layout.links.map((link) => (
              <Link
                key={link.key}
                link={link}
                direction={direction}
                figures={figures}
                strong={explained === link.key || explained === link.from.id || explained === link.to.id}
                onPoint={setPointed}
              />
            ))}
          </g>
          <g>
            {layout.cards.map((card) => {
              const element = elements.find(({ id }) => id === card.id);
              if (!element) return null;
              return (
                <ElementCard
                  key={card.id}
                  card={card}
                  element={element}
                  figures={figures}
                  first={first.get(card.id)}
                  selected={selected === card.id}
                  reachable={(current ?? selected ?? layout.cards[0]?.id) === card.id}
                  direction={direction}
                  onSelect={onSelect}
                  onPoint={setPointed}
                  onFocus={setCurrent}
                  onDrag={onConnect && connecting.onStart}
                />
              );
            })}
          </g>
          <g class="labels">
            {layout.links.map((link) => (
              <LinkLabel key={link.key} link={link} figures={figures} elements={elements} />
            ))}
          </g>
          {connecting.line && <path class="drawn-link" d={linkPath(connecting.line, direction)} />}
        </svg>
      </div>
      {counted && <Explanation id={explained} elements={elements} layout={layout} figures={figures} first={first} />}
    </div>
  );
}

// -- links -------------------------------------------------------------------------------------------------------------

interface LinkProps {
  link: DrawnLink;
  direction: Direction;
  figures: Figures | undefined;
  strong: boolean;
  onPoint: (id: string | undefined) => void;
}

function Link({ link, direction, figures, strong, onPoint }: LinkProps) {
  const none = figures !== undefined && !figures.links.get(link.key);
  const path = linkPath(link.points, direction);
  return (
    <g
      class={`link ${strong ? "strong" : ""} ${none ? "none" : ""}`}
      onPointerEnter={() => {
        onPoint(link.key);
      }}
      onPointerLeave={() => {
        onPoint(undefined);
      }}
    >
      <path d={path} stroke-width={link.width} />
      {/* Narrow links are easier to point at. */}
      <path class="reach" d={path} stroke-width={Math.max(link.width, 14)} />
    </g>
  );
}

/** The customers of a link, its time limit, and the median time that customers took; without figures, its limit only. */
function LinkLabel({
  link,
  figures,
  elements,
}: {
  link: DrawnLink;
  figures: Figures | undefined;
  elements: readonly GraphElement[];
}) {
  const note = cut(link.link.note ?? "", NOTE_WIDTH, 11);
  const median = figures?.durations.get(link.key)?.median;
  const went = figures?.links.get(link.key) ?? 0;
  const lines = figures
    ? [
        { name: "label-count", text: `${shortNumber(went)} · ${shareOfPrevious(link, figures)}` },
        ...(median === undefined ? [] : [{ name: "label-median", text: `median ${shortDuration(median)}` }]),
        ...(note ? [{ name: "label-note", text: note }] : []),
      ]
    : [{ name: "label-count", text: note }].filter(({ text }) => text);
  return (
    <>
      {lines.map(({ name, text }, index) => (
        <text
          key={name}
          class={`link-label ${name}`}
          x={link.label.x}
          y={link.label.y + (index - (lines.length - 1) / 2) * LABEL_LINE}
          text-anchor="middle"
          dominant-baseline="central"
        >
          {text}
        </text>
      ))}
      <WhoTarget
        box={labelBox(link.label, lines)}
        who={{ kind: "link", elementId: link.from.id, linkId: link.to.id }}
        value={went}
        elements={elements}
      />
    </>
  );
}

/** The place of a label's first line, which has the customers. */
function labelBox({ x, y }: Point, lines: readonly { text: string }[]) {
  const width = textWidth(lines[0]?.text ?? "", 12) * 1.08 + 8;
  return { x: x - width / 2, y: y - (lines.length * LABEL_LINE) / 2 - 1, width, height: LABEL_LINE + 2 };
}

// -- zoom ---------------------------------------------------------------------------------------------------------------

interface ZoomProps {
  scale: number;
  fitting: number;
  custom: boolean;
  onZoom: (zoom: number | undefined) => void;
}

function Zoom({ scale, fitting, custom, onZoom }: ZoomProps) {
  const clamped = (value: number) => Math.min(LARGEST_ZOOM, Math.max(SMALLEST_ZOOM, value));
  return (
    <div class="journey-zoom" role="group" aria-label="Zoom">
      <button
        type="button"
        aria-label="Zoom out"
        disabled={scale <= SMALLEST_ZOOM}
        onClick={() => {
          onZoom(clamped(scale / ZOOM_STEP));
        }}
      >
        −
      </button>
      <button
        type="button"
        aria-label="Zoom in"
        disabled={scale >= LARGEST_ZOOM}
        onClick={() => {
          onZoom(clamped(scale * ZOOM_STEP));
        }}
      >
        +
      </button>
      <button
        type="button"
        disabled={scale === fitting}
        onClick={() => {
          onZoom(custom && fitting >= LEAST_FIT ? undefined : Math.max(SMALLEST_ZOOM, fitting));
        }}
      >
        Fit
      </button>
      <span class="unseen" role="status">
        {custom ? `${number(Math.round(scale * 100))}%` : ""}
      </span>
    </div>
  );
}

// -- behavior ----------------------------------------------------------------------------------------------------------

/** The width of an element, in pixels; that of the window before it is known. */
function useWidth(frame: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(innerWidth);
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => {
      setWidth(element.clientWidth);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);
  return width;
}

/** One element takes part in the order of Tab, and the arrow keys move it ("roving tabindex"). */
function useRovingFocus(layout: Layout, frame: { current: HTMLElement | null }) {
  const [current, setCurrent] = useState<string>();
  // The element that a key led to. Only its own turn moves the focus: an earlier one may still be waiting for its turn.
  const target = useRef<string | undefined>(undefined);
  useLayoutEffect(() => {
    if (current === undefined || target.current !== current) return;
    target.current = undefined;
    frame.current?.querySelector<SVGElement>('[role="button"][tabindex="0"]')?.focus();
  }, [current]);
  const known = layout.cards.some(({ id }) => id === current) ? current : undefined;
  const onKey = (event: KeyboardEvent) => {
    if (known === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = elementAfterKey(layout, known, event.key);
    if (next === undefined && !event.key.startsWith("Arrow")) return;
    event.preventDefault(); // The arrow keys would scroll.
    if (next === undefined || next === known) return;
    target.current = next;
    setCurrent(next);
  };
  return { current: known, setCurrent, onKey };
}

/** Dragging a link from the handle of a card to another card. */
function useConnecting(layout: Layout, scale: number, onConnect: Props["onConnect"]) {
  const [line, setLine] = useState<readonly [Point, Point]>();
  const from = useRef<string | undefined>(undefined);
  const at = (event: PointerEvent): Point => {
    const svg = (event.currentTarget as SVGElement).closest<SVGSVGElement>(".journey-graph");
    const box = svg?.getBoundingClientRect();
    return { x: (event.clientX - (box?.left ?? 0)) / scale, y: (event.clientY - (box?.top ?? 0)) / scale };
  };
  const stop = () => {
    from.current = undefined;
    setLine(undefined);
  };
  return {
    line,
    onStart: (id: string, event: PointerEvent) => {
      event.preventDefault();
      event.stopPropagation();
      from.current = id;
      const point = at(event);
      setLine([point, point]);
    },
    onMove: (event: PointerEvent) => {
      if (line && from.current !== undefined) setLine([line[0], at(event)]);
    },
    onEnd: (event: PointerEvent) => {
      const source = from.current;
      const target = cardAt(layout, at(event));
      stop();
      if (source !== undefined && target && target.id !== source) onConnect?.(source, target.id);
    },
    onCancel: stop,
  };
}

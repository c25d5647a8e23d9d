/** Where the cards and links of a journey are drawn. The ranks are those of dagre; the links are drawn by us. */

import { type EdgeLabel, Graph, type GraphLabel, layout as placeNodes, type NodeLabel } from "@dagrejs/dagre";
import { type Connection, connections, type GraphElement, linkKey } from "./model";

/** `right` for wide screens, `down` for narrow ones. */
export type Direction = "right" | "down";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A card; x and y are its top left corner. All lengths are in pixels at a zoom of 1. */
export interface Card extends Point {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export interface DrawnLink extends Connection {
  readonly key: string;
  /** From the first card's side to the second's; always forward in the direction of the journey. */
  readonly points: readonly Point[];
  /** The width of the line. */
  readonly width: number;
  /** The middle of the label. */
  readonly label: Point;
}

export interface Layout {
  readonly direction: Direction;
  readonly width: number;
  readonly height: number;
  /** In reading order: by rank, and within a rank from the top or from the left. */
  readonly cards: readonly Card[];
  readonly links: readonly DrawnLink[];
}

export interface Sizes {
  readonly card: { readonly width: number; readonly height: number };
  readonly label: { readonly width: number; readonly height: number };
}

const MARGIN = 12;
/** Between ranks, beside the labels of links. Labels are wider than high, so a journey that goes down needs more. */
const RANK_GAP = { right: 12, down: 30 } as const;
const CARD_GAP = 28;
const LINK_GAP = 16;
/** The part of a card's side that links may take. */
const SIDE_SHARE = 0.62;
const LEAST_WIDTH = 1.5;
/** The width of links without counts. */
const PLAIN_WIDTH = 2;

/**
 * Places the elements, and draws their links. `counts` are the customers of each link by `linkKey`; without them all links
 * have the same width. A link that closes a cycle, which only an unsaved definition can have, is drawn like any other.
 */
export function layOut(
  elements: readonly GraphElement[],
  sizes: Sizes,
  direction: Direction,
  counts?: ReadonlyMap<string, number>,
): Layout {
  const links = connections(elements);
  const graph = placedOnce(elements, links, sizes, direction);
  const cards = elements.map(({ id }) => {
    const { x = 0, y = 0 } = graph.node(id);
    return { id, ...sizes.card, x: x - sizes.card.width / 2, y: y - sizes.card.height / 2 };
  });
  const { width = 0, height = 0 } = graph.graph();
  const drawn = drawLinks(links, cards, graph, direction, widthOf(links, sizes, direction, counts));
  return {
    direction,
    width: Math.max(width, sizes.card.width + 2 * MARGIN),
    height: Math.max(height, sizes.card.height + 2 * MARGIN),
    cards: cards.sort((one, other) =>
      direction === "right" ? one.x - other.x || one.y - other.y : one.y - other.y || one.x - other.x,
    ),
    links: drawn,
  };
}

type PlacedGraph = ReturnType<typeof placed>;

/** The latest graph that was placed. Placing takes most of the time, and new figures or names do not change places. */
let latest: { readonly key: string; readonly graph: PlacedGraph } | undefined;

function placedOnce(
  elements: readonly GraphElement[],
  links: readonly Connection[],
  sizes: Sizes,
  direction: Direction,
): PlacedGraph {
  const ids = [elements.map(({ id }) => id), links.map(({ from, to }) => [from.id, to.id])];
  const key = JSON.stringify([direction, sizes, ids]);
  if (latest?.key !== key) latest = { key, graph: placed(elements, links, sizes, direction) };
  return latest.graph;
}

function placed(elements: readonly GraphElement[], links: readonly Connection[], sizes: Sizes, direction: Direction) {
  const graph = new Graph<GraphLabel, NodeLabel, EdgeLabel>();
  graph.setGraph({
    rankdir: direction === "right" ? "LR" : "TB",
    ranksep: RANK_GAP[direction],
    nodesep: CARD_GAP,
    edgesep: LINK_GAP,
    marginx: MARGIN,
    marginy: MARGIN,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of elements) graph.setNode(id, { ...sizes.card });
  for (const { from, to } of links) graph.setEdge(from.id, to.id, { ...sizes.label, labelpos: "c" });
  placeNodes(graph);
  return graph;
}

/** The widths of links are in proportion to their counts, so that the links at the fullest side of a card just fit. */
function widthOf(
  links: readonly Connection[],
  sizes: Sizes,
  direction: Direction,
  counts: ReadonlyMap<string, number> | undefined,
): (link: Connection) => number {
  if (!counts) return () => PLAIN_WIDTH;
  const bySide = new Map<string, number>();
  for (const { from, to } of links) {
    const customers = counts.get(linkKey(from.id, to.id)) ?? 0;
    for (const side of [`out ${from.id}`, `in ${to.id}`]) bySide.set(side, (bySide.get(side) ?? 0) + customers);
  }
  const fullest = Math.max(1, ...bySide.values());
  const side = (direction === "right" ? sizes.card.height : sizes.card.width) * SIDE_SHARE;
  return ({ from, to }) => Math.max(LEAST_WIDTH, ((counts.get(linkKey(from.id, to.id)) ?? 0) / fullest) * side);
}

/**
 * Draws all links forward along "main" (x if the journey goes right, else y). At each side of a card they lie beside each
 * other, in the order of where they lead, so that they do not cross there.
 */
function drawLinks(
  links: readonly Connection[],
  cards: readonly Card[],
  graph: PlacedGraph,
  direction: Direction,
  width: (link: Connection) => number,
): DrawnLink[] {
  const axes = AXES[direction];
  const byId = new Map(cards.map((card) => [card.id, card]));
  const rankSize = cards[0] ? axes.length(cards[0]) : 0;
  const routes = links.map((link) => {
    const label = graph.edge(link.from.id, link.to.id);
    const between: readonly Point[] = (label.points ?? []).slice(1, -1);
    return { link, width: width(link), label: { x: label.x ?? 0, y: label.y ?? 0 }, between, start: 0, end: 0 };
  });
  for (const card of cards) {
    const middle = axes.cross(card) + axes.breadth(card) / 2;
    const leaving = routes.filter(({ link }) => link.from.id === card.id);
    for (const [route, at] of spread(leaving, middle, (one) => axes.cross(one.between[0] ?? one.label))) {
      route.start = at;
    }
    const arriving = routes.filter(({ link }) => link.to.id === card.id);
    for (const [route, at] of spread(arriving, middle, (one) => axes.cross(one.between.at(-1) ?? one.label))) {
      route.end = at;
    }
  }
  return routes.map((route) => {
    const { from, to } = route.link;
    const source = byId.get(from.id) ?? { x: 0, y: 0, width: 0, height: 0 };
    const target = byId.get(to.id) ?? source;
    const start = axes.point(axes.main(source) + axes.length(source), route.start);
    const end = axes.point(axes.main(target), route.end);
    // Only where it passes a rank has a link to keep out of the way. There it stays level, so that it cuts no corner.
    const atRank = (point: Point) =>
      cards.some((card) => Math.abs(axes.main(card) + rankSize / 2 - axes.main(point)) < 1);
    const between = route.between
      .filter(atRank)
      .flatMap((point) =>
        [-1, 1].map((side) => axes.point(axes.main(point) + (side * rankSize) / 2, axes.cross(point))),
      );
    const points = [start, ...between, end];
    const label = atRank(route.label) ? route.label : middleOf(points, axes.main(route.label), axes.main);
    return { ...route.link, key: linkKey(from.id, to.id), points, width: route.width, label };
  });
}

/** The middle of the part of a line that is over a place on the main axis. */
function middleOf(points: readonly Point[], place: number, main: (point: Point) => number): Point {
  const next = Math.max(
    1,
    points.findIndex((point) => main(point) >= place),
  );
  const [one = { x: 0, y: 0 }, other = one] = [points[next - 1], points[next]];
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const AXES = {
  right: {
    main: ({ x }: Point) => x,
    cross: ({ y }: Point) => y,
    length: ({ width }: Size) => width,
    breadth: ({ height }: Size) => height,
    point: (main: number, cross: number): Point => ({ x: main, y: cross }),
  },
  down: {
    main: ({ y }: Point) => y,
    cross: ({ x }: Point) => x,
    length: ({ height }: Size) => height,
    breadth: ({ width }: Size) => width,
    point: (main: number, cross: number): Point => ({ x: cross, y: main }),
  },
} as const;

/** Lays links beside each other around the middle of a card's side. */
function spread<T extends { readonly width: number }>(
  routes: readonly T[],
  middle: number,
  towards: (route: T) => number,
): [T, number][] {
  const total = routes.reduce((sum, { width }) => sum + width, 0);
  let at = middle - total / 2;
  return [...routes]
    .sort((one, other) => towards(one) - towards(other))
    .map((route) => {
      at += route.width;
      return [route, at - route.width / 2];
    });
}

/** The line through the points of a link, level at each of them. */
export function linkPath(points: readonly Point[], direction: Direction): string {
  const [start, ...others] = points;
  if (!start) return "";
  let before = start;
  let path = `M${round(start.x)},${round(start.y)}`;
  for (const point of others) {
    const [one, other] =
      direction === "right"
        ? [
            { x: (before.x + point.x) / 2, y: before.y },
            { x: (before.x + point.x) / 2, y: point.y },
          ]
        : [
            { x: before.x, y: (before.y + point.y) / 2 },
            { x: point.x, y: (before.y + point.y) / 2 },
          ];
    path += `C${round(one.x)},${round(one.y)} ${round(other.x)},${round(other.y)} ${round(point.x)},${round(point.y)}`;
    before = point;
  }
  return path;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The card at a point, for dragging a link to it. */
export function cardAt(layout: Layout, point: Point): Card | undefined {
  return layout.cards.find(
    (card) =>
      point.x >= card.x && point.x <= card.x + card.width && point.y >= card.y && point.y <= card.y + card.height,
  );
}

/**
 * The element that a key leads to from another one; undefined where it leads nowhere.
 *
 * The arrow keys in the direction of the journey follow its links. The other two go through all elements in reading order,
 * so every element can be reached.
 */
export function elementAfterKey(layout: Layout, id: string, key: string): string | undefined {
  const { cards, links, direction } = layout;
  const index = cards.findIndex((card) => card.id === id);
  const [on, back, next, previous] =
    direction === "right"
      ? ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"]
      : ["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft"];
  const order = new Map(cards.map((card, position) => [card.id, position]));
  const firstOf = (ids: string[]) => ids.sort((one, other) => (order.get(one) ?? 0) - (order.get(other) ?? 0))[0];
  switch (key) {
    case on:
      return firstOf(links.filter(({ from }) => from.id === id).map(({ to }) => to.id));
    case back:
      return firstOf(links.filter(({ to }) => to.id === id).map(({ from }) => from.id));
    case next:
      return cards[index + 1]?.id;
    case previous:
      return cards[index - 1]?.id;
    case "Home":
      return cards[0]?.id;
    case "End":
      return cards.at(-1)?.id;
    default:
      return undefined;
  }
}

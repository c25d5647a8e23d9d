import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Card,
  cardAt,
  type Direction,
  elementAfterKey,
  layOut,
  type Layout,
  linkPath,
} from "../src/journey/layout";
import { connections, linkKey } from "../src/journey/model";
import { journeys, largeJourney } from "./journeys";

const SIZES = { card: { width: 160, height: 110 }, label: { width: 80, height: 18 } };
const DIRECTIONS: readonly Direction[] = ["right", "down"];
const directions = fc.constantFrom(...DIRECTIONS);

function overlap(one: Card, other: Card): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}

function card(layout: Layout, id: string): Card {
  const found = layout.cards.find((one) => one.id === id);
  if (!found) throw new Error(`There is no card ${id}.`);
  return found;
}

test("every element of any journey has a card within the picture, and no two cards overlap", () => {
  fc.assert(
    fc.property(journeys, directions, (elements, direction) => {
      const layout = layOut(elements, SIZES, direction);
      expect(layout.cards.map(({ id }) => id).sort()).toEqual(elements.map(({ id }) => id).sort());
      for (const [index, one] of layout.cards.entries()) {
        expect(one.x >= 0 && one.y >= 0).toBe(true);
        expect(one.x + one.width <= layout.width && one.y + one.height <= layout.height).toBe(true);
        for (const other of layout.cards.slice(index + 1)) expect(overlap(one, other)).toBe(false);
      }
    }),
  );
});

test("every link begins at the side of its first card and ends at the side of its second", () => {
  fc.assert(
    fc.property(journeys, directions, fc.infiniteStream(fc.nat(1000)), (elements, direction, customers) => {
      const counts = new Map(
        connections(elements).map(({ from, to }) => [linkKey(from.id, to.id), customers.next().value ?? 0]),
      );
      const layout = layOut(elements, SIZES, direction, counts);
      expect(layout.links).toHaveLength(counts.size);
      for (const link of layout.links) {
        const [start, end] = [link.points[0], link.points.at(-1)];
        const [from, to] = [card(layout, link.from.id), card(layout, link.to.id)];
        if (!start || !end) throw new Error("A link has no points.");
        const half = link.width / 2 - 1e-6;
        if (direction === "right") {
          expect(start.x).toBeCloseTo(from.x + from.width);
          expect(end.x).toBeCloseTo(to.x);
          expect(start.y - half >= from.y && start.y + half <= from.y + from.height).toBe(true);
          expect(end.y - half >= to.y && end.y + half <= to.y + to.height).toBe(true);
        } else {
          expect(start.y).toBeCloseTo(from.y + from.height);
          expect(end.y).toBeCloseTo(to.y);
          expect(start.x - half >= from.x && start.x + half <= from.x + from.width).toBe(true);
          expect(end.x - half >= to.x && end.x + half <= to.x + to.width).toBe(true);
        }
      }
    }),
  );
});

test("links lead forward, so that a reader sees the order of the journey", () => {
  fc.assert(
    fc.property(journeys, directions, (elements, direction) => {
      for (const { points } of layOut(elements, SIZES, direction).links) {
        const along = points.map((point) => (direction === "right" ? point.x : point.y));
        expect(along).toEqual([...along].sort((one, other) => one - other));
      }
    }),
  );
});

test("a link that passes a rank does not touch a card of it", () => {
  fc.assert(
    fc.property(journeys, directions, (elements, direction) => {
      const layout = layOut(elements, SIZES, direction);
      for (const link of layout.links) {
        for (const point of link.points.slice(1, -1)) expect(cardAt(layout, point)).toBeUndefined();
      }
    }),
  );
});

test("the widths of links are in proportion to their customers", () => {
  const elements = [
    { id: "a", name: "A", followedBy: [{ id: "b" }, { id: "c" }] },
    { id: "b", name: "B", followedBy: [] },
    { id: "c", name: "C", followedBy: [] },
  ];
  const counts = new Map([
    [linkKey("a", "b"), 300],
    [linkKey("a", "c"), 100],
  ]);
  const [one, other] = layOut(elements, SIZES, "right", counts).links;
  expect((one?.width ?? 0) / (other?.width ?? 1)).toBeCloseTo(3);
});

test("new names and figures change no place, and a new link does", () => {
  const [a, b, c] = ["a", "b", "c"].map((id) => ({ id, name: id, followedBy: [] as { id: string }[] }));
  if (!a || !b || !c) throw new Error("There are no elements.");
  const before = layOut([a, b, c], SIZES, "right");
  expect(layOut([{ ...a, name: "Renamed" }, b, c], SIZES, "right", new Map()).cards).toEqual(before.cards);
  expect(layOut([{ ...a, followedBy: [{ id: "b" }] }, b, c], SIZES, "right").cards).not.toEqual(before.cards);
});

test("a link that nobody went along can still be seen", () => {
  const elements = [
    { id: "a", name: "A", followedBy: [{ id: "b" }] },
    { id: "b", name: "B", followedBy: [] },
  ];
  expect(layOut(elements, SIZES, "right", new Map()).links[0]?.width).toBeGreaterThan(1);
});

test("links to elements that do not exist, to the element itself, and twice to the same are left out", () => {
  const elements = [
    { id: "a", name: "A", followedBy: [{ id: "a" }, { id: "gone" }, { id: "b" }, { id: "b" }] },
    { id: "b", name: "B", followedBy: [] },
  ];
  expect(layOut(elements, SIZES, "right").links.map(({ to }) => to.id)).toEqual(["b"]);
});

test("a definition with a cycle, which only an unsaved one can have, is drawn", () => {
  const elements = [
    { id: "a", name: "A", followedBy: [{ id: "b" }] },
    { id: "b", name: "B", followedBy: [{ id: "a" }] },
  ];
  expect(layOut(elements, SIZES, "right").links).toHaveLength(2);
});

test("nothing to draw is an empty picture", () => {
  const layout = layOut([], SIZES, "right");
  expect(layout.cards).toEqual([]);
  expect(layout.height).toBeGreaterThan(0);
});

test("the largest view is laid out with all of its cards and links", () => {
  const layout = layOut(largeJourney(50, 120), SIZES, "right");
  expect([layout.cards.length, layout.links.length]).toEqual([50, 120]);
});

test("the arrow keys reach every element, and follow links in the direction of the journey", () => {
  fc.assert(
    fc.property(journeys, directions, (elements, direction) => {
      const layout = layOut(elements, SIZES, direction);
      const next = direction === "right" ? "ArrowDown" : "ArrowRight";
      const on = direction === "right" ? "ArrowRight" : "ArrowDown";
      const reached: string[] = [];
      for (let id = elementAfterKey(layout, "", "Home"); id; id = elementAfterKey(layout, id, next)) {
        reached.push(id);
        const target = elementAfterKey(layout, id, on);
        const targets = layout.links.filter(({ from }) => from.id === id).map(({ to }) => to.id);
        expect(target === undefined ? targets.length === 0 : targets.includes(target)).toBe(true);
      }
      expect(reached.sort()).toEqual(elements.map(({ id }) => id).sort());
    }),
  );
});

test("a path goes through all points, level at each", () => {
  const points = [
    { x: 0, y: 0 },
    { x: 10, y: 20 },
  ];
  expect(linkPath(points, "right")).toBe("M0,0C5,0 5,20 10,20");
  expect(linkPath(points, "down")).toBe("M0,0C0,10 10,10 10,20");
  expect(linkPath([], "down")).toBe("");
});

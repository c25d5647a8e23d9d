import { expect, test } from "vitest";
import {
  elementSentence,
  firstElements,
  firstSentence,
  linkSentence,
  shareOfFirst,
  shareOfPrevious,
} from "../src/journey/figures";
import { connections, type GraphElement } from "../src/journey/model";
import { elementFigures, figuresOf } from "./journeys";

const CHECKOUT: GraphElement = { id: "c", name: "Checkout visited", followedBy: [{ id: "o" }] };
const ORDER: GraphElement = { id: "o", name: "Order placed", followedBy: [{ id: "d", note: "within 7 days" }] };
const DELIVERY: GraphElement = { id: "d", name: "Order delivered", followedBy: [] };
const STORE: GraphElement = { id: "s", name: "Store visited", followedBy: [{ id: "d" }] };
const FIGURES = figuresOf(
  { c: { participants: 400 }, o: { participants: 289 }, d: { participants: 287 }, s: { participants: 0 } },
  [
    ["c", "o", 289],
    ["o", "d", 287],
  ],
);

test("the four numbers of an element in a sentence", () => {
  const figures = elementFigures({ participants: 289, completed: 257, flow: 30, active: 2 });
  expect(elementSentence(ORDER, figures)).toBe(
    "Of 289 customers who reached Order placed, 257 completed the journey, 30 went on but did not complete it, " +
      "2 may still go on, and 0 dropped out.",
  );
});

test("an element where the journey ends, and one that nobody reached", () => {
  expect(elementSentence(DELIVERY, elementFigures({ participants: 1, completed: 1 }))).toBe(
    "1 customer reached Order delivered, where the journey ends.",
  );
  expect(elementSentence(ORDER, elementFigures({}))).toBe("No customer reached Order placed.");
});

test("a link's sentence has its customers, their share and its time limit", () => {
  const [link] = connections([ORDER, DELIVERY]);
  if (!link) throw new Error("There is no link.");
  expect(linkSentence(link, FIGURES)).toBe(
    "Of 289 customers who reached Order placed, 287 (99.3%) went on to Order delivered within 7 days.",
  );
  expect(shareOfPrevious(link, FIGURES)).toBe("99.3%");
});

test("a link from an element that nobody reached has no share", () => {
  const [link] = connections([STORE, DELIVERY]);
  if (!link) throw new Error("There is no link.");
  expect(shareOfPrevious(link, FIGURES)).toBe("–");
  expect(linkSentence(link, FIGURES)).toBe("No customer reached Store visited, so none went on to Order delivered.");
});

test("the share of the first element goes over all links", () => {
  const first = firstElements([CHECKOUT, ORDER, DELIVERY]);
  expect(first.get("d")).toBe(CHECKOUT);
  expect(shareOfFirst(DELIVERY, first.get("d"), FIGURES)).toBe("71.8%");
  expect(firstSentence(DELIVERY, first.get("d"), FIGURES)).toBe(
    "71.8% of those who reached Checkout visited, the first element, reached Order delivered.",
  );
});

test("a first element has no share of itself", () => {
  expect(shareOfFirst(CHECKOUT, CHECKOUT, FIGURES)).toBeUndefined();
  expect(firstSentence(CHECKOUT, CHECKOUT, FIGURES)).toBe("");
});

test("an element that several first elements lead to has no share of the first", () => {
  const first = firstElements([CHECKOUT, ORDER, DELIVERY, STORE]);
  expect(first.has("d")).toBe(true);
  expect(shareOfFirst(DELIVERY, first.get("d"), FIGURES)).toBeUndefined();
  expect(shareOfFirst(ORDER, first.get("o"), FIGURES)).toBe("72.3%");
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { cut, textWidth, wrapped } from "../src/journey/texts";

test("no line is wider than the card, whatever the name", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 256 }),
      fc.integer({ min: 1, max: 3 }),
      (name, lines) => {
        const drawn = wrapped(name, 140, 13, lines);
        expect(drawn.length).toBeLessThanOrEqual(lines);
        for (const line of drawn) expect(textWidth(line, 13)).toBeLessThanOrEqual(140);
      },
    ),
  );
});

test("a name breaks between words, and only what does not fit is cut", () => {
  expect(wrapped("Order placed in the store", 100, 13, 2)).toEqual(["Order placed in", "the store"]);
  expect(cut("short", 100, 13)).toBe("short");
  expect(cut("a name that is much too long", 80, 13)).toMatch(/…$/);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { beginning, segments } from "../src/components/characters";
import { indented, inOneLine, kindOf, scalarText } from "../src/components/values";

test("a character that turns the direction of text is named", () => {
  expect(segments("a\u202eb")).toEqual([
    { text: "a", hidden: false },
    { text: "U+202E", hidden: true },
    { text: "b", hidden: false },
  ]);
});

test("controls, lone surrogates and spaces of no width are named; line ends, tabs and joined emoji stay", () => {
  const hidden = segments("\u0000 \u001b \u0085 \ud800 \u200b \ufeff \u2066").filter((part) => part.hidden);
  expect(hidden.map((part) => part.text)).toEqual([
    "U+0000",
    "U+001B",
    "U+0085",
    "U+D800",
    "U+200B",
    "U+FEFF",
    "U+2066",
  ]);
  expect(segments("line\r\n\ttab 👨‍👩‍👧")).toEqual([{ text: "line\r\n\ttab 👨‍👩‍👧", hidden: false }]);
});

test("parts that are not hidden hold no control character, and nothing else of a text is lost", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const parts = segments(text);
      const back = parts.map((part) =>
        part.hidden ? String.fromCodePoint(parseInt(part.text.slice(2), 16)) : part.text,
      );
      expect(back.join("")).toBe(text);
      for (const part of parts) if (!part.hidden) expect(part.text.replace(/[\t\n\r]/g, "")).not.toMatch(/\p{Cc}/u);
    }),
  );
});

test("a beginning never ends within a character", () => {
  expect(beginning("a😀b", 2)).toBe("a");
  expect(beginning("a😀b", 3)).toBe("a😀");
  expect(beginning("ab", 2)).toBe("ab");
});

test.each([
  ["text", "abc"],
  ["date", "2026-01-31"],
  ["date and time", "2026-01-31T09:30:00Z"],
  ["integer", 3],
  ["number", 3.5],
  ["boolean", false],
  ["list", []],
  ["object", {}],
  ["no value", null],
])("the kind of a value is %s", (kind, value) => {
  expect(kindOf(value)).toBe(kind);
});

test("in one line, lists and objects show their size, and numbers are not grouped", () => {
  expect([[1, 2], { a: 1 }, 12345.5, true, "x"].map(inOneLine)).toEqual(["[2]", "{1}", "12345.5", "true", "x"]);
  expect(scalarText(1234567)).toBe("1234567");
});

test("indented JSON has the same value", () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: "grapheme" }), (text) => {
      expect(JSON.parse(indented(text) ?? "")).toEqual(JSON.parse(text));
    }),
  );
});

test("indenting is what JSON.stringify does", () => {
  fc.assert(
    fc.property(
      fc.jsonValue().filter((value) => !JSON.stringify(value).includes("-0")),
      (value) => {
        expect(indented(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
      },
    ),
  );
});

test("indenting keeps the digits of large numbers and names that are repeated", () => {
  expect(indented('{"id":12345678901234567890,"id":1.50}')).toBe('{\n  "id": 12345678901234567890,\n  "id": 1.50\n}');
});

test("text that is no JSON is not indented", () => {
  expect(indented("a=1&b=2")).toBeUndefined();
});

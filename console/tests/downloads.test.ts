import { expect, test } from "vitest";
import { csv } from "../src/components/downloads";

test("cells with separators, quotes and line ends are quoted", () => {
  expect(csv([["a,b", 'say "hi"', "two\nlines", 1.5, undefined]])).toBe('"a,b","say ""hi""","two\nlines",1.5,\r\n');
});

test("a text that a spreadsheet would run as a formula is kept as text, and a negative number is a number", () => {
  expect(csv([["=1+1", "+1", "-1", "@cell", -1]])).toBe("'=1+1,'+1,'-1,'@cell,-1\r\n");
});

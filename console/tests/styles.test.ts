/** The style sheets of all visited pages are loaded at the same time, so none may reach another page. */

import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const pages = globSync("src/pages/*/").filter((folder) => globSync(`${folder}/**/*.css`).length > 0);
const sheets = read("src/**/*.css", (text) => selectors(text));
const markup = read("src/**/*.tsx", (text) => classesInMarkup(text));

function read(pattern: string, parse: (text: string) => string[]): Map<string, string[]> {
  return new Map(globSync(pattern).map((file) => [file, parse(readFileSync(file, "utf8"))]));
}

/** The selectors of a style sheet, also those within media queries; the steps of animations are none. */
function selectors(css: string): string[] {
  const rules = css
    .replace(/\/\*.*?\*\//gs, "")
    .replace(/@keyframes[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}/g, "")
    .matchAll(/([^{};]+)\{/g);
  return [...rules]
    .map(([, selector = ""]) => selector.trim())
    .filter((selector) => !selector.startsWith("@"))
    .flatMap((selector) => selector.split(/,(?![^(]*\))/).map((one) => one.trim()));
}

function classesOf(selector: string): string[] {
  return [...selector.matchAll(/\.([a-zA-Z][\w-]*)/g)].map(([, name = ""]) => name);
}

/** The words within the class attributes. Those of expressions can be too many, which makes the test stricter. */
function classesInMarkup(tsx: string): string[] {
  const attributes = tsx.matchAll(/class=(?:"([^"]*)"|\{((?:[^{}]|\{[^{}]*\})*)\})/g);
  const texts = [...attributes].map(([, text, expression = ""]) => text ?? expression.replace(/\w+\("[^"]*"\)/g, ""));
  return texts.flatMap((text) => text.match(/[a-zA-Z][\w-]*/g) ?? []);
}

/** The selectors of a page's style sheets that no class limits to the page: all their classes occur elsewhere. */
function reachingOut(page: string): string[] {
  const isElsewhere = ([file]: [string, string[]]) => !file.startsWith(`${page}/`);
  const elsewhere = new Set([
    ...[...markup].filter(isElsewhere).flatMap(([, classes]) => classes),
    ...[...sheets].filter(isElsewhere).flatMap(([, found]) => found.flatMap(classesOf)),
  ]);
  return [...sheets]
    .filter(([file]) => file.startsWith(`${page}/`))
    .flatMap(([, found]) => found)
    .filter((selector) => classesOf(selector).every((name) => elsewhere.has(name)));
}

describe("the styles of a page", () => {
  test.each(pages)("those of %s reach no other page", (page) => {
    expect(reachingOut(page)).toEqual([]);
  });

  test("the pages, selectors and classes are found", () => {
    expect(pages.length).toBeGreaterThan(5);
    expect(selectors("@media (x) { .a > b, :is(.c, .d) { color: red } } @keyframes k { from { top: 0 } }")).toEqual([
      ".a > b",
      ":is(.c, .d)",
    ]);
    expect(classesInMarkup('<p class="a b"><i class={`c ${d ? "e" : ""}`} /></p>')).toEqual(["a", "b", "c", "d", "e"]);
    expect(classesInMarkup('<p class={f("x") ? "bad" : ""} />')).toEqual(["bad"]);
  });
});

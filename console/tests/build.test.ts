/** The built console: how much a reader waits for, and whose code it contains. */

import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { beforeAll, expect, test } from "vitest";
import { FILE, packagesOf } from "../licenses";

/** Bytes after gzip of the script and the styles that the page names, with all that they import at once. */
const LARGEST_ENTRY = 60_000;
/** Milliseconds that a build may take on a busy machine. */
const PATIENCE = 120_000;

let files: Rolldown.RolldownOutput["output"];

beforeAll(async () => {
  const built = await build({
    root: new URL("..", import.meta.url).pathname,
    logLevel: "silent",
    build: { write: false },
  });
  files = (built as Rolldown.RolldownOutput).output;
}, PATIENCE);

function chunk(name: string): Rolldown.OutputChunk {
  const found = files.find((file) => file.fileName === name);
  if (found?.type !== "chunk") return expect.unreachable(`${name} is no script`);
  return found;
}

/** The files that load before the first page can be shown. */
function entry(): { scripts: Rolldown.OutputChunk[]; sizes: number[] } {
  const page = files.find((file) => file.fileName === "index.html");
  const html = page?.type === "asset" ? String(page.source) : "";
  const named = [...html.matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css))"/g)].map(([, name = ""]) => name);
  const scripts = new Set(named.filter((name) => name.endsWith(".js")));
  for (const name of scripts) for (const imported of chunk(name).imports) scripts.add(imported);
  const styles = files.flatMap((file) => (file.type === "asset" && named.includes(file.fileName) ? file.source : []));
  const sources = [...[...scripts].map((name) => chunk(name).code), ...styles];
  return { scripts: [...scripts].map(chunk), sizes: sources.map((source) => gzipSync(source).length) };
}

test("the entry is at most 60 kB", () => {
  const { sizes } = entry();
  expect(sizes.length).toBeGreaterThan(1);
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(LARGEST_ENTRY);
});

test.each(["@observablehq/plot", "d3-", "@dagrejs/dagre", "/src/pages/views/"])("the entry is without %s", (part) => {
  const modules = (scripts: readonly Rolldown.OutputChunk[]) => scripts.flatMap(({ moduleIds }) => moduleIds);
  const all = files.filter((file) => file.type === "chunk");
  expect(modules(all).filter((module) => module.includes(part))).not.toEqual([]);
  expect(modules(entry().scripts).filter((module) => module.includes(part))).toEqual([]);
});

test("each package in the bundle is listed, with a license that is allowed", () => {
  const file = files.find(({ fileName }) => fileName === FILE);
  const list = file?.type === "asset" ? String(file.source) : "";
  const names = files.flatMap((one) =>
    one.type === "chunk"
      ? one.moduleIds.flatMap((id) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1] ?? [])
      : [],
  );
  expect(new Set(names)).toContain("preact");
  for (const name of new Set(names)) {
    expect(list).toMatch(new RegExp(`^${name} [\\d.]+ \\((?:0BSD|Apache-2.0|BSD-[23]-Clause|ISC|MIT)\\)$`, "m"));
  }
});

test("a package with another license stops the build", () => {
  const module = (name: string) => new URL(`../node_modules/${name}/index.js`, import.meta.url).pathname;
  expect(packagesOf([module("typescript")])).toHaveLength(1);
  expect(() => packagesOf([module("axe-core")])).toThrow("axe-core has the license MPL-2.0");
});

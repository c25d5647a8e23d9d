/** Lists the packages in the bundle with their licenses, in a file that the console serves. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

export const FILE = "licenses.txt";

/** Licenses that ask for no more than their text beside the code. */
const ALLOWED = new Set(["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"]);

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly text: string;
}

/** Writes the list. A package with a license that is not allowed, or without its text, stops the build. */
export function licenses(): Plugin {
  return {
    name: "licenses",
    apply: "build",
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
      this.emitFile({ type: "asset", fileName: FILE, source: listing(packagesOf(modules)) });
    },
  };
}

/** The packages of these modules, by name and version. */
export function packagesOf(modules: readonly string[]): Package[] {
  const folders = new Set(modules.flatMap((module) => packageFolder(module) ?? []));
  return [...folders].map(readPackage).sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
}

/** Where the package of a module is; undefined for the console's own modules. */
function packageFolder(module: string): string | undefined {
  return /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(module)?.[1];
}

function readPackage(folder: string): Package {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Package;
  if (!ALLOWED.has(license)) throw new Error(`${name} has the license ${license}; allowed: ${[...ALLOWED].join(", ")}`);
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  if (file === undefined) throw new Error(`${name} has no license text`);
  return { name, version, license, text: readFileSync(join(folder, file), "utf8").trim() };
}

function nameOf({ name, version }: Package): string {
  return `${name} ${version}`;
}

function listing(packages: readonly Package[]): string {
  const about = "The console contains these packages.\n";
  const line = "-".repeat(80);
  return [about, ...packages.map((one) => `${line}\n${nameOf(one)} (${one.license})\n\n${one.text}\n`)].join("\n");
}

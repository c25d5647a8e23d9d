/** Fails if a package in the bundle has a known vulnerability. A registry that offers no audit is named, and passes. */

import { spawnSync } from "node:child_process";

interface Audit {
  readonly message?: string;
  readonly metadata?: { readonly vulnerabilities: { readonly total: number } };
}

const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json"], { encoding: "utf8", cwd: import.meta.dirname });
const { message, metadata } = JSON.parse(stdout || "{}") as Audit;
if (!metadata) {
  console.log(`npm audit: the registry did not audit the packages (${message ?? "no answer"})`);
} else if (metadata.vulnerabilities.total > 0) {
  spawnSync("npm", ["audit", "--omit=dev"], { stdio: "inherit", cwd: import.meta.dirname });
  process.exitCode = 1;
} else {
  console.log("npm audit: no known vulnerability in the bundle's packages");
}

/** `make check` fails on a known vulnerability, and where a registry offers no audit it says so. */

import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";

/** Runs the audit with an npm that answers this. */
function audit(answer: unknown): { status: number | null; stdout: string } {
  const folder = mkdtempSync(join(tmpdir(), "audit-"));
  try {
    writeFileSync(join(folder, "npm"), `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`);
    chmodSync(join(folder, "npm"), 0o755);
    const env = { ...process.env, PATH: folder + delimiter + (process.env["PATH"] ?? "") };
    const script = new URL("../audit.ts", import.meta.url).pathname;
    return spawnSync(process.execPath, [script], { encoding: "utf8", env });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test.each([
  [{ metadata: { vulnerabilities: { total: 0 } } }, 0, "no known vulnerability"],
  [{ metadata: { vulnerabilities: { total: 1 } } }, 1, "vulnerabilities"],
  [{ message: "405 Method Not Allowed" }, 0, "did not audit the packages (405 Method Not Allowed)"],
])("%j ends with status %i", (answer, status, words) => {
  const ended = audit(answer);
  expect(ended.status).toBe(status);
  expect(ended.stdout).toContain(words);
});

/** CSV files of the API: their pages are read in order, and become one file. */

import { afterEach, expect, test, vi } from "vitest";
import { useSession } from "../src/api/client";
import { ApiProblem } from "../src/api/problem";
import { downloadCsv } from "../src/components/downloads";
import { chartTable, type Job, resultTable } from "../src/pages/views/requests";
import type { Session } from "../src/session/session";

const JOB = { id: "job", journeyView: { id: "view", version: 2 } } as Job;
const RESULTS = "/api/v2/journey/views/view/versions/2/jobs/job/results";

let asked: URL[] = [];

/** Answers each request with the next page; all pages but the last one lead to the page after them. */
function answer(...pages: string[]): void {
  asked = [];
  useSession({ token: () => Promise.resolve("t") } as unknown as Session);
  vi.stubGlobal("fetch", ({ url }: Request) => {
    const page = asked.push(new URL(url));
    const next = `<https://api.example.com/prod${RESULTS}?format=csv&cursor=${page}%2B>; rel="next"`;
    return Promise.resolve(
      new Response(pages[page - 1], {
        headers: { "Content-Type": "text/csv", ...(page < pages.length ? { Link: next } : {}) },
      }),
    );
  });
}

afterEach(() => {
  vi.unstubAllGlobals();
});

test("the pages of a table become one file", async () => {
  answer("a,b\r\n1,2\r\n", "3,4\r\n", "5,6\r\n");
  expect(await resultTable(JOB, "links")).toBe("a,b\r\n1,2\r\n3,4\r\n5,6\r\n");
  expect(asked.map(({ pathname }) => pathname.slice(-RESULTS.length))).toEqual([RESULTS, RESULTS, RESULTS]);
  expect(asked.map(({ searchParams }) => Object.fromEntries(searchParams))).toEqual([
    { format: "csv", table: "links" },
    { format: "csv", table: "links", cursor: "1+" },
    { format: "csv", table: "links", cursor: "2+" },
  ]);
});

test("a chart has a file of its own", async () => {
  answer("a\r\n1\r\n");
  expect(await chartTable(JOB, "amount")).toBe("a\r\n1\r\n");
  expect(asked[0]?.pathname).toMatch(new RegExp(`${RESULTS}/charts/amount$`));
});

test("a refusal is an error, and no part of a file", async () => {
  useSession({ token: () => Promise.resolve("t") } as unknown as Session);
  vi.stubGlobal("fetch", () =>
    Promise.resolve(Response.json({ message: "The results have expired." }, { status: 404 })),
  );
  await expect(resultTable(JOB, "elements")).rejects.toThrow(ApiProblem);
  await expect(resultTable(JOB, "elements")).rejects.toThrow("The results have expired.");
});

test("a saved file begins with the mark of UTF-8, and its name has no separators of folders", async () => {
  const link = { href: "", download: "", click: vi.fn() };
  let saved: Blob | undefined;
  vi.stubGlobal("document", { createElement: () => link });
  vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
    saved = blob as Blob;
    return "blob:1";
  });
  downloadCsv("Über/unter - links", "ä\r\n");
  expect([link.download, link.click.mock.calls.length]).toEqual(["Über-unter - links.csv", 1]);
  expect([...new Uint8Array((await saved?.arrayBuffer()) ?? [])]).toEqual([0xef, 0xbb, 0xbf, 0xc3, 0xa4, 13, 10]);
});

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { deliveredBody } from "../src/pages/failures/delivered";
import { attributeOf, ownFieldOf } from "../src/pages/failures/fields";
import { countedBy, filterQuery, filtersOf, ofStatus } from "../src/pages/failures/filters";
import { reasonTitle, suggestedFix } from "../src/pages/failures/fixes";
import { replayAll, type ReplayFilter } from "../src/pages/failures/replaying";
import { address, parseRoute } from "../src/routing";

interface Document {
  paths: Record<string, { get: { parameters: { name: string; schema: { enum?: string[] } }[] } }>;
}

const document = JSON.parse(readFileSync("../functions/openapi/openapi.json", "utf8")) as Document;
const reasons =
  document.paths["/api/v2/journey/externalevents/failures"]?.get.parameters.find((one) => one.name === "reason")?.schema
    .enum ?? [];

test("the API has reasons", () => {
  expect(reasons.length).toBeGreaterThan(15);
});

test.each(reasons)("%s has a title, advice and a place where to follow it", (reason) => {
  expect(reasonTitle(reason)).not.toBe(reason);
  for (const endpointId of [undefined, "E"]) {
    const failure = { reason, configurationId: "C", ...(endpointId && { endpointId }) };
    const fix = suggestedFix(failure, "S");
    expect(fix.advice).toMatch(/^[A-Z].{20,}\.$/s);
    expect(fix.links[0].href).toMatch(/^#\/(sources|failures)/);
  }
});

test("a mapping is fixed at the endpoint, a schema at the event type, and what an API client sends at its configuration", () => {
  const delivery = { reason: "missing.date", configurationId: "C", endpointId: "E" };
  expect(suggestedFix(delivery).links[0].href).toBe("#/sources/endpoints/E/mapping");
  expect(suggestedFix({ reason: "unknown.attribute", configurationId: "C" }, "S").links[0].href).toBe(
    "#/sources/types/S",
  );
  expect(suggestedFix({ ...delivery, reason: "invalid.attribute" }, "S").links.map((link) => link.href)).toEqual([
    "#/sources/types/S",
    "#/sources/endpoints/E/mapping",
  ]);
  expect(suggestedFix({ reason: "missing.date", configurationId: "C" }).links[0].href).toBe(
    "#/sources/configurations/C",
  );
});

test("a reason that is not known yet stands for itself", () => {
  expect(suggestedFix({ reason: "constructor", configurationId: "C" }).title).toBe("constructor");
});

test("filters survive the address", () => {
  const texts = fc.string({ unit: "grapheme" });
  fc.assert(
    fc.property(
      fc.record({
        reason: texts,
        source: texts,
        configurationId: texts,
        endpointId: texts,
        status: fc.constantFrom("open" as const, "resolved" as const, "all" as const),
        from: texts,
        to: texts,
      }),
      (filters) => {
        expect(filtersOf(parseRoute(address(["failures"], filterQuery(filters))).query)).toEqual(filters);
      },
    ),
  );
});

test("counts by reason add up over configurations, and the most open come first", () => {
  const one = { source: "a", dateLastFailed: "2026-01-01T00:00:00Z" };
  const counted = countedBy(
    [
      { ...one, reason: "x", configurationId: "1", count: 5, openCount: 1 },
      { ...one, reason: "y", configurationId: "1", count: 3, openCount: 3 },
      { ...one, reason: "x", configurationId: "2", count: 2, openCount: 1 },
    ],
    "reason",
  );
  expect(counted.map((group) => [group.name, group.count, group.openCount])).toEqual([
    ["y", 3, 3],
    ["x", 7, 2],
  ]);
  expect(counted.map((group) => ofStatus(group, "resolved"))).toEqual([0, 5]);
});

test.each([
  ["attributes.amount", "amount", undefined],
  ["attributes.a.b", "a.b", undefined],
  ["identifiers.externalIds[0].value", undefined, "identifiers"],
  ["dateCreated", undefined, "dateCreated"],
  [undefined, undefined, undefined],
])("the field %s is the attribute %s or the event's %s", (field, attribute, own) => {
  expect([attributeOf(field), ownFieldOf(field)]).toEqual([attribute, own]);
});

test("a body is shown as JSON, as text, or not at all; its size is that of the delivery", () => {
  expect(deliveredBody({ body: '{"é":1}', isBase64Encoded: false })).toEqual({
    text: '{\n  "é": 1\n}',
    form: "JSON",
    bytes: 8,
  });
  expect(deliveredBody({ body: "a=1", isBase64Encoded: false })).toEqual({ text: "a=1", form: "text", bytes: 3 });
  expect(deliveredBody({ body: btoa("a=1"), isBase64Encoded: true })).toEqual({ text: "a=1", form: "text", bytes: 3 });
  expect(deliveredBody({ body: btoa("\xff\xfe\x00"), isBase64Encoded: true })).toEqual({
    text: undefined,
    form: "binary",
    bytes: 3,
  });
});

const EVERYTHING: ReplayFilter = {
  configurationId: null,
  endpointId: null,
  reason: null,
  from: null,
  to: null,
  cursor: null,
};
const STEP = { replayed: 2, created: 1, duplicate: 0, failed: 1, ignored: 0 };

test("a replay continues with the cursor, keeps its filter, and adds up", async () => {
  const asked: ReplayFilter[] = [];
  const answers = [
    { ...STEP, failedReasons: [{ reason: "x", count: 1 }], complete: false, remaining: 2, nextCursor: "next" },
    { ...STEP, failedReasons: [{ reason: "x", count: 1 }], complete: true },
  ];
  const seen = [];
  for await (const progress of replayAll(EVERYTHING, "2026-01-01T00:00:00Z", (filter) => {
    asked.push(filter);
    return Promise.resolve(answers[asked.length - 1] ?? answers[1] ?? ({} as never));
  })) {
    seen.push(progress);
  }
  expect(asked).toEqual([
    { ...EVERYTHING, to: "2026-01-01T00:00:00Z" },
    { ...EVERYTHING, to: "2026-01-01T00:00:00Z", cursor: "next" },
  ]);
  expect(seen.map((progress) => [progress.replayed, progress.remaining, progress.complete])).toEqual([
    [2, 2, false],
    [4, 0, true],
  ]);
  expect(seen.at(-1)?.failedReasons).toEqual([{ reason: "x", count: 2 }]);
});

test("a replay that is stopped sends no further request", async () => {
  let requests = 0;
  for await (const progress of replayAll(EVERYTHING, "2026-01-01T00:00:00Z", () => {
    requests += 1;
    return Promise.resolve({ ...STEP, failedReasons: [], complete: false, remaining: 9, nextCursor: "next" });
  })) {
    if (progress.replayed >= 4) break;
  }
  expect(requests).toBe(2);
});

test("a replay without a cursor to go on with ends", async () => {
  const seen = [];
  for await (const progress of replayAll(EVERYTHING, "2026-01-01T00:00:00Z", () =>
    Promise.resolve({ ...STEP, failedReasons: [], complete: false }),
  )) {
    seen.push(progress.complete);
  }
  expect(seen).toEqual([true]);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { type Activity, axisTop, dailyOf, newestJourneys } from "../src/pages/home/daily";
import { type Facts, nextStep, stepsOf } from "../src/pages/home/steps";

const NONE: Facts = {
  types: [],
  activeTypes: 0,
  configurations: [],
  events: 0,
  views: [],
  completeJobs: 0,
};

function activity(days: readonly Record<string, number>[]): Activity {
  const ids = [...new Set(days.flatMap((day) => Object.keys(day)))].filter((id) => id !== "other");
  return {
    configurations: ids.map((id) => ({ id, name: id, source: id.split(" ")[0] ?? "", schemaId: "type" })),
    entities: days.map(({ other = 0, ...counts }, index) => ({
      date: `2026-11-${String(27 - index).padStart(2, "0")}`,
      eventCount: other + Object.values(counts).reduce((sum, value) => sum + value, 0),
      otherEventCount: other,
      sources: Object.entries(counts).map(([configurationId, eventCount]) => ({ configurationId, eventCount })),
    })),
  };
}

test("the bars go from the oldest day to the newest, and join the configurations of a source", () => {
  const daily = dailyOf(activity([{ "Shop orders": 2, "Shop carts": 3, other: 4 }, { Web: 7 }]));
  expect(daily.days).toEqual(["2026-11-26", "2026-11-27"]);
  expect(daily.totals).toEqual([7, 9]);
  expect(daily.series.map(({ name, counts }) => [name, counts])).toEqual([
    ["Web", [7, 0]],
    ["Shop", [0, 5]],
    ["Not yet counted by source", [0, 4]],
  ]);
});

test("a source whose configuration is unknown keeps its id as its name", () => {
  const answer = { ...activity([{ gone: 1 }]), configurations: [] };
  expect(dailyOf(answer).series.map((one) => one.name)).toEqual(["gone"]);
});

test("no event is lost or counted twice in the bars, however many sources there are", () => {
  const day = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.integer({ min: 1, max: 1000 }), { maxKeys: 20 });
  fc.assert(
    fc.property(fc.array(day, { minLength: 1, maxLength: 14 }), (days) => {
      const daily = dailyOf(activity(days));
      daily.totals.forEach((total, index) => {
        expect(daily.series.reduce((sum, one) => sum + (one.counts[index] ?? 0), 0)).toBe(total);
      });
      expect(daily.series.filter((one) => one.kind === "source").length).toBeLessThanOrEqual(8);
    }),
  );
});

test("the journeys shown are those of the newest day on which they were counted", () => {
  const answer = activity([{ Shop: 1 }, { Shop: 1 }, { Shop: 1 }]);
  const entities = answer.entities.map((day, index) => (index === 0 ? day : { ...day, journeyCount: index }));
  expect(newestJourneys(dailyOf({ ...answer, entities }))).toEqual({ day: "2026-11-26", count: 1 });
  expect(newestJourneys(dailyOf(answer))).toBeUndefined();
});

test("the axis ends at a round number that no bar exceeds", () => {
  expect([0, 1, 2, 3, 10, 11, 49, 501].map(axisTop)).toEqual([2, 2, 2, 4, 10, 20, 50, 600]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e12 }), (highest) => {
      expect(axisTop(highest)).toBeGreaterThanOrEqual(highest);
    }),
  );
});

test("each answer of the API ticks its step, and the next one leads on", () => {
  const answers: [Partial<Facts>, string | undefined][] = [
    [{}, "type"],
    [{ types: [{ id: "order" }] }, "activate"],
    [{ activeTypes: 1 }, "source"],
    [{ configurations: [{ id: "shop" }] }, "event"],
    [{ events: 1 }, "view"],
    [{ views: [{ id: "funnel" }] }, "compute"],
    [{ completeJobs: 1 }, undefined],
  ];
  let facts = NONE;
  for (const [answer, next] of answers) {
    facts = { ...facts, ...answer };
    expect(nextStep(stepsOf(facts))?.name).toBe(next);
  }
  expect(stepsOf(facts).map((step) => step.href)).toEqual([
    "#/sources/types/new",
    "#/sources/types/order",
    "#/sources/configurations/new?type=order",
    "#/sources/configurations/shop",
    "#/builder",
    "#/views/funnel",
  ]);
});

test("what the reader may not ask is not taken as done", () => {
  const unknown: Facts = {
    types: undefined,
    activeTypes: undefined,
    configurations: undefined,
    events: undefined,
    views: undefined,
    completeJobs: undefined,
  };
  expect(stepsOf(unknown).some((step) => step.done)).toBe(false);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  axisLabel,
  chartData,
  drawn,
  MAX_GROUPS,
  MAX_SERIES,
  periodLabel,
  periods,
  periodStart,
} from "../src/charts/data";

type Value = readonly [string | undefined, string | undefined, number];

function resultOf(id: string, values: readonly Value[], names: readonly [string, string] = ["groupByTime", "channel"]) {
  return {
    id,
    selfUri: "",
    metrics: [
      {
        id: "m",
        values: values.map(([at, series, value]) => ({
          value,
          groupByAttributes: [
            ...(at === undefined ? [] : [{ attribute: names[0], value: at }]),
            ...(series === undefined ? [] : [{ attribute: names[1], value: series }]),
          ],
        })),
      },
    ],
  };
}

test("periods without events are filled in, over the end of a year", () => {
  expect(periods("Week", ["2026-W52", "2027-W01"])).toEqual(["2026-W52", "2026-W53", "2027-W01"]);
  expect(periods("Month", ["2026-11", "2027-02"])).toEqual(["2026-11", "2026-12", "2027-01", "2027-02"]);
  expect(periods("Day", ["2028-02-28", "2028-03-01"])).toEqual(["2028-02-28", "2028-02-29", "2028-03-01"]);
  expect(periods("Year", ["2026", "2028"])).toEqual(["2026", "2027", "2028"]);
  expect(periods("Day", [])).toEqual([]);
});

test("the weeks of any time follow each other, seven days apart", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1971, max: 2199 }), (year) => {
      const weeks = periods("Week", [`${year}-W01`, `${year + 1}-W02`]);
      weeks.slice(1).forEach((week, index) => {
        const before = periodStart("Week", weeks[index] ?? "");
        expect(periodStart("Week", week).getTime() - before.getTime()).toBe(7 * 86_400_000);
        expect(before.getUTCDay()).toBe(1);
      });
    }),
  );
});

test("a chart by time counts nothing where there were no events", () => {
  const chart = { id: "c", groupByTime: "Month" as const, metrics: [{ id: "m", elementId: "e" }] };
  const result = resultOf("c", [
    ["2026-01", undefined, 5],
    ["2026-03", undefined, 7],
  ]);
  const data = chartData(chart, result);
  expect(data.axis).toEqual(["2026-01", "2026-02", "2026-03"]);
  expect(data.panels[0]?.series).toEqual([
    { name: "", values: [5, 0, 7], groups: [["2026-01"], undefined, ["2026-03"]] },
  ]);
  expect(data.kind).toBe("Column");
});

test("an average has no value where there were no events", () => {
  const metrics = [{ id: "m", elementId: "e", aggregate: "Average" as const, attribute: "amount" }];
  const result = resultOf("c", [
    ["2026", undefined, 1.5],
    ["2028", undefined, 2],
  ]);
  const data = chartData({ id: "c", groupByTime: "Year", metrics }, result);
  expect(data.panels[0]?.series[0]?.values).toEqual([1.5, undefined, 2]);
});

test("a second group is a series, and events without the attribute are a group without a value", () => {
  const chart = { id: "c", groupByTime: "Year" as const, metrics: [{ id: "m", elementId: "e" }] };
  const result = resultOf("c", [
    ["2026", "web", 5],
    ["2026", undefined, 2],
    ["2027", "web", 1],
  ]);
  const [panel] = chartData({ ...chart, groupByAttributes: [{ elementId: "e", attribute: "channel" }] }, result).panels;
  expect(panel?.series.map(({ name, values }) => [name, values])).toEqual([
    ["web", [5, 1]],
    ["no value", [2, 0]],
  ]);
});

test("a chart without groups has one value", () => {
  const data = chartData(
    { id: "c", metrics: [{ id: "m", elementId: "e" }] },
    resultOf("c", [[undefined, undefined, 9]]),
  );
  expect(data.axis).toEqual([""]);
  expect(data.panels[0]?.series[0]?.values).toEqual([9]);
});

test("a result without values draws nothing", () => {
  const data = chartData({ id: "c", metrics: [{ id: "m", elementId: "e" }] }, { id: "c", selfUri: "", metrics: [] });
  expect([data.axis, data.panels[0]?.series]).toEqual([[], []]);
});

test("the largest series and groups are drawn in their order, and what is left out is said", () => {
  const values = Array.from({ length: 40 }, (_, group) =>
    Array.from({ length: 10 }, (_unused, series): Value => [`g${group}`, `s${series}`, group + series]),
  ).flat();
  const chart = {
    id: "c",
    groupByAttributes: [
      { elementId: "e", attribute: "group" },
      { elementId: "e", attribute: "series" },
    ],
    metrics: [{ id: "m", elementId: "e" }],
  };
  const data = chartData(chart, resultOf("c", values, ["group", "series"]));
  const [panel] = data.panels;
  if (!panel) throw new Error("There is no panel.");
  const shown = drawn(data, panel);
  expect(shown.series.map(({ name }) => name)).toEqual(["s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9"]);
  expect([shown.axis.length, shown.axis[0], shown.series.length]).toEqual([MAX_GROUPS, "g10", MAX_SERIES]);
  expect(shown.omitted).toBe(
    "The picture shows the 8 largest of 10 series and the 30 largest of 40 groups. The table has all.",
  );
});

test("labels of periods, with the year where it is needed", () => {
  expect(periodLabel("Week", "2026-W05")).toBe("week 5, 2026");
  expect(periodLabel("Day", "2026-11-03")).toBe("Nov 3, 2026");
  expect(periodLabel("Month", "2026-11")).toBe("Nov 2026");
  expect(periodLabel(undefined, "web")).toBe("web");
  expect(axisLabel("Week", ["2026-W05", "2026-W06"])("2026-W05")).toBe("week 5");
  expect(axisLabel("Day", ["2026-12-31", "2027-01-01"])("2027-01-01")).toBe("Jan 1, 2027");
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { chartData, drawn, groupLabel } from "../src/charts/data";
import { elementParts, elementSentence, linkParts, linkSentence } from "../src/journey/figures";
import { connections, type GraphElement } from "../src/journey/model";
import { boundText, figureOf, parseWho, STATES, type Who, whoLabel, whoText } from "../src/journey/who";
import { forReaders } from "../src/pages/views/analysis";
import { elementFigures, figuresOf } from "./journeys";

const ORDER: GraphElement = { id: "o", name: "Order placed", followedBy: [{ id: "d", note: "within 7 days" }] };
const DELIVERY: GraphElement = { id: "d", name: "Order delivered", followedBy: [] };

const text = fc.string({ unit: "grapheme" });
const anyWho: fc.Arbitrary<Who> = fc.oneof(
  fc.record({
    kind: fc.constant("state" as const),
    elementId: text,
    state: fc.constantFrom(...Object.values(STATES)),
  }),
  fc.record({ kind: fc.constant("link" as const), elementId: text, linkId: text }),
  fc.record({
    kind: fc.constant("group" as const),
    chartId: text,
    metricId: text,
    group: fc.array(fc.option(text, { nil: null })),
  }),
);

test("an address keeps any figure, whatever its ids contain", () => {
  fc.assert(
    fc.property(anyWho, (who) => {
      const query = new URLSearchParams({ who: whoText(who) });
      expect(parseWho(new URLSearchParams(query.toString()).get("who"))).toEqual(who);
    }),
  );
});

test("the file of customers has addresses of the console, and the texts of customers stay", () => {
  const api = "https://api.example.com/prod/api/v2/journey/customers?externalSourceId=e%2Cmail&value=a%40b&scope=";
  const text = `"say ""hi"",\r\n${api}person"`;
  const customer = `journey\r\n"e,mail",${api}x,${text},`;
  const home = "https://console.example.com/console/";
  const shown = `${home}#/customers?source=e%2Cmail&value=a%40b`;
  expect(forReaders(`${customer}${api}person\r\n`, home)).toBe(`${customer}${shown}\r\n`);
  expect(forReaders(`${customer}${api}identifier`, home)).toBe(`${customer}${shown}&scope=identifier`);
});

test("an address that somebody edited names no figure, and breaks nothing", () => {
  for (const edited of [
    null,
    "",
    "elementId=o",
    "elementId=o&state=Everybody",
    "state=Dropout",
    "chartId=c&metricId=m&group={}",
    "chartId=c&metricId=m&group=[1]",
    "chartId=c&metricId=m&group=[",
    "chartId=c&metricId=m",
  ]) {
    expect(parseWho(edited)).toBeUndefined();
  }
  fc.assert(
    fc.property(text, (edited) => {
      parseWho(edited);
    }),
  );
});

test("each figure has a title", () => {
  const titles = Object.values(STATES).map((state) =>
    whoLabel({ value: 12, who: { kind: "state", elementId: "o", state } }, [ORDER]),
  );
  expect(titles).toEqual([
    "12 customers reached Order placed",
    "12 customers reached Order placed and completed the journey",
    "12 customers went on from Order placed but did not complete the journey",
    "12 customers may still go on from Order placed",
    "12 customers dropped out at Order placed",
  ]);
  const link: Who = { kind: "link", elementId: "o", linkId: "d" };
  expect(whoLabel({ value: 1, who: link }, [ORDER, DELIVERY])).toBe(
    "1 customer went on from Order placed to Order delivered",
  );
});

test("the parts of a sentence are the sentence, and their values those of the figures", () => {
  fc.assert(
    fc.property(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()), ([completed, flow, active, dropout]) => {
      const participants = completed + flow + active + dropout;
      const own = elementFigures({ participants, completed, flow, active, dropout });
      const figures = figuresOf({ o: own, d: {} }, [["o", "d", flow]]);
      const [link] = connections([ORDER, DELIVERY]);
      if (!link) throw new Error("There is no link.");
      const parts = [...elementParts(ORDER, own), ...linkParts(link, figures)];
      const words = parts.map((part) => (typeof part === "string" ? part : part.text)).join("");
      expect(words).toBe(elementSentence(ORDER, own) + linkSentence(link, figures));
      for (const part of parts) {
        if (typeof part !== "string") expect(part.value).toBe(figureOf(part.who, figures));
      }
    }),
  );
});

test("a list that leaves customers out says so", () => {
  expect(boundText(1000, 1000)).toBe("");
  expect(boundText(1001, 1000)).toBe("1,000 of them can be listed, chosen at random and always the same.");
});

test("the values of a chart keep the group that the API names, also where it has no value", () => {
  const chart = {
    id: "c",
    groupByTime: "Week" as const,
    groupByAttributes: [{ elementId: "e", attribute: "channel" }],
    metrics: [{ id: "m", elementId: "e" }],
  };
  const values = [
    { value: 3, groupByAttributes: [{ attribute: "groupByTime", value: "2026-W01" }] },
    {
      value: 4,
      groupByAttributes: [
        { attribute: "groupByTime", value: "2026-W03" },
        { attribute: "channel", value: "web" },
      ],
    },
  ];
  const data = chartData(chart, { id: "c", selfUri: "", metrics: [{ id: "m", values }] });
  const [panel] = data.panels;
  if (!panel) throw new Error("There is no panel.");
  expect(panel.series.map(({ groups }) => groups)).toEqual([
    [["2026-W01", null], undefined, undefined],
    [undefined, undefined, ["2026-W03", "web"]],
  ]);
  expect(drawn(data, panel).series.map(({ groups }) => groups)).toEqual(panel.series.map(({ groups }) => groups));
  expect(groupLabel(chart, ["2026-W01", null])).toBe("week 1, 2026, no value");
});

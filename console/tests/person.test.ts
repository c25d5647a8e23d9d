import fc from "fast-check";
import { expect, test } from "vitest";
import { mayLink } from "../src/pages/customers/identifiers";
import {
  groupsWithout,
  type Identifier,
  identifierKey,
  lifelines,
  linksOf,
  numbersOf,
  otherOf,
  type Pair,
  pairKey,
  waysFrom,
} from "../src/pages/customers/person";
import { type Form, sameSettings, toForm, toSettings, withChoice } from "../src/pages/sources/identifiers/settingsForm";

const sources: fc.Arbitrary<string> = fc.constantFrom("email", "crm", "E#mail", " ");
const identifiers = fc.uniqueArray(fc.record({ externalSourceId: sources, value: fc.string({ maxLength: 4 }) }), {
  selector: identifierKey,
  minLength: 1,
  maxLength: 12,
});

/** Identifiers, links between them, and some of these links. */
const persons = identifiers.chain((all) => {
  const pair = fc
    .tuple(fc.constantFrom(...all), fc.constantFrom(...all))
    .filter(([from, to]) => from !== to)
    .map(([from, to]): Pair => ({ from, to }));
  const links: fc.Arbitrary<Pair[]> =
    all.length > 1 ? fc.uniqueArray(pair, { selector: pairKey, maxLength: 20 }) : fc.constant([]);
  return links.chain((made) => fc.record({ all: fc.constant(all), links: fc.constant(made), gone: fc.subarray(made) }));
});

/** The groups by the definition: from each identifier, all that can be reached, whatever the number of steps. */
function reached(start: Identifier, links: readonly Pair[]): Set<string> {
  const found = new Set([identifierKey(start)]);
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const { from, to } of links) {
      const keys = [identifierKey(from), identifierKey(to)];
      if (keys.some((key) => found.has(key))) keys.forEach((key) => found.add(key));
    }
  }
  return found;
}

test("after links are gone, two identifiers are of one group exactly if other links lead from one to the other", () => {
  fc.assert(
    fc.property(persons, ({ all, links, gone }) => {
      const groups = groupsWithout(all, links, gone);
      expect(groups.flat().length).toBe(all.length);
      const kept = links.filter((link) => !gone.includes(link));
      for (const group of groups) {
        for (const one of group) expect(new Set(group.map(identifierKey))).toEqual(reached(one, kept));
      }
    }),
  );
});

test("without all of its links, an identifier stands alone", () => {
  fc.assert(
    fc.property(persons, ({ all, links }) => {
      for (const one of all) expect(groupsWithout(all, links, linksOf(one, links))).toContainEqual([one]);
    }),
  );
});

test("a pair is the same in both orders, and no other pair is", () => {
  fc.assert(
    fc.property(identifiers, (all) => {
      const pairs = all.flatMap((from, index) => all.slice(index + 1).map((to) => ({ from, to })));
      expect(new Set(pairs.map(pairKey)).size).toBe(pairs.length);
      for (const { from, to } of pairs) {
        expect(pairKey({ from: to, to: from })).toBe(pairKey({ from, to }));
        expect(otherOf(from, { from, to })).toBe(to);
        expect(otherOf(from, { from: to, to: from })).toBe(to);
      }
    }),
  );
});

test("each identifier of the person came by a link that leads toward the one that was looked up", () => {
  fc.assert(
    fc.property(persons, ({ all, links }) => {
      const [start] = all;
      if (!start) return;
      const ways = waysFrom(start, links);
      const expected = reached(start, links);
      expected.delete(identifierKey(start));
      expect(new Set(ways.keys())).toEqual(expected);
      for (const one of all) {
        const path = new Set<string>();
        for (let at = one, way = ways.get(identifierKey(at)); way; way = ways.get(identifierKey(at))) {
          expect(path.has(identifierKey(at))).toBe(false);
          path.add(identifierKey(at));
          at = otherOf(at, way);
        }
      }
    }),
  );
});

test("identifiers are numbered from 1, in their order", () => {
  const [one, two] = [
    { externalSourceId: "crm", value: "1" },
    { externalSourceId: "crm", value: "2" },
  ];
  expect([...numbersOf([one, two]).values()]).toEqual([1, 2]);
});

test("lifelines lie within the person's time, and an identifier without events has none", () => {
  expect(
    lifelines([
      { dateFirstEvent: "2026-01-01T00:00:00Z", dateLastEvent: "2026-01-02T00:00:00Z" },
      {},
      { dateFirstEvent: "2026-01-03T00:00:00Z", dateLastEvent: "2026-01-05T00:00:00Z" },
    ]),
  ).toEqual([{ from: 0, to: 0.25 }, undefined, { from: 0.5, to: 1 }]);
  const once = { dateFirstEvent: "2026-01-01T00:00:00Z", dateLastEvent: "2026-01-01T00:00:00Z" };
  expect(lifelines([once])).toEqual([{ from: 0, to: 1 }]);
  expect(lifelines([{}])).toEqual([undefined]);
});

// -- which sources link ------------------------------------------------------------------------------------------------

const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z-]{0,6}$/), { maxLength: 8 });
const settings = fc.record({
  linking: fc.constantFrom("AllExcept" as const, "Only" as const, "None" as const),
  sources: names,
});

test("a form that is not changed means the settings from which it was made", () => {
  fc.assert(
    fc.property(settings, names, (given, known) => {
      const meant = toSettings(toForm(given, known));
      for (const source of [...known, ...given.sources, "new"]) {
        expect(mayLink(meant, source)).toBe(mayLink(given, source));
      }
    }),
  );
});

test("another rule keeps the choice for each source, and differs for sources that come later", () => {
  fc.assert(
    fc.property(settings, names, (given, known) => {
      const form = toForm(given, known);
      const as = (linking: Form["linking"]) => toSettings({ ...form, linking });
      for (const { source, links } of form.choices) {
        expect([mayLink(as("AllExcept"), source), mayLink(as("Only"), source)]).toEqual([links, links]);
        expect(mayLink(as("None"), source)).toBe(false);
      }
      expect([mayLink(as("AllExcept"), "~later"), mayLink(as("Only"), "~later")]).toEqual([true, false]);
    }),
  );
});

test("a choice for a source changes this source only, whatever the case of its name", () => {
  const form = toForm({ linking: "AllExcept", sources: ["phone"] }, ["Email", "phone"]);
  const changed = withChoice(withChoice(form, "EMAIL", false), "card", true);
  expect(changed.choices).toEqual([
    { source: "card", links: true },
    { source: "Email", links: false },
    { source: "phone", links: false },
  ]);
  expect(toSettings(changed)).toEqual({ linking: "AllExcept", sources: ["Email", "phone"] });
  expect(sameSettings({ linking: "Only", sources: ["a", "b"] }, { linking: "Only", sources: ["b", "a"] })).toBe(true);
  expect(sameSettings({ linking: "Only", sources: ["a"] }, { linking: "AllExcept", sources: ["a"] })).toBe(false);
});

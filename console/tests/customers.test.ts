import fc from "fast-check";
import { expect, test } from "vitest";
import { NATIVE } from "../src/components/native";
import { marksOf, SHAPES } from "../src/components/source-marks";
import { offsetsOf, rangeBetween, rowAt } from "../src/components/windowing";
import { dayEnd, dayStart } from "../src/days";
import { localDate } from "../src/formats";
import { conversationOf, neighbor, type Row, rowsOf } from "../src/pages/customers/rows";

const moments = fc.date({ min: new Date("1971-01-02"), max: new Date("2100-01-01"), noInvalidDate: true });

test("up to eight sources differ in shape and color, and up to 64 in one of them", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 64 }), (sources) => {
      const marks = [...marksOf(sources).values()];
      expect(new Set(marks.map((mark) => `${mark.shape} ${mark.color}`)).size).toBe(sources.length);
      if (sources.length <= SHAPES.length) {
        expect(new Set(marks.map((mark) => mark.shape)).size).toBe(sources.length);
        expect(new Set(marks.map((mark) => mark.color)).size).toBe(sources.length);
      }
    }),
  );
});

test("the marks do not depend on the order of the sources", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (sources) => {
      expect(marksOf([...sources].reverse())).toEqual(marksOf(sources));
    }),
  );
});

/** Events in any order, some of them in one of three conversations. */
const timelines = fc.array(fc.tuple(moments, fc.constantFrom("", "one", "two", "three"))).map((drafts) =>
  drafts.map(([date, conversationId], index) => ({
    id: String(index),
    dateCreated: date.toISOString(),
    configurationId: conversationId ? NATIVE : "shop",
    attributes: conversationId ? { conversationId } : {},
  })),
);

/** The events of all rows, with those of conversations that are closed. */
function eventsOf<T>(rows: readonly Row<T>[]): T[] {
  return rows.flatMap((row) => {
    if (row.kind === "event") return [row.event];
    return row.kind === "conversation" && !row.open ? row.conversation.events : [];
  });
}

function keysOf(rows: readonly Row<unknown>[]): Set<string> {
  return new Set(rows.flatMap((row) => (row.kind === "conversation" ? [row.conversation.key] : [])));
}

test("each event is in the timeline once, in its order, below its local day, whatever is open", () => {
  fc.assert(
    fc.property(timelines, fc.infiniteStream(fc.boolean()), (events, opens) => {
      const opened = new Set([...keysOf(rowsOf(events))].filter(() => opens.next().value));
      const rows = rowsOf(events, opened);
      expect(eventsOf(rows)).toEqual(events);
      let day = "";
      rows.forEach((row, index) => {
        if (row.kind === "day") {
          day = row.day;
          expect(rows[index + 1]?.kind ?? "day").not.toBe("day");
        } else {
          const first = row.kind === "event" ? row.event : row.conversation.events[0];
          expect(localDate(first?.dateCreated ?? "")).toBe(day);
        }
      });
    }),
  );
});

test("a conversation has all events that lie together, two at least, and no others", () => {
  fc.assert(
    fc.property(timelines, (events) => {
      const closed = rowsOf(events);
      closed.forEach((row, index) => {
        const before = closed.slice(0, index).findLast(({ kind }) => kind !== "day");
        const [last] = before?.kind === "conversation" ? before.conversation.events.slice(-1) : [];
        if (row.kind === "conversation") {
          const ids = new Set(row.conversation.events.map(conversationOf));
          expect(ids.size).toBe(1);
          expect(row.conversation.events.length).toBeGreaterThan(1);
          if (last) expect(conversationOf(last)).not.toBe([...ids][0]);
        } else if (row.kind === "event" && last && conversationOf(row.event) !== undefined) {
          expect(conversationOf(row.event)).not.toBe(conversationOf(last));
        }
      });
      expect(keysOf(closed).size).toBe(closed.filter(({ kind }) => kind === "conversation").length);
    }),
  );
});

test("a conversation that other events interrupt says in how many parts it is", () => {
  const events = ["c", "c", "", "c", "", "d", "d"].map((conversationId, index) => ({
    id: String(index),
    dateCreated: `2026-01-01T12:00:0${index}Z`,
    configurationId: conversationId ? NATIVE : "shop",
    attributes: conversationId ? { conversationId } : {},
  }));
  const parts = rowsOf(events).flatMap((row) => (row.kind === "conversation" ? [row.conversation.parts] : []));
  expect(parts).toEqual([2, 1]);
});

test("a conversation keeps its key when older events are loaded", () => {
  fc.assert(
    fc.property(timelines, fc.nat(), (events, cut) => {
      const some = keysOf(rowsOf(events.slice(0, cut % (events.length + 1))));
      const all = keysOf(rowsOf(events));
      for (const key of some) expect(all).toContain(key);
    }),
  );
});

test("only an event of the contact center is part of a conversation", () => {
  const event = { id: "1", dateCreated: "2026-01-01T12:00:00Z", attributes: { conversationId: "c" } };
  expect(conversationOf({ ...event, configurationId: "shop" })).toBeUndefined();
  expect(conversationOf({ ...event, configurationId: NATIVE })).toBe("c");
});

test("the next event is found across the rows of days, and the ends stay", () => {
  const rows = rowsOf(
    ["2026-01-01", "2026-02-01"].map((day) => ({
      id: day,
      dateCreated: `${day}T12:00:00Z`,
      configurationId: "shop",
      attributes: {},
    })),
  );
  expect([neighbor(rows, 1, 1), neighbor(rows, 3, 1), neighbor(rows, 3, -1), neighbor(rows, 1, -1)]).toEqual([
    3, 3, 1, 1,
  ]);
  expect(neighbor(rows, rows.length, -1)).toBe(3);
});

test("a range holds exactly the rows that lie between two heights", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 }),
      fc.nat(5000),
      fc.nat(1000),
      (heights, top, size) => {
        const offsets = offsetsOf(heights);
        const { first, end } = rangeBetween(offsets, top, top + size);
        heights.forEach((_, index) => {
          const seen = (offsets[index + 1] ?? 0) > top && (offsets[index] ?? 0) <= top + size;
          expect(index >= first && index < end).toBe(seen);
        });
      },
    ),
  );
});

test("a height belongs to the row in which it lies", () => {
  const offsets = offsetsOf([10, 20]);
  expect([-1, 0, 9, 10, 29, 30].map((height) => rowAt(offsets, height))).toEqual([-1, 0, 0, 1, 1, 2]);
});

test("a local day goes from its first moment to that of the next day", () => {
  fc.assert(
    fc.property(moments, (moment) => {
      const day = localDate(moment);
      const [start, end] = [dayStart(day) ?? "", dayEnd(day) ?? ""];
      expect(localDate(start)).toBe(day);
      expect(start <= moment.toISOString() && moment.toISOString() < end).toBe(true);
      expect(localDate(new Date(end).getTime() - 1)).toBe(day);
    }),
  );
});

test.each(["", "yesterday", "2026-02-30", "2026-13-01", "2026-1-1"])("%j is no day", (text) => {
  expect([dayStart(text), dayEnd(text)]).toEqual([undefined, undefined]);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { count, localDate, share, shortDuration, utc } from "../src/formats";

test("a share of nothing is a dash", () => {
  expect(share(3, 0)).toBe("–");
});

test("one of a thing has no plural", () => {
  expect([count(1, "event"), count(2, "event"), count(2, "journey view", "views")]).toEqual([
    "1 event",
    "2 events",
    "2 views",
  ]);
});

test("a moment in UTC is a date that can be read back", () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true }), (date) => {
      expect(new Date(utc(date).replace(" UTC", "Z").replace(" ", "T")).getTime()).toBe(date.getTime());
    }),
  );
});

test("a local date sorts like its moment", () => {
  fc.assert(
    fc.property(
      fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("2100-01-01") }),
      fc.nat(),
      (date, later) => {
        expect(localDate(date) <= localDate(date.getTime() + later)).toBe(true);
      },
    ),
  );
});

test("durations in their largest unit", () => {
  const times = [0, 120, 4200, 59_999, 35_022_000, 12.4 * 86_400_000];
  expect(times.map(shortDuration)).toEqual(["0 ms", "120 ms", "4.2 sec", "60 sec", "9.7 hr", "12.4 days"]);
});

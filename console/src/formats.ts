/** Numbers, times and shares in the reader's locale and time zone. */

const whole = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const dateOnly = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const monthOnly = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "long", timeZone: "UTC" });
const utcDayOnly = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  month: "short",
  day: "numeric",
  timeZone: "UTC",
});
const timeOnly = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** 12,345 */
export function number(value: number): string {
  return whole.format(value);
}

/** 12.3K, for axes and narrow places. */
export function shortNumber(value: number): string {
  return compact.format(value);
}

/** 45.6%; a dash where there is no whole. */
export function share(part: number, all: number): string {
  return all ? percent.format(part / all) : "–";
}

/** "1 event", "2 events". Words with another plural name it. */
export function count(value: number, word: string, plural = `${word}s`): string {
  return `${number(value)} ${value === 1 ? word : plural}`;
}

export function moment(value: string | number | Date): string {
  return dateTime.format(new Date(value));
}

export function day(value: string | number | Date): string {
  return dateOnly.format(new Date(value));
}

/** "November 2026" for "2026-11". */
export function month(value: string): string {
  return monthOnly.format(new Date(`${value}-01T00:00:00Z`));
}

/** "Fri, Nov 27" for "2026-11-27", a day in UTC. */
export function utcDay(value: string): string {
  return utcDayOnly.format(new Date(`${value}T00:00:00Z`));
}

export function timeOfDay(value: string | number | Date): string {
  return timeOnly.format(new Date(value));
}

/** "4 min 12 sec" for 252,000 milliseconds: the two largest units, rounded down. */
export function duration(milliseconds: number): string {
  const seconds = Math.floor(Math.abs(milliseconds) / 1000);
  const parts = LENGTHS.map(([unit, length, below]) => [unit, Math.floor(seconds / length) % below] as const);
  const first = parts.findIndex(([, value]) => value > 0);
  if (first < 0) return inUnit("second", 0);
  return parts
    .slice(first, first + 2)
    .flatMap(([unit, value]) => (value > 0 ? [inUnit(unit, value)] : []))
    .join(" ");
}

/** "9.7 hr" for 35,022,000 milliseconds: in the largest unit, as exact as percentiles are. */
export function shortDuration(milliseconds: number): string {
  const [unit, length] = LENGTHS.find(([, seconds]) => milliseconds >= seconds * 1000) ?? ["millisecond", 0.001];
  return inUnit(unit, milliseconds / (length * 1000), 1);
}

const LENGTHS = [
  ["day", 86_400, Infinity],
  ["hour", 3600, 24],
  ["minute", 60, 60],
  ["second", 1, 60],
] as const;

function inUnit(unit: (typeof LENGTHS)[number][0] | "millisecond", value: number, maximumFractionDigits = 0): string {
  const style = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits } as const;
  return new Intl.NumberFormat(undefined, style).format(value);
}

/** The same moment in UTC, for a hint: "2026-11-27 08:15:30 UTC". */
export function utc(value: string | number | Date): string {
  return new Date(value)
    .toISOString()
    .replace("T", " ")
    .replace(/(\.000)?Z$/, " UTC");
}

/** "3 minutes ago", "in 2 days". */
export function fromNow(value: string | number | Date, now = Date.now()): string {
  const seconds = (new Date(value).getTime() - now) / 1000;
  const units: readonly [Intl.RelativeTimeFormatUnit, number][] = [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ];
  for (const [unit, length] of units) {
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  return relative.format(Math.trunc(seconds), "second");
}

/** The local date of a moment as `2026-11-27`, to group by day. */
export function localDate(value: string | number | Date): string {
  const date = new Date(value);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()]
    .map((part) => String(part).padStart(2, "0"))
    .join("-");
}

/** Compares names as readers expect: "View 2" before "View 10". */
export function byName(one: string, other: string): number {
  return collator.compare(one, other);
}

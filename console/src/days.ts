/** Days of the reader's time zone, as filters write them: `2026-11-27`. */

const DAY = /^(\d{4})-(\d\d)-(\d\d)$/;

/** The moment at which a local day begins, as the API reads it; undefined if the text is no day. */
export function dayStart(day: string): string | undefined {
  return midnight(day, 0);
}

/** The moment at which a local day is over. */
export function dayEnd(day: string): string | undefined {
  return midnight(day, 1);
}

function midnight(day: string, later: number): string | undefined {
  const [, year = "", month = "", date = ""] = DAY.exec(day) ?? [];
  if (!year) return undefined;
  const moment = new Date(Number(year), Number(month) - 1, Number(date));
  if (moment.getMonth() !== Number(month) - 1) return undefined;
  moment.setDate(moment.getDate() + later);
  return moment.toISOString();
}

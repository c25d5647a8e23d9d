/** Times in the reader's zone, with UTC as a hint. */

import { fromNow, moment, timeOfDay, utc } from "../formats";

interface Props {
  value: string | number;
  /** `moment` shows date and time, `time` the time of day, `relative` the distance from now. */
  show?: "moment" | "time" | "relative";
}

export function Time({ value, show = "moment" }: Props) {
  const text = show === "moment" ? moment(value) : show === "time" ? timeOfDay(value) : fromNow(value);
  const hint = show === "relative" ? `${moment(value)} (${utc(value)})` : utc(value);
  return (
    <time dateTime={new Date(value).toISOString()} title={hint}>
      {text}
    </time>
  );
}

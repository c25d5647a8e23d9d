/** Icons of the contact center's event types. They are decoration: the name always stands beside them. */

import { iconOf } from "./native";
import "./native-icon.css";

/** The icon of a native event type; without a type, that of the contact center. */
export function NativeIcon({ type = "" }: { type?: string }) {
  return (
    <svg class="native-icon" viewBox="0 0 20 20" aria-hidden="true">
      <NativeLines type={type} />
    </svg>
  );
}

/** The lines of an icon, to be drawn into a picture. */
export function NativeLines({ type }: { type: string }) {
  const { lines, ends } = iconOf(type);
  return (
    <>
      <path class="native-lines" d={lines} />
      {ends && <rect class="native-end" x="13.5" y="13.5" width="5.5" height="5.5" rx="1" />}
    </>
  );
}

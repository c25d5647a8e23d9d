/** A place in a picture where the pointer finds who a number counts. */

import { useContext } from "preact/hooks";
import type { GraphElement } from "./model";
import { type Who, WhoContext, whoLabel } from "./who";

interface Props {
  box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  who: Who;
  value: number;
  elements: readonly GraphElement[];
}

/** For the pointer alone: the sentences below the picture have buttons for the same numbers. */
export function WhoTarget({ box, who, value, elements }: Props) {
  const open = useContext(WhoContext);
  if (!open || value === 0) return null;
  return (
    <rect
      class="who-target"
      {...box}
      rx="4"
      aria-hidden="true"
      onClick={() => {
        open(who);
      }}
    >
      <title>{`${whoLabel({ value, who }, elements)}. Show who`}</title>
    </rect>
  );
}

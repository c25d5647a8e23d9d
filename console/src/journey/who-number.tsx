/** A number of customers that shows who they are. */

import "./who.css";
import { useContext } from "preact/hooks";
import { number } from "../formats";
import type { Part } from "./figures";
import type { GraphElement } from "./model";
import { type Who, WhoContext, whoLabel } from "./who";

interface Props {
  value: number;
  who: Who;
  elements: readonly GraphElement[];
}

/** A button, or a plain number where there is nobody to show or the reader may not see them. */
export function WhoNumber({ value, who, elements }: Props) {
  return (
    <WhoButton show={value > 0 ? who : undefined} label={whoLabel({ value, who }, elements)}>
      {number(value)}
    </WhoButton>
  );
}

/** A sentence whose numbers show who they count. */
export function Sentence({ parts, elements }: { parts: readonly Part[]; elements: readonly GraphElement[] }) {
  return (
    <>
      {parts.map((part) =>
        typeof part === "string" ? (
          part
        ) : (
          <WhoButton show={part.value > 0 ? part.who : undefined} label={whoLabel(part, elements)}>
            {part.text}
          </WhoButton>
        ),
      )}
    </>
  );
}

interface ButtonProps {
  /** Undefined where there is nobody to show. */
  show: Who | undefined;
  /** The figure in words. It begins with the text of the button. */
  label: string;
  children: string;
}

export function WhoButton({ show, label, children }: ButtonProps) {
  const open = useContext(WhoContext);
  if (!open || !show) return <>{children}</>;
  return (
    <button
      type="button"
      class="who-number"
      aria-label={`${label}. Show who`}
      title="Show who"
      onClick={() => {
        open(show);
      }}
    >
      {children}
    </button>
  );
}

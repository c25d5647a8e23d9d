/** An identifier by number, source and value. The number has a color; the text says the same. */

import { Text } from "../../components/content";
import { colorOf, type Identifier, identifierKey, type Numbers } from "./person";

export function IdentifierNumber({ number }: { number: number }) {
  return <span class={`identifier-number color-${colorOf(number)}`}>{number}</span>;
}

export function IdentifierTag({ identifier, numbers }: { identifier: Identifier; numbers: Numbers }) {
  const number = numbers.get(identifierKey(identifier));
  return (
    <span class="identifier-tag">
      {number !== undefined && <IdentifierNumber number={number} />}
      <span class="identifier-text">
        <span class="soft">
          <Text value={identifier.externalSourceId} limit={60} />
        </span>{" "}
        <Text value={identifier.value} limit={120} />
      </span>
    </span>
  );
}

/** What stands around the picture of a journey: what its marks mean, and its numbers in sentences. */

import { useContext } from "preact/hooks";
import { CONTACT_CENTER } from "../components/native";
import { NativeIcon } from "../components/native-icon";
import { GROUPS, GroupMark } from "./card";
import { durationSentence, elementParts, firstSentence, linkParts } from "./figures";
import type { Layout } from "./layout";
import type { Figures, GraphElement } from "./model";
import { WhoContext } from "./who";
import { Sentence } from "./who-number";

/** What the marks stand for; nothing while there is none. */
export function Legend({ counted, native }: { counted: boolean; native: boolean }) {
  if (!counted && !native) return null;
  return (
    <ul class="journey-legend">
      {counted &&
        GROUPS.map(({ name, title }) => (
          <li key={name}>
            <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
              <GroupMark name={name} x={6} y={6} />
            </svg>
            {title}
          </li>
        ))}
      {native && (
        <li>
          <NativeIcon />
          {CONTACT_CENTER}
        </li>
      )}
    </ul>
  );
}

interface ExplanationProps {
  id: string | undefined;
  elements: readonly GraphElement[];
  layout: Layout;
  figures: Figures | undefined;
  first: ReadonlyMap<string, GraphElement | undefined>;
}

/** What the numbers of the element or link that is pointed at mean, in sentences. */
export function Explanation({ id, elements, layout, figures, first }: ExplanationProps) {
  const open = useContext(WhoContext);
  const link = layout.links.find(({ key }) => key === id);
  const leaving = layout.links.filter(({ from }) => from.id === id);
  const element = elements.find((one) => one.id === id);
  const own = id === undefined ? undefined : figures?.elements.get(id);
  if (!figures) return <p class="journey-explanation loading">Loading figures …</p>;
  return (
    <div class="journey-explanation">
      {link ? (
        <p>
          <Sentence parts={linkParts(link, figures)} elements={elements} />{" "}
          {durationSentence(figures.durations.get(link.key))}
        </p>
      ) : element && own ? (
        <>
          <p>
            <strong>
              <Sentence parts={elementParts(element, own)} elements={elements} />
            </strong>{" "}
            {firstSentence(element, first.get(element.id), figures)}
          </p>
          {leaving.map((one) => (
            <p key={one.key} class="small">
              <Sentence parts={linkParts(one, figures)} elements={elements} />{" "}
              {durationSentence(figures.durations.get(one.key))}
            </p>
          ))}
        </>
      ) : (
        <p class="soft">
          Point at an element or a link, or go to an element with the keyboard, to read its numbers.
          {open && " Click a number to see who it counts."}
        </p>
      )}
    </div>
  );
}

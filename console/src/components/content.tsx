/** Content from events and deliveries: always text, whatever it holds, and never wider than its place. */

import { useState } from "preact/hooks";
import { count, number } from "../formats";
import "./content.css";
import { beginning, isPlain, segments } from "./characters";
import { inOneLine, kindOf, scalarText } from "./values";

/** Characters of a text, and members of a list or an object, that are shown before the reader asks for all. */
const SHOWN_CHARACTERS = 1000;
const SHOWN_MEMBERS = 50;

/** A text from an event. Its direction does not spread, and hidden characters are named. */
export function Text({ value, limit }: { value: string; limit?: number }) {
  const shown = limit === undefined ? value : beginning(value, limit);
  if (isPlain(shown)) return <>{shown.length < value.length ? `${shown}…` : shown}</>;
  return (
    <bdi>
      {segments(shown).map((part, index) =>
        part.hidden ? (
          <span key={index} class="hidden-character" title="A character that cannot be seen">
            {part.text}
          </span>
        ) : (
          part.text
        ),
      )}
      {shown.length < value.length && "…"}
    </bdi>
  );
}

/** A text of any length: its beginning, and the rest when the reader asks. */
export function LongText({ value }: { value: string }) {
  const [all, setAll] = useState(false);
  return (
    <span class="long-text">
      {all ? <Text value={value} /> : <Text value={value} limit={SHOWN_CHARACTERS} />}
      {!all && value.length > SHOWN_CHARACTERS && (
        <button
          type="button"
          class="plain"
          onClick={() => {
            setAll(true);
          }}
        >
          Show all {count(value.length, "character")}
        </button>
      )}
    </span>
  );
}

/** Any JSON value: scalars as text, lists and objects as nested lists. */
export function Value({ value }: { value: unknown }) {
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value);
    if (members.length === 0) return <span class="soft">empty {kindOf(value)}</span>;
    return <Members members={members} ordered={Array.isArray(value)} />;
  }
  if (value === "") return <span class="soft">empty text</span>;
  return <LongText value={scalarText(value)} />;
}

function Members({ members, ordered }: { members: [string, unknown][]; ordered: boolean }) {
  const [all, setAll] = useState(false);
  const shown = all ? members : members.slice(0, SHOWN_MEMBERS);
  return (
    <>
      <ul class="members">
        {shown.map(([name, value]) => (
          <li key={name}>
            <span class="soft">{ordered ? number(Number(name) + 1) : <Text value={name} limit={200} />}</span>
            <div>
              <Value value={value} />
            </div>
          </li>
        ))}
      </ul>
      {shown.length < members.length && (
        <button
          type="button"
          class="plain"
          onClick={() => {
            setAll(true);
          }}
        >
          Show all {number(members.length)}
        </button>
      )}
    </>
  );
}

interface AttributesProps {
  attributes: Readonly<Record<string, unknown>>;
  caption: string;
  /** The name of an attribute with a problem, and the problem. A missing attribute gets a row of its own. */
  problem?: { name: string; message: string } | undefined;
}

/** The attributes of an event: name, value and kind. */
export function Attributes({ attributes, caption, problem }: AttributesProps) {
  const rows = Object.entries(attributes);
  if (problem && !(problem.name in attributes)) rows.push([problem.name, undefined]);
  return (
    <table class="attributes">
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Attribute</th>
          <th scope="col">Value</th>
          <th scope="col">Kind</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, value]) => (
          <tr key={name} class={name === problem?.name ? "with-problem" : ""}>
            <th scope="row">
              <Text value={name} limit={200} />
            </th>
            <td>
              {value === undefined ? <span class="soft">missing</span> : <Value value={value} />}
              {name === problem?.name && <p class="problem small">{problem.message}</p>}
            </td>
            <td class="soft small">{kindOf(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The first attributes of an event in one line, with few elements, since long lists draw many of them. */
export function AttributesInBrief({ attributes }: { attributes: Readonly<Record<string, unknown>> }) {
  return (
    <>
      {Object.entries(attributes)
        .slice(0, 6)
        .map(([name, value], index) => (
          <>
            <span class="soft">
              {index > 0 && "· "}
              <Text value={name} limit={40} />
            </span>{" "}
            <Text value={inOneLine(value)} limit={60} />{" "}
          </>
        ))}
    </>
  );
}

/** A customer's journey in figures: by event type, and what follows what. */

import { useState } from "preact/hooks";
import type { Model } from "../../api/client";
import { Text } from "../../components/content";
import { isNativeType } from "../../components/native";
import { NativeIcon } from "../../components/native-icon";
import { Time } from "../../components/times";
import { count, number, share } from "../../formats";

type Journey = Model<"CustomerJourney">;

/** Rows that are shown before the reader asks for all. */
const SHOWN = 8;

export function Figures({ journey }: { journey: Journey }) {
  const { eventCount, dateFirstEvent, dateLastEvent, eventTypes } = journey;
  return (
    <dl class="figures">
      <div>
        <dt>Events</dt>
        <dd>{number(eventCount)}</dd>
      </div>
      <div>
        <dt>Event types</dt>
        <dd>{number(eventTypes.length)}</dd>
      </div>
      <div>
        <dt>First event</dt>
        <dd class="moment">
          <Time value={dateFirstEvent} />
        </dd>
      </div>
      <div>
        <dt>Last event</dt>
        <dd class="moment">
          <Time value={dateLastEvent} />{" "}
          <span class="soft small">{<Time value={dateLastEvent} show="relative" />}</span>
        </dd>
      </div>
    </dl>
  );
}

interface TypesProps {
  journey: Journey;
  chosen: string;
  onChoose: (eventName: string) => void;
}

/** Events by type. A type that still exists is a filter of the timeline. */
export function Types({ journey, chosen, onChoose }: TypesProps) {
  const [all, setAll] = useState(false);
  const most = Math.max(...journey.eventTypes.map((type) => type.eventCount));
  const shown = all ? journey.eventTypes : journey.eventTypes.slice(0, SHOWN);
  return (
    <section class="card" aria-label="Events by type">
      <h2>By type</h2>
      <ul class="types">
        {shown.map((type) => (
          <li key={type.eventName + (type.schemaId ?? "")}>
            <button
              type="button"
              disabled={!type.schemaId}
              aria-pressed={chosen === type.eventName}
              onClick={() => {
                onChoose(chosen === type.eventName ? "" : type.eventName);
              }}
            >
              <span class="name with-icon">
                {isNativeType(type.schemaId) && <NativeIcon type={type.schemaId} />}
                <Text value={type.eventName} limit={80} />
              </span>
              <span class="number">
                {number(type.eventCount)}
                <span class="soft small"> {share(type.eventCount, journey.eventCount)}</span>
              </span>
              <Bar part={type.eventCount} all={most} />
            </button>
            {!type.schemaId && <p class="soft small">This event type was deleted.</p>}
          </li>
        ))}
      </ul>
      {shown.length < journey.eventTypes.length && (
        <button
          type="button"
          class="plain"
          onClick={() => {
            setAll(true);
          }}
        >
          Show all {count(journey.eventTypes.length, "event type")}
        </button>
      )}
    </section>
  );
}

/** How often an event of one type came right after one of another. */
export function WhatFollowsWhat({ journey }: { journey: Journey }) {
  const [all, setAll] = useState(false);
  const { transitions, transitionsComplete } = journey;
  const most = Math.max(...transitions.map((one) => one.count));
  const shown = all ? transitions : transitions.slice(0, SHOWN);
  return (
    <details class="card" open={matchMedia("(min-width: 64rem)").matches}>
      <summary>
        <h2>What follows what</h2>
      </summary>
      {!transitionsComplete ? (
        <p class="soft">
          Not counted: several identifiers of this person have more than 10,000 events in the same period. Choose “Only
          this” at an identifier to see what follows what under it.
        </p>
      ) : transitions.length === 0 ? (
        <p class="soft">There is one event only, so nothing follows yet.</p>
      ) : (
        <table class="follows small">
          <caption class="unseen">How often an event of one type came right after one of another</caption>
          <thead>
            <tr>
              <th scope="col">Event</th>
              <th scope="col">Next event</th>
              <th scope="col" class="number">
                Times
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ from, to, count: times }) => (
              <tr key={`${from}\n${to}`}>
                <th scope="row">
                  <Text value={from} limit={80} />
                </th>
                <td>
                  <Text value={to} limit={80} />
                </td>
                <td class="number">
                  {number(times)}
                  <Bar part={times} all={most} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {!all && transitions.length > SHOWN && (
        <button
          type="button"
          class="plain"
          onClick={() => {
            setAll(true);
          }}
        >
          Show all {count(transitions.length, "pair")}
        </button>
      )}
    </details>
  );
}

/** Decoration: the number stands beside it. */
function Bar({ part, all }: { part: number; all: number }) {
  return (
    <span class="share-bar" aria-hidden="true">
      <span style={{ width: `${(100 * part) / all}%` }} />
    </span>
  );
}

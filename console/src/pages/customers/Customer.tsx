/** A customer's journey: the person behind an identifier, the figures, and the timeline. */

import { useEffect, useState } from "preact/hooks";
import { useListing, useLoaded } from "../../api/loading";
import { ApiProblem } from "../../api/problem";
import { Text } from "../../components/content";
import { Select, TextField } from "../../components/forms";
import { CONTACT_CENTER, EXTERNAL, isNativeType, NATIVE } from "../../components/native";
import { SourceLegend, useSourceMarks } from "../../components/source-mark";
import { Empty, Failed, Loading } from "../../components/states";
import { dayEnd, dayStart } from "../../days";
import { byName, count } from "../../formats";
import { setQuery, useRoute } from "../../routing";
import { journeyOf, NoEvents } from "./Customers";
import { type Identifier, identifierKey, numbersOf } from "./person";
import { PersonPanel } from "./PersonPanel";
import { getJourney, getPerson, type Journey, listSteps, type Scope, type Step } from "./requests";
import { Figures, Types, WhatFollowsWhat } from "./Summary";
import { Timeline } from "./Timeline";

export function Customer({ identifier }: { identifier: Identifier }) {
  const scope: Scope = useRoute().query.get("scope") === "identifier" ? "identifier" : "person";
  const journey = useLoaded("journey", (signal) => getJourney(identifier, scope, signal));
  const person = useLoaded("person", (signal) => getPerson(identifier, signal));
  if (journey.error instanceof ApiProblem && journey.error.status === 404) {
    return <NoEvents source={identifier.externalSourceId} />;
  }
  if (journey.error !== undefined) return <Failed error={journey.error} retry={journey.reload} />;
  if (!journey.data) return <Loading what="the journey" />;
  return (
    <div class="customer-journey">
      <div class="stack">
        <h2 class="customer-name wrap-anywhere">
          <span class="soft">
            <Text value={identifier.externalSourceId} limit={80} />
          </span>{" "}
          <Text value={identifier.value} limit={300} />
        </h2>
        {scope === "identifier" && (
          <OnlyThis identifier={identifier} others={(person.data?.identifiers.length ?? 1) - 1} />
        )}
        <Figures journey={journey.data} />
        {scope === "person" && (
          <PersonPanel
            looked={identifier}
            person={person}
            onChanged={() => {
              person.reload();
              journey.reload();
            }}
          />
        )}
      </div>
      <Parts key={journey.data.identifiers.map(identifierKey).join(" ")} journey={journey.data} scope={scope} />
    </div>
  );
}

/** Says that other identifiers of the person are left out. */
function OnlyThis({ identifier, others }: { identifier: Identifier; others: number }) {
  return (
    <div class="notice">
      <p>
        Only the events of this identifier are shown.
        {others > 0 &&
          ` ${count(others, "other identifier")} of the same person ${others === 1 ? "is" : "are"} left out.`}
      </p>
      <a href={journeyOf(identifier)}>Show the whole person</a>
    </div>
  );
}

interface Filter {
  readonly type: string;
  readonly from: string;
  readonly to: string;
  readonly order: "asc" | "desc";
  /** The identifier whose events are shown; undefined: those of all. */
  readonly of: Identifier | undefined;
}

function useFilter({ identifiers }: Journey): Filter {
  const { query } = useRoute();
  const of = { externalSourceId: query.get("ofSource") ?? "", value: query.get("ofValue") ?? "" };
  return {
    type: query.get("type") ?? "",
    from: query.get("from") ?? "",
    to: query.get("to") ?? "",
    order: query.get("order") === "asc" ? "asc" : "desc",
    of: identifiers.find((one) => identifierKey(one) === identifierKey(of)),
  };
}

/** Changes the identifier that the timeline is filtered by. It is part of the address. */
export function filterBy(identifier: Identifier | undefined): void {
  setQuery({ ofSource: identifier?.externalSourceId, ofValue: identifier?.value });
}

function Parts({ journey, scope }: { journey: Journey; scope: Scope }) {
  const filter = useFilter(journey);
  const key = JSON.stringify(filter);
  const from = dayStart(filter.from);
  const to = dayEnd(filter.to);
  const listed = useListing(key, (cursor, signal) =>
    listSteps(
      filter.of ?? journey,
      filter.of ? "identifier" : scope,
      { eventName: filter.type, from, to, order: filter.order },
      cursor,
      signal,
    ),
  );
  const filtered = filter.type !== "" || from !== undefined || to !== undefined || filter.of !== undefined;
  // The newest events came with the figures: they are shown until the first page is there.
  const early = !filtered && filter.order === "desc" && listed.loading ? journey.recentEvents : [];
  const events = listed.items.length > 0 ? listed.items : early;
  const sources = useSeen(key, events, (event) => (event.configurationId === NATIVE ? undefined : event.source));
  const vendors = useSeen(key, events, (event) => (event.configurationId === NATIVE ? event.source : undefined));
  const marks = useSourceMarks(sources);
  return (
    <>
      <aside class="stack" aria-label="The journey in figures">
        <Types
          journey={journey}
          chosen={filter.type}
          onChoose={(type) => {
            setQuery({ type });
          }}
        />
        <WhatFollowsWhat journey={journey} />
      </aside>
      <section class="stack" aria-label="Events">
        <Filters journey={journey} filter={filter} />
        {sources.length + vendors.length > 0 && <SourceLegend marks={marks} sources={sources} vendors={vendors} />}
        {events.length === 0 && listed.loading && <Loading what="the events" />}
        {events.length === 0 && !listed.loading && !listed.more && listed.error === undefined ? (
          <Empty title="No events match the filters">
            <button
              type="button"
              onClick={() => {
                setQuery({ type: "", from: "", to: "", ofSource: "", ofValue: "" });
              }}
            >
              Show all events
            </button>
          </Empty>
        ) : (
          <Timeline
            key={key}
            events={events}
            listed={listed}
            total={filtered ? undefined : journey.eventCount}
            marks={marks}
            numbers={journey.identifiers.length > 1 ? numbersOf(journey.identifiers) : undefined}
          />
        )}
      </section>
    </>
  );
}

function Filters({ journey, filter }: { journey: Journey; filter: Filter }) {
  const mixed = journey.eventTypes.some(({ schemaId }) => isNativeType(schemaId));
  const reversed = dayStart(filter.from) && dayStart(filter.to) && filter.from > filter.to;
  return (
    <div class="event-filters">
      {journey.identifiers.length > 1 && (
        <Select
          label="Identifier"
          value={filter.of ? identifierKey(filter.of) : ""}
          placeholder="All identifiers"
          options={journey.identifiers.map((one, index) => ({
            value: identifierKey(one),
            label: `${index + 1} ${one.externalSourceId} ${one.value}`,
          }))}
          onValue={(chosen) => {
            filterBy(journey.identifiers.find((one) => identifierKey(one) === chosen));
          }}
        />
      )}
      <Select
        label="Event type"
        value={filter.type}
        placeholder="All types"
        options={journey.eventTypes
          .filter((type) => type.schemaId)
          .map(({ eventName, schemaId }) => ({
            value: eventName,
            label: eventName,
            group: mixed ? (isNativeType(schemaId) ? CONTACT_CENTER : EXTERNAL) : undefined,
          }))}
        onValue={(type) => {
          setQuery({ type });
        }}
      />
      <TextField
        label="From"
        type="date"
        value={filter.from}
        problem={reversed ? "This day is after the last one." : undefined}
        onValue={(from) => {
          setQuery({ from }, { replace: true });
        }}
      />
      <TextField
        label="To"
        type="date"
        value={filter.to}
        onValue={(to) => {
          setQuery({ to }, { replace: true });
        }}
      />
      <Select
        label="Order"
        value={filter.order}
        options={[
          { value: "desc", label: "Newest first" },
          { value: "asc", label: "Oldest first" },
        ]}
        onValue={(order) => {
          setQuery({ order: order === "asc" ? "asc" : "" });
        }}
      />
    </div>
  );
}

/** The sources of the events that were shown so far, sorted. `sourceOf` picks those of one kind. */
function useSeen(
  key: string,
  events: readonly Step[],
  sourceOf: (event: Step) => string | undefined,
): readonly string[] {
  const [seen, setSeen] = useState<readonly string[]>([]);
  useEffect(() => {
    setSeen((before) => {
      const all = new Set([...before, ...events.flatMap((event) => sourceOf(event) ?? [])]);
      return all.size === before.length ? before : [...all].sort(byName);
    });
  }, [key, events]);
  return seen;
}

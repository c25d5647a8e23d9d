/**
 * Customers: search by an identifier, and the customer's journey.
 *
 * The identifier is in the address only, after the `#`, which no server logs. It is not in the document's title, which
 * browsers store.
 */

import { useEffect, useId, useState } from "preact/hooks";
import { api, call, type Model } from "../../api/client";
import { useListing, useLoaded } from "../../api/loading";
import { cursorPage } from "../../api/pages";
import { ApiProblem } from "../../api/problem";
import { Text } from "../../components/content";
import { Field, Select, TextField } from "../../components/forms";
import { PageLayout } from "../../components/layout";
import { CONTACT_CENTER, EXTERNAL, isNativeType, NATIVE } from "../../components/native";
import { SourceLegend, useSourceMarks } from "../../components/source-mark";
import { Empty, Failed, Loading } from "../../components/states";
import { dayEnd, dayStart } from "../../days";
import { byName } from "../../formats";
import { useMay } from "../../me";
import { address, go, setQuery, useRoute } from "../../routing";
import "./customers.css";
import { useIdentifierSources } from "./identifiers";
import { Figures, Types, WhatFollowsWhat } from "./Summary";
import { Timeline } from "./Timeline";

const PAGE_SIZE = 100;

interface Identifier {
  readonly source: string;
  readonly value: string;
}

export default function Customers() {
  const { query } = useRoute();
  const identifier = { source: query.get("source") ?? "", value: query.get("value") ?? "" };
  const complete = identifier.source !== "" && identifier.value !== "";
  const key = JSON.stringify(identifier);
  return (
    <PageLayout title="Customers" about="Look a customer up by any identifier under which events came in.">
      <Search key={`search ${key}`} identifier={identifier} />
      {complete ? (
        <Customer key={key} identifier={identifier} />
      ) : (
        <Empty title="Whose journey do you want to see?">
          <p>
            Choose the source of an identifier, such as <code>crm</code> or <code>email</code>, and enter its value as
            the events carry it.
          </p>
        </Empty>
      )}
    </PageLayout>
  );
}

function Search({ identifier }: { identifier: Identifier }) {
  const [source, setSource] = useState(identifier.source);
  const [value, setValue] = useState(identifier.value);
  const [tried, setTried] = useState(false);
  const sources = useIdentifierSources();
  const list = useId();
  return (
    <form
      class="customer-search"
      role="search"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (source.trim() && value) go(address(["customers"], { source: source.trim(), value }));
      }}
    >
      <Field
        label="Identifier's source"
        problem={tried && !source.trim() ? "Enter the source of the identifier." : undefined}
      >
        {(control) => (
          <>
            <input
              {...control}
              list={list}
              value={source}
              maxLength={255}
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
              onInput={(event) => {
                setSource(event.currentTarget.value);
              }}
            />
            <datalist id={list}>
              {(sources.data ?? []).map((one) => (
                <option key={one} value={one} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      <TextField
        label="Identifier"
        type="search"
        autocomplete="off"
        value={value}
        problem={tried && !value ? "Enter the identifier." : undefined}
        onValue={setValue}
      />
      <button type="submit" class="primary">
        Show journey
      </button>
    </form>
  );
}

function Customer({ identifier: { source, value } }: { identifier: Identifier }) {
  const journey = useLoaded("journey", (signal) =>
    call(api.GET("/api/v2/journey/customers", { params: { query: { externalSourceId: source, value } }, signal })),
  );
  if (journey.error instanceof ApiProblem && journey.error.status === 404) return <NoEvents source={source} />;
  if (journey.error !== undefined) return <Failed error={journey.error} retry={journey.reload} />;
  if (!journey.data) return <Loading what="the journey" />;
  return <Journey journey={journey.data} />;
}

function NoEvents({ source }: { source: string }) {
  const maySeeFailures = useMay("externalEventsFailures:view");
  return (
    <div role="status">
      <Empty title="No events under this identifier">
        <ul class="advice">
          <li>
            Compare the identifier with its source’s records. Upper and lower case count, except in e-mail addresses
            that webhooks deliver: those are in lower case.
          </li>
          <li>
            Events may name this customer by another identifier than <Text value={source} limit={80} />.
          </li>
          <li>An event that came in a moment ago is in the journey within seconds: search once more.</li>
          {maySeeFailures && (
            <li>
              Its events may have been refused: <a href={address(["failures"])}>look at the failures</a>.
            </li>
          )}
        </ul>
      </Empty>
    </div>
  );
}

function Journey({ journey }: { journey: Model<"CustomerJourney"> }) {
  const { query } = useRoute();
  const filters = {
    type: query.get("type") ?? "",
    from: query.get("from") ?? "",
    to: query.get("to") ?? "",
    order: query.get("order") === "asc" ? ("asc" as const) : ("desc" as const),
  };
  const key = JSON.stringify(filters);
  const from = dayStart(filters.from);
  const to = dayEnd(filters.to);
  const listed = useListing(key, async (cursor, signal) =>
    cursorPage(
      await call(
        api.GET("/api/v2/journey/customers/events", {
          params: {
            query: {
              externalSourceId: journey.externalSourceId,
              value: journey.value,
              order: filters.order,
              pageSize: PAGE_SIZE,
              ...(filters.type && { eventName: filters.type }),
              ...(from && { from }),
              ...(to && { to }),
              ...(cursor && { cursor }),
            },
          },
          signal,
        }),
      ),
    ),
  );
  const filtered = filters.type !== "" || from !== undefined || to !== undefined;
  // The newest events came with the figures: they are shown until the first page is there.
  const early = !filtered && filters.order === "desc" && listed.loading ? journey.recentEvents : [];
  const events = listed.items.length > 0 ? listed.items : early;
  const sources = useSeen(key, events, (event) => (event.configurationId === NATIVE ? undefined : event.source));
  const vendors = useSeen(key, events, (event) => (event.configurationId === NATIVE ? event.source : undefined));
  const marks = useSourceMarks(sources);
  const choose = (type: string) => {
    setQuery({ type });
  };
  return (
    <div class="customer-journey">
      <div class="stack">
        <h2 class="customer-name wrap-anywhere">
          <span class="soft">
            <Text value={journey.externalSourceId} limit={80} />
          </span>{" "}
          <Text value={journey.value} limit={300} />
        </h2>
        <Figures journey={journey} />
      </div>
      <aside class="stack" aria-label="The journey in figures">
        <Types journey={journey} chosen={filters.type} onChoose={choose} />
        <WhatFollowsWhat journey={journey} />
      </aside>
      <section class="stack" aria-label="Events">
        <Filters journey={journey} filters={filters} />
        {sources.length + vendors.length > 0 && <SourceLegend marks={marks} sources={sources} vendors={vendors} />}
        {events.length === 0 && listed.loading && <Loading what="the events" />}
        {events.length === 0 && !listed.loading && !listed.more && listed.error === undefined ? (
          <Empty title="No events match the filters">
            <button
              type="button"
              onClick={() => {
                setQuery({ type: "", from: "", to: "" });
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
            numbers={undefined}
            marks={marks}
          />
        )}
      </section>
    </div>
  );
}

interface FiltersProps {
  journey: Model<"CustomerJourney">;
  filters: { type: string; from: string; to: string; order: "asc" | "desc" };
}

function Filters({ journey, filters }: FiltersProps) {
  const mixed = journey.eventTypes.some(({ schemaId }) => isNativeType(schemaId));
  const reversed = dayStart(filters.from) && dayStart(filters.to) && filters.from > filters.to;
  return (
    <div class="event-filters">
      <Select
        label="Event type"
        value={filters.type}
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
        value={filters.from}
        problem={reversed ? "This day is after the last one." : undefined}
        onValue={(from) => {
          setQuery({ from }, { replace: true });
        }}
      />
      <TextField
        label="To"
        type="date"
        value={filters.to}
        onValue={(to) => {
          setQuery({ to }, { replace: true });
        }}
      />
      <Select
        label="Order"
        value={filters.order}
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
  events: readonly Model<"CustomerEvent">[],
  sourceOf: (event: Model<"CustomerEvent">) => string | undefined,
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

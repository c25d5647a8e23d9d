/** The list of event types. */

import { useLoaded } from "../../../api/loading";
import { Select } from "../../../components/forms";
import { WhenLoaded } from "../../../components/layout";
import { Empty } from "../../../components/states";
import { Table } from "../../../components/tables";
import { Time } from "../../../components/times";
import { number } from "../../../formats";
import { useMay } from "../../../me";
import { address, setQuery, useRoute } from "../../../routing";
import { type EventType, getLimits, type Limits, listSummaries, listTypes, type Summary } from "../requests";
import { Paged, SearchField, useSearch } from "../shown";
import { NativeTypes } from "./NativeTypes";
import { STATE_OPTIONS, stateOf } from "./states";

interface Loaded {
  readonly types: readonly EventType[];
  readonly limits: Limits;
  readonly summaries: readonly Summary[];
}

export function TypeList() {
  return (
    <>
      <OwnTypes />
      <NativeTypes />
    </>
  );
}

function OwnTypes() {
  const maySeeStates = useMay("externalEvents:view");
  const loaded = useLoaded<Loaded>("types", async (signal) => {
    const [types, limits, summaries] = await Promise.all([
      listTypes(signal),
      getLimits(signal),
      maySeeStates ? listSummaries(signal) : [],
    ]);
    return { types, limits, summaries };
  });
  return (
    <WhenLoaded loaded={loaded} what="event types">
      {(data) => <Types {...data} />}
    </WhenLoaded>
  );
}

function Types({ types, limits, summaries }: Loaded) {
  const mayAdd = useMay("externalEventsSchema:add");
  const state = useRoute().query.get("state") ?? "";
  const { text, matches } = useSearch();
  const full = limits.numberOfSchemas >= limits.maxNumberOfSchemasPerOrg;
  const stateFor = (type: EventType) =>
    stateOf(
      type,
      summaries.find((one) => one.schemaId === type.id),
    );
  const rows = types.filter(
    (type) =>
      matches(type.jsonSchema.title, type.jsonSchema.description ?? "", type.id) &&
      (!state || stateFor(type).code === state),
  );
  const add = mayAdd && !full && (
    <a class="button primary" href="#/sources/types/new">
      Create event type
    </a>
  );
  if (types.length === 0) {
    return (
      <Empty title="There is no event type yet">
        <p>Everything begins with one: it says which fields an event has, for example those of an order.</p>
        {add}
      </Empty>
    );
  }
  return (
    <>
      <div class="row apart toolbar">
        <div class="row filters">
          <SearchField label="Search event types" />
          {summaries.length > 0 && (
            <Select
              label="State"
              value={state}
              placeholder="All states"
              options={STATE_OPTIONS}
              onValue={(value) => {
                setQuery({ state: value }, { replace: true });
              }}
            />
          )}
        </div>
        <div class="row">
          <Used limits={limits} />
          {add}
        </div>
      </div>
      {mayAdd && full && (
        <p class="notice warn">
          All {limits.maxNumberOfSchemasPerOrg} event types are used. Delete one that no configuration was created for,
          or add fields to an existing one.
        </p>
      )}
      {rows.length === 0 ? (
        <Empty title="No event type matches">
          <p>{text ? `Nothing has “${text}” in its name or description.` : "None is in this state."}</p>
          <a href="#/sources/types">Show all event types</a>
        </Empty>
      ) : (
        <Paged rows={rows}>
          {(shown) => (
            <Table
              caption="Event types"
              rows={shown}
              keyOf={(type) => type.id}
              columns={[
                {
                  title: "Name",
                  cell: (type) => (
                    <>
                      <a href={address(["sources", "types", type.id])}>{type.jsonSchema.title}</a>
                      {type.jsonSchema.description && <div class="soft small about">{type.jsonSchema.description}</div>}
                    </>
                  ),
                },
                {
                  title: "State",
                  cell: (type) => {
                    const { label, tone, about } = stateFor(type);
                    return (
                      <span class={`badge ${tone}`} title={about}>
                        {label}
                      </span>
                    );
                  },
                },
                {
                  title: "Fields",
                  numeric: true,
                  cell: (type) => number(Object.keys(type.jsonSchema.properties ?? {}).length),
                },
                { title: "Version", numeric: true, cell: (type) => number(type.version) },
                { title: "Created", cell: (type) => <Time value={type.dateCreated} /> },
              ]}
            />
          )}
        </Paged>
      )}
    </>
  );
}

/** How many of the organization's event types are used. */
function Used({ limits }: { limits: Limits }) {
  const { numberOfSchemas: used, maxNumberOfSchemasPerOrg: most } = limits;
  return (
    <div class="used small">
      <span>
        {number(used)} of {number(most)} used
      </span>
      <progress value={used} max={most} aria-label="Event types used" />
    </div>
  );
}

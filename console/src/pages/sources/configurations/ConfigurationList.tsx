/** The list of configurations. */

import { useLoaded } from "../../../api/loading";
import { WhenLoaded } from "../../../components/layout";
import { Empty } from "../../../components/states";
import { Table } from "../../../components/tables";
import { Time } from "../../../components/times";
import { useMay } from "../../../me";
import { address } from "../../../routing";
import { type Configuration, type EventType, listConfigurations, listTypes } from "../requests";
import { Paged, SearchField, useSearch } from "../shown";

export function ConfigurationList() {
  const maySeeTypes = useMay("externalEventsSchema:view");
  const loaded = useLoaded("configurations", async (signal) => {
    const [configurations, types] = await Promise.all([
      listConfigurations(signal),
      maySeeTypes ? listTypes(signal) : [],
    ]);
    return { configurations, types };
  });
  return (
    <WhenLoaded loaded={loaded} what="configurations">
      {(data) => <Configurations {...data} />}
    </WhenLoaded>
  );
}

interface Loaded {
  configurations: readonly Configuration[];
  types: readonly EventType[];
}

function Configurations({ configurations, types }: Loaded) {
  const mayAdd = useMay("externalEventsConfiguration:add");
  const { text, matches } = useSearch();
  const add = mayAdd && (
    <a class="button primary" href="#/sources/configurations/new">
      Create configuration
    </a>
  );
  if (configurations.length === 0) {
    return (
      <Empty title="There is no configuration yet">
        <p>A configuration binds an event type to a source, such as your shop. Create an event type first.</p>
        <div class="row">{types.length > 0 ? add : <a href="#/sources/types">Go to the event types</a>}</div>
      </Empty>
    );
  }
  const titleOf = (id: string | undefined) => types.find((type) => type.id === id)?.jsonSchema.title;
  const rows = configurations.filter((one) =>
    matches(one.name, one.source, one.description, one.id, titleOf(one.schemaId)),
  );
  return (
    <>
      <div class="row apart toolbar">
        <div class="row filters">
          <SearchField label="Search configurations" />
        </div>
        {add}
      </div>
      {rows.length === 0 ? (
        <Empty title="No configuration matches">
          <p>Nothing has “{text}” in its name, source or event type.</p>
          <a href="#/sources/configurations">Show all configurations</a>
        </Empty>
      ) : (
        <Paged rows={rows}>
          {(shown) => (
            <Table
              caption="Configurations"
              rows={shown}
              keyOf={(one) => one.id ?? ""}
              columns={[
                {
                  title: "Name",
                  cell: (one) => (
                    <>
                      <a href={address(["sources", "configurations", one.id ?? ""])}>{one.name}</a>
                      {one.description && <div class="soft small about">{one.description}</div>}
                    </>
                  ),
                },
                { title: "Source", cell: (one) => <span class="wrap-anywhere">{one.source}</span> },
                {
                  title: "Event type",
                  cell: (one) => (
                    <a href={address(["sources", "types", one.schemaId ?? ""])}>
                      {titleOf(one.schemaId) ?? one.schemaId}
                    </a>
                  ),
                },
                {
                  title: "State",
                  cell: (one) =>
                    one.schemaActive ? (
                      <span class="badge good">Receives events</span>
                    ) : (
                      <span class="badge warn">Event type disabled</span>
                    ),
                },
                { title: "Changed", cell: (one) => one.dateLastModified && <Time value={one.dateLastModified} /> },
              ]}
            />
          )}
        </Paged>
      )}
    </>
  );
}

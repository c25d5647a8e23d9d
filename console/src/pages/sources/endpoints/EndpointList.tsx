/** The list of endpoints. */

import { useLoaded } from "../../../api/loading";
import { WhenLoaded } from "../../../components/layout";
import { Empty } from "../../../components/states";
import { Table } from "../../../components/tables";
import { Time } from "../../../components/times";
import { useMay } from "../../../me";
import { address } from "../../../routing";
import {
  type Configuration,
  type Endpoint,
  listConfigurations,
  listEndpoints,
  listSenders,
  type Sender,
} from "../requests";
import { Paged, SearchField, useSearch } from "../shown";
import { STATUS } from "./words";

interface Loaded {
  endpoints: readonly Endpoint[];
  senders: readonly Sender[];
  configurations: readonly Configuration[];
}

export function EndpointList() {
  const maySeeConfigurations = useMay("externalEventsConfiguration:view");
  const loaded = useLoaded<Loaded>("endpoints", async (signal) => {
    const [endpoints, senders, configurations] = await Promise.all([
      listEndpoints(signal),
      listSenders(signal),
      maySeeConfigurations ? listConfigurations(signal) : [],
    ]);
    return { endpoints, senders, configurations };
  });
  return (
    <WhenLoaded loaded={loaded} what="endpoints">
      {(data) => <Endpoints {...data} />}
    </WhenLoaded>
  );
}

function Endpoints({ endpoints, senders, configurations }: Loaded) {
  const mayAdd = useMay("webhooks:add");
  const { text, matches } = useSearch();
  const add = mayAdd && (
    <a class="button primary" href="#/sources/endpoints/new">
      Connect a tool
    </a>
  );
  if (endpoints.length === 0) {
    return (
      <Empty title="No tool is connected yet">
        <p>
          Any tool that can send webhooks can deliver events, such as{" "}
          {senders
            .slice(1, 5)
            .map((one) => one.title)
            .join(", ")}
          . It takes an address and a secret.
        </p>
        {add}
      </Empty>
    );
  }
  const titleOf = (endpoint: Endpoint) => senders.find((one) => one.name === endpoint.sender)?.title ?? endpoint.sender;
  const nameOf = (id: string | undefined) => configurations.find((one) => one.id === id)?.name ?? id;
  const rows = endpoints.filter((one) => matches(one.name, titleOf(one), one.id, nameOf(one.configurationId)));
  return (
    <>
      <div class="row apart toolbar">
        <div class="row filters">
          <SearchField label="Search endpoints" />
        </div>
        {add}
      </div>
      {rows.length === 0 ? (
        <Empty title="No endpoint matches">
          <p>Nothing has “{text}” in its name, tool or configuration.</p>
          <a href="#/sources/endpoints">Show all endpoints</a>
        </Empty>
      ) : (
        <Paged rows={rows}>
          {(shown) => (
            <Table
              caption="Endpoints"
              rows={shown}
              keyOf={(one) => one.id}
              columns={[
                { title: "Name", cell: (one) => <a href={address(["sources", "endpoints", one.id])}>{one.name}</a> },
                { title: "Tool", cell: titleOf },
                {
                  title: "State",
                  cell: (one) => {
                    const { label, tone, about } = STATUS[one.status];
                    return (
                      <span class={`badge ${tone}`} title={about}>
                        {label}
                      </span>
                    );
                  },
                },
                {
                  title: "Delivers to",
                  cell: (one) =>
                    one.configurationId ? (
                      <a href={address(["sources", "configurations", one.configurationId])}>
                        {nameOf(one.configurationId)}
                      </a>
                    ) : (
                      `${Object.keys(one.routing?.configurations ?? {}).length} routes`
                    ),
                },
                { title: "Changed", cell: (one) => <Time value={one.dateModified} /> },
              ]}
            />
          )}
        </Paged>
      )}
    </>
  );
}

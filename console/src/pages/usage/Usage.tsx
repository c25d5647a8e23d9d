/** Usage and limits: events by month, and how much of each limit is in use. */

import { api, call, type Model } from "../../api/client";
import { useLoaded } from "../../api/loading";
import { PageLayout, WhenLoaded } from "../../components/layout";
import { CONTACT_CENTER } from "../../components/native";
import { NativeIcon } from "../../components/native-icon";
import { Empty } from "../../components/states";
import { Table } from "../../components/tables";
import { Time } from "../../components/times";
import { month, number, share } from "../../formats";
import { limitName } from "./limits";
import "./usage.css";

const CONTACT_CENTER_EVENTS = `${CONTACT_CENTER} events`;

export default function Usage() {
  const usage = useLoaded("usage", (signal) => call(api.GET("/api/v2/journey/usage", { signal })));
  const limits = useLoaded("limits", (signal) => call(api.GET("/api/v2/journey/limits", { signal })));
  return (
    <PageLayout title="Usage and limits" about="How many events were received, and how much of each limit is in use.">
      <section class="stack">
        <h2>Events by month of receipt</h2>
        <WhenLoaded loaded={usage} what="the usage">
          {(data) =>
            data.entities.length === 0 ? (
              <Empty title="No events yet">
                <p>Events are counted here from the first one on.</p>
                <a class="button" href="#/sources/endpoints">
                  Connect a source
                </a>
              </Empty>
            ) : (
              <Months usage={data} />
            )
          }
        </WhenLoaded>
      </section>
      <section class="stack">
        <h2>Limits</h2>
        <WhenLoaded loaded={limits} what="the limits">
          {(data) => <Limits limits={data.entities} />}
        </WhenLoaded>
        <p class="soft small">An operator can raise a limit for an organization.</p>
      </section>
    </PageLayout>
  );
}

function Months({ usage }: { usage: Model<"Usage"> }) {
  const most = Math.max(...usage.entities.map((one) => one.externalEventCount + one.nativeEventCount));
  return (
    <>
      <Table
        caption="Events by month of receipt"
        rows={usage.entities}
        keyOf={(row) => row.month}
        columns={[
          { title: "Month", cell: (row) => month(row.month) },
          { title: "External events", numeric: true, cell: (row) => number(row.externalEventCount) },
          { title: CONTACT_CENTER_EVENTS, numeric: true, cell: (row) => number(row.nativeEventCount) },
          {
            title: "Together",
            cell: (row) => <Bars external={row.externalEventCount} native={row.nativeEventCount} all={most} />,
          },
        ]}
      />
      {usage.entities.some((one) => one.nativeEventCount > 0) && (
        <ul class="usage-legend small">
          <li>
            <span class="usage-swatch" aria-hidden="true" />
            External events
          </li>
          <li>
            <span class="usage-swatch native" aria-hidden="true" />
            <NativeIcon />
            {CONTACT_CENTER_EVENTS}
          </li>
        </ul>
      )}
      {usage.dateExact && (
        <p class="soft small">
          The counts are exact for events received until <Time value={usage.dateExact} />. Later events can be counted
          twice for an hour.
        </p>
      )}
    </>
  );
}

function Limits({ limits }: { limits: readonly Model<"OrganizationLimit">[] }) {
  return (
    <Table
      caption="Limits of the organization"
      rows={limits}
      keyOf={(row) => `${row.namespace} ${row.key}`}
      columns={[
        { title: "Limit", cell: (row) => limitName(row.key) },
        { title: "In use", numeric: true, cell: (row) => (row.count === undefined ? "–" : number(row.count)) },
        { title: "Allowed", numeric: true, cell: (row) => number(row.value) },
        {
          title: "Share",
          cell: (row) =>
            row.count === undefined ? (
              <span class="soft">for each view</span>
            ) : (
              <span class="usage-share">
                <Bar part={row.count} all={row.value} />
                <span class={row.count >= row.value ? "badge bad" : "small soft"}>
                  {row.count >= row.value ? "Reached" : share(row.count, row.value)}
                </span>
              </span>
            ),
        },
      ]}
    />
  );
}

/** External events and those of the contact center, one after the other; the numbers stand beside them. */
function Bars({ external, native, all }: { external: number; native: number; all: number }) {
  return (
    <span class="usage-bar" aria-hidden="true">
      <span style={{ width: `${all ? (100 * external) / all : 0}%` }} />
      <span class="native" style={{ width: `${all ? (100 * native) / all : 0}%` }} />
    </span>
  );
}

/** How large a part is; the number stands beside it. */
function Bar({ part, all }: { part: number; all: number }) {
  return (
    <span class="usage-bar" aria-hidden="true">
      <span style={{ width: `${all ? Math.min(100, (100 * part) / all) : 0}%` }} />
    </span>
  );
}

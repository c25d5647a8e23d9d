/** The events of the last days: totals by outcome, bars by source, and the same as a table. */

import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { Model } from "../../api/client";
import type { Loaded } from "../../api/loading";
import { WhenLoaded } from "../../components/layout";
import { Failed } from "../../components/states";
import { Table } from "../../components/tables";
import { Time } from "../../components/times";
import { number, utcDay } from "../../formats";
import { address } from "../../routing";
import { DailyBars } from "./DailyBars";
import { type Activity, type Daily, dailyOf, newestJourneys } from "./daily";

interface Props {
  activity: Loaded<Activity>;
  /** Undefined for who may not see failures. */
  failures: Loaded<Model<"FailureSummary">> | undefined;
}

export function EventsCard({ activity, failures }: Props) {
  return (
    <section class="card" aria-labelledby="home-events">
      <h2 id="home-events">Events</h2>
      <WhenLoaded loaded={activity} what="the events of the last days">
        {(data) => <Days activity={data} failures={failures} />}
      </WhenLoaded>
    </section>
  );
}

function Days({ activity, failures }: { activity: Activity; failures: Props["failures"] }) {
  const daily = useMemo(() => dailyOf(activity), [activity]);
  return (
    <>
      <Totals daily={daily} failures={failures} />
      {daily.total === 0 ? (
        <p class="soft">No events came in during the last {daily.days.length} days.</p>
      ) : (
        <>
          <DailyBars daily={daily} />
          <details>
            <summary>Show as a table</summary>
            <DailyTable daily={daily} />
          </details>
          <Exactness activity={activity} daily={daily} />
        </>
      )}
    </>
  );
}

function Totals({ daily, failures }: { daily: Daily; failures: Props["failures"] }) {
  const journeys = newestJourneys(daily);
  return (
    <dl class="home-totals">
      <Total name="Stored">{number(daily.total)}</Total>
      {failures && <FailureTotals failures={failures} />}
      {journeys && <Total name={`Journeys updated on ${utcDay(journeys.day)}`}>{number(journeys.count)}</Total>}
    </dl>
  );
}

function FailureTotals({ failures }: { failures: Loaded<Model<"FailureSummary">> }) {
  const { data } = failures;
  if (!data) return null;
  const open = data.entities.reduce((sum, one) => sum + one.openCount, 0);
  const least = data.complete ? "" : "at least ";
  return (
    <>
      <Total name="Failed">
        {least}
        {number(data.total)}
      </Total>
      <Total name="Still open">
        {open > 0 ? (
          <a href={address(["failures"])}>
            {least}
            {number(open)}
          </a>
        ) : (
          number(0)
        )}
      </Total>
    </>
  );
}

function Total({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function DailyTable({ daily }: { daily: Daily }) {
  const rows = daily.days.map((day, index) => ({ day, index }));
  return (
    <Table
      caption="Events by day and source"
      rows={rows}
      keyOf={({ day }) => day}
      columns={[
        { title: "Day (UTC)", cell: ({ day }) => utcDay(day) },
        { title: "All", numeric: true, cell: ({ index }) => number(daily.totals[index] ?? 0) },
        {
          title: "Journeys",
          numeric: true,
          cell: ({ index }) => {
            const journeys = daily.journeys[index];
            return journeys === undefined ? "–" : number(journeys);
          },
        },
        ...daily.series.map((one) => ({
          title: one.name,
          numeric: true,
          cell: ({ index }: { index: number }) => number(one.counts[index] ?? 0),
        })),
      ]}
    />
  );
}

function Exactness({ activity, daily }: { activity: Activity; daily: Daily }) {
  const unsorted = daily.series.some((one) => one.kind === "unsorted");
  return (
    <p class="soft small">
      Days are days of receipt in UTC.{" "}
      {unsorted && "Events are counted by source, and customers at all, within an hour of their arrival. "}
      {activity.dateExact && (
        <>
          The counts are exact for events received until <Time value={activity.dateExact} />.
        </>
      )}
    </p>
  );
}

/** An error of a card that has other things to show. */
export function CardProblem({ loaded }: { loaded: Loaded<unknown> }) {
  return loaded.error === undefined ? null : <Failed error={loaded.error} retry={loaded.reload} />;
}

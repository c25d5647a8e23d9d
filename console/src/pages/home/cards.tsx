/** The smaller cards: failures, views, event types, endpoints. Each shows its own loading, empty and error state. */

import type { ComponentChildren } from "preact";
import type { Model } from "../../api/client";
import { type Loaded, useLoaded } from "../../api/loading";
import { WhenLoaded } from "../../components/layout";
import { Time } from "../../components/times";
import { count, number } from "../../formats";
import { useMay } from "../../me";
import { address } from "../../routing";
import { reasonTitle } from "../failures/fixes";
import { CardProblem } from "./EventsCard";
import { activeTypes, type Endpoint, latestJob, type View } from "./requests";

/** Lines of a card. */
const LINES = 5;
const EVENT_TYPES = "event.types.per.org";

interface CardProps {
  name: string;
  title: string;
  more: string;
  href: string;
  children: ComponentChildren;
}

function Card({ name, title, more, href, children }: CardProps) {
  return (
    <section class="card" aria-labelledby={`home-${name}`}>
      <div class="row apart">
        <h2 id={`home-${name}`}>{title}</h2>
        <a class="small" href={href}>
          {more}
        </a>
      </div>
      {children}
    </section>
  );
}

export function FailuresCard({ failures }: { failures: Loaded<Model<"FailureSummary">> }) {
  return (
    <Card name="failures" title="Open failures" more="All failures" href={address(["failures"])}>
      <WhenLoaded loaded={failures} what="failures">
        {(data) => <Reasons summary={data} />}
      </WhenLoaded>
    </Card>
  );
}

function Reasons({ summary }: { summary: Model<"FailureSummary"> }) {
  const open = new Map<string, number>();
  for (const one of summary.entities) open.set(one.reason, (open.get(one.reason) ?? 0) + one.openCount);
  const reasons = [...open].filter(([, value]) => value > 0).sort((one, other) => other[1] - one[1]);
  if (reasons.length === 0) return <p class="soft">Nothing of the last 14 days is open.</p>;
  return (
    <ul class="home-lines">
      {reasons.slice(0, LINES).map(([reason, value]) => (
        <li key={reason}>
          <a href={address(["failures"], { reason })}>{reasonTitle(reason)}</a>
          <span class="badge bad">{number(value)}</span>
        </li>
      ))}
      {reasons.length > LINES && <li class="soft small">{count(reasons.length - LINES, "other reason")}</li>}
    </ul>
  );
}

export function ViewsCard({ views }: { views: Loaded<Model<"JourneyViewListing">> }) {
  const mayAdd = useMay("views:add");
  return (
    <Card name="views" title="Views" more="All views" href={address(["views"])}>
      <WhenLoaded loaded={views} what="views">
        {({ entities = [], total = 0 }) =>
          entities.length === 0 ? (
            <>
              <p class="soft">A view counts how many customers go from one event to the next. There is none yet.</p>
              {mayAdd && (
                <div>
                  <a class="button" href={address(["builder"])}>
                    Build view
                  </a>
                </div>
              )}
            </>
          ) : (
            <ul class="home-lines">
              {entities.map((view) => (
                <ViewLine key={view.id} view={view} />
              ))}
              {total > entities.length && <li class="soft small">{count(total - entities.length, "other view")}</li>}
            </ul>
          )
        }
      </WhenLoaded>
    </Card>
  );
}

function ViewLine({ view }: { view: View }) {
  const { id = "", version = 1, name } = view;
  const may = useMay("viewsJobs:view");
  const job = useLoaded(may ? `${id} ${version}` : null, (signal) => latestJob(view, signal));
  return (
    <li>
      <a class="wrap-anywhere" href={address(["views", id])}>
        {name}
      </a>
      {may && (
        <span class="small soft home-state">{job.error !== undefined ? "Unknown" : <JobState job={job.data} />}</span>
      )}
    </li>
  );
}

function JobState({ job }: { job: Model<"ViewJob"> | null | undefined }) {
  if (job === undefined) return null;
  if (job === null) return <>Not computed</>;
  if (job.status === "Complete" && job.dateCompleted !== undefined) {
    return (
      <>
        Computed <Time value={job.dateCompleted} show="relative" />
      </>
    );
  }
  if (job.status === "Failed") return <span class="badge bad">Failed</span>;
  if (job.status === "Cancelled") return <>Canceled</>;
  return <span class="badge">Computing</span>;
}

interface TypesProps {
  limits: Loaded<Model<"LimitListing">>;
  types: Loaded<Model<"JourneyExternalEventsSchemaListing">>;
  definitions: Loaded<Model<"JourneyEventDefinitionListing">>;
}

export function TypesCard({ limits, types, definitions }: TypesProps) {
  const limit = limits.data?.entities.find((one) => one.key === EVENT_TYPES);
  const active = activeTypes(definitions.data);
  return (
    <Card name="types" title="Event types" more="All event types" href={address(["sources", "types"])}>
      <WhenLoaded loaded={types} what="event types">
        {({ total = 0 }) => (
          <>
            <p>
              <span class="home-figure">{number(total)}</span>{" "}
              <span class="soft">{limit ? `of ${number(limit.value)} used` : "used"}</span>
            </p>
            {limit && (
              <progress
                value={total}
                max={limit.value}
                aria-label={`${number(total)} of ${number(limit.value)} event types used`}
              />
            )}
            {active !== undefined && <p class="small soft">{count(active, "event type")} active in views.</p>}
          </>
        )}
      </WhenLoaded>
      <CardProblem loaded={definitions} />
    </Card>
  );
}

export function EndpointsCard({ endpoints }: { endpoints: Loaded<Model<"EndpointListing">> }) {
  return (
    <Card name="endpoints" title="Webhook endpoints" more="All endpoints" href={address(["sources", "endpoints"])}>
      <WhenLoaded loaded={endpoints} what="endpoints">
        {({ entities, total }) =>
          total === 0 ? (
            <p class="soft">No tool delivers webhooks yet.</p>
          ) : (
            <EndpointStates endpoints={entities} total={total} />
          )
        }
      </WhenLoaded>
    </Card>
  );
}

function EndpointStates({ endpoints, total }: { endpoints: readonly Endpoint[]; total: number }) {
  const stopped = endpoints.filter((one) => one.status !== "active");
  return (
    <>
      <p>
        <span class="home-figure">{number(endpoints.length - stopped.length)}</span>{" "}
        <span class="soft">of {number(endpoints.length)} receive deliveries</span>
      </p>
      <ul class="home-lines">
        {stopped.slice(0, LINES).map((one) => (
          <li key={one.id}>
            <a class="wrap-anywhere" href={address(["sources", "endpoints", one.id])}>
              {one.name}
            </a>
            <span class={`badge ${one.status === "waitingForSecret" ? "warn" : ""}`}>{wordsOf(one)}</span>
          </li>
        ))}
        {stopped.length > LINES && <li class="soft small">{count(stopped.length - LINES, "other endpoint")}</li>}
      </ul>
      {total > endpoints.length && (
        <p class="small soft">Not counted here: {count(total - endpoints.length, "other endpoint")}.</p>
      )}
    </>
  );
}

function wordsOf(endpoint: Endpoint): string {
  if (endpoint.status === "waitingForSecret") return "Waits for its secret";
  return endpoint.disabledReason ? "Configuration deleted" : "Disabled";
}

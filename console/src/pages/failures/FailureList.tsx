import { api, call, type Model } from "../../api/client";
import { type Loaded, type Page, useListing, useLoaded } from "../../api/loading";
import { Text } from "../../components/content";
import { Select, TextField } from "../../components/forms";
import { PageLayout, WhenListed, WhenLoaded } from "../../components/layout";
import { configurationName, useConfigurations, useEndpoints } from "../../components/names";
import { type Marks, SourceMark, SourceName, useSourceMarks } from "../../components/source-mark";
import { Empty } from "../../components/states";
import { Table } from "../../components/tables";
import { Time } from "../../components/times";
import { byName, count, number } from "../../formats";
import { useMay } from "../../me";
import { address, setQuery, useRoute } from "../../routing";
import {
  type Counted,
  countedBy,
  type Filters,
  filterQuery,
  filtersOf,
  listParameters,
  ofSource,
  ofStatus,
  period,
} from "./filters";
import { NOT_REPLAYABLE, reasonTitle, suggestedFix } from "./fixes";
import { ReplayAll } from "./ReplayAll";

type Failure = Model<"ListedFailure">;
type Summary = Model<"FailureSummary">;

const PAGE_SIZE = 50;
/** Pages that are read for one that shows something, where a filter leaves out much. */
const MOST_READ = 10;

export function FailureList() {
  const filters = filtersOf(useRoute().query);
  const dates = period(filters);
  const summary = useLoaded(JSON.stringify(dates), (signal) =>
    call(api.GET("/api/v2/journey/externalevents/failures/summary", { params: { query: dates }, signal })),
  );
  const listed = useListing(JSON.stringify(filters), (after, signal) => readPage(filters, after, signal));
  const mayReplay = useMay("externalEventsFailures:edit");
  const marks = useSourceMarks((summary.data?.entities ?? []).map((one) => one.source));
  return (
    <PageLayout
      title="Failures"
      about="Events and deliveries that were refused. They are kept for 30 days: fix the cause, then replay them."
    >
      <Counts summary={summary} filters={filters} marks={marks} />
      <FilterForm filters={filters} summary={summary.data} />
      {mayReplay && filters.status !== "resolved" && (
        <ReplayAll
          key={JSON.stringify(filters)}
          filters={filters}
          offered={listed.items.some((one) => one.status === "open")}
          open={summary.data && openMatching(summary.data, filters)}
          onDone={() => {
            listed.reload();
            summary.reload();
          }}
        />
      )}
      <WhenListed listed={listed} what="failures" empty={<Nothing filters={filters} />}>
        {(failures) => <FailureTable failures={failures} filters={filters} marks={marks} />}
      </WhenListed>
    </PageLayout>
  );
}

/** One page of failures of the filters' source. The API filters by all else. */
async function readPage(filters: Filters, after: string | undefined, signal: AbortSignal): Promise<Page<Failure>> {
  const entities: Failure[] = [];
  let cursor = after;
  for (let read = 0; read < MOST_READ; read += 1) {
    const page = await call(
      api.GET("/api/v2/journey/externalevents/failures", {
        params: { query: { ...listParameters(filters), pageSize: PAGE_SIZE, ...(cursor && { cursor }) } },
        signal,
      }),
    );
    entities.push(...page.entities.filter((one) => ofSource(filters, one)));
    cursor = page.nextCursor;
    if (cursor === undefined || entities.length > 0) break;
  }
  return { entities, next: cursor };
}

/** How many failures of the summary are open and match; undefined if the filters name what the summary does not tell. */
function openMatching({ entities, complete }: Summary, filters: Filters): number | undefined {
  if (!complete || filters.endpointId) return undefined;
  return entities
    .filter((one) => !NOT_REPLAYABLE.has(one.reason))
    .filter((one) => !filters.reason || one.reason === filters.reason)
    .filter((one) => !filters.configurationId || one.configurationId === filters.configurationId)
    .reduce((sum, one) => sum + one.openCount, 0);
}

// -- counts ------------------------------------------------------------------------------------------------------------

function Counts({ summary, filters, marks }: { summary: Loaded<Summary>; filters: Filters; marks: Marks }) {
  return (
    <WhenLoaded loaded={summary} what="the counts">
      {({ entities, complete, total }) =>
        total > 0 && (
          <div class="failure-counts">
            <Chips
              title="By reason"
              groups={countedBy(entities, "reason")}
              filters={filters}
              chosen={filters.reason}
              onChoose={(reason) => {
                setQuery({ reason });
              }}
              label={(reason) => reasonTitle(reason)}
            />
            <Chips
              title="By source"
              groups={countedBy(entities, "source")}
              filters={filters}
              chosen={filters.source}
              onChoose={(source) => {
                setQuery({ source, configurationId: "", endpointId: "" });
              }}
              label={(source) => (
                <>
                  <SourceMark marks={marks} source={source} />
                  <Text value={source} limit={60} />
                </>
              )}
            />
            {!complete && <p class="soft small">Only the newest {count(total, "failure")} are counted.</p>}
          </div>
        )
      }
    </WhenLoaded>
  );
}

interface ChipsProps {
  title: string;
  groups: readonly Counted[];
  filters: Filters;
  chosen: string;
  onChoose: (name: string) => void;
  label: (name: string) => preact.ComponentChildren;
}

function Chips({ title, groups, filters, chosen, onChoose, label }: ChipsProps) {
  const word = filters.status === "all" ? "" : filters.status;
  const shown = groups.filter((group) => ofStatus(group, filters.status) > 0 || group.name === chosen);
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      {shown.length === 0 && <p class="soft">No {word} failures.</p>}
      <ul class="chips">
        {shown.map((group) => (
          <li key={group.name}>
            <button
              type="button"
              aria-pressed={chosen === group.name}
              onClick={() => {
                onChoose(chosen === group.name ? "" : group.name);
              }}
            >
              <span class="chip-label">{label(group.name)}</span>
              <strong>{number(ofStatus(group, filters.status))}</strong>
              <span class="unseen"> {word || "failures"}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

// -- filters -----------------------------------------------------------------------------------------------------------

function FilterForm({ filters, summary }: { filters: Filters; summary: Summary | undefined }) {
  const configurations = useConfigurations();
  const endpoints = useEndpoints();
  const known = [...new Set((summary?.entities ?? []).map((one) => one.configurationId).filter(Boolean))];
  const places = [
    ...known.map((id) => ({ value: `configurationId ${id}`, label: configurationName(configurations, id) ?? id })),
    ...[...endpoints.values()].map(({ id, name }) => ({ value: `endpointId ${id}`, label: `${name} (endpoint)` })),
  ].sort((one, other) => byName(one.label, other.label));
  const place = filters.endpointId
    ? `endpointId ${filters.endpointId}`
    : filters.configurationId && `configurationId ${filters.configurationId}`;
  if (place && !places.some((one) => one.value === place)) {
    places.push({ value: place, label: place.split(" ")[1] ?? "" });
  }
  const reversed = filters.from && filters.to && filters.from > filters.to;
  return (
    <div class="failure-filters">
      <Select
        label="Status"
        value={filters.status}
        options={[
          { value: "open", label: "Open" },
          { value: "resolved", label: "Resolved" },
          { value: "all", label: "All" },
        ]}
        onValue={(status) => {
          setQuery({ status: status === "open" ? "" : status });
        }}
      />
      <Select
        label="Configuration or endpoint"
        value={place}
        placeholder="All"
        options={places}
        onValue={(value) => {
          const [kind, id = ""] = value.split(" ");
          setQuery({ configurationId: "", endpointId: "", ...(kind && { [kind]: id }) });
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
    </div>
  );
}

function Nothing({ filters }: { filters: Filters }) {
  const { status, ...others } = filters;
  const filtered = Object.values(others).some(Boolean);
  if (filtered) {
    return (
      <Empty title="No failures match the filters">
        <a class="button" href={address(["failures"], { status: status === "open" ? "" : status })}>
          Clear the filters
        </a>
      </Empty>
    );
  }
  return (
    <Empty title={status === "open" ? "No open failures" : "No failures"}>
      <p>Every event and every delivery of the last 30 days could be stored, or was replayed since.</p>
      {status === "open" && <a href={address(["failures"], { status: "all" })}>Show resolved failures too</a>}
    </Empty>
  );
}

// -- list --------------------------------------------------------------------------------------------------------------

function FailureTable({ failures, filters, marks }: { failures: readonly Failure[]; filters: Filters; marks: Marks }) {
  const configurations = useConfigurations();
  const endpoints = useEndpoints();
  const name = ({ endpointId, configurationId }: Failure) =>
    endpointId
      ? (endpoints.get(endpointId)?.name ?? "a deleted endpoint")
      : (configurationName(configurations, configurationId) ?? "a deleted configuration");
  return (
    <Table
      caption="Failures, newest first"
      rows={failures}
      keyOf={(one) => one.id}
      columns={[
        {
          title: "Reason",
          cell: (one) => (
            <div class="failure-reason">
              <a href={address(["failures", one.id], filterQuery(filters))}>{suggestedFix(one).title}</a>
              <span class="soft small">
                <Text value={one.message} limit={200} />
              </span>
            </div>
          ),
        },
        { title: "Source", cell: (one) => <SourceName marks={marks} source={one.source} /> },
        { title: "Came in through", cell: (one) => <Text value={name(one)} limit={80} /> },
        {
          title: "Last attempt",
          cell: (one) => (
            <span class="failure-attempt">
              <Time value={one.dateLastFailed} show="relative" />
            </span>
          ),
        },
        { title: "Status", cell: (one) => <StatusBadge status={one.status} /> },
      ]}
    />
  );
}

export function StatusBadge({ status }: { status: Failure["status"] }) {
  return <span class={`badge ${status === "open" ? "bad" : "good"}`}>{status === "open" ? "Open" : "Resolved"}</span>;
}

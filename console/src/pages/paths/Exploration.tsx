/** One exploration: its state while it is computed, the picture of its paths, their table, and the commonest ones. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { follow } from "../../api/following";
import { useAction, useLoaded } from "../../api/loading";
import { downloadCsv } from "../../components/downloads";
import { PageLayout, WhenLoaded } from "../../components/layout";
import { Empty, Failed } from "../../components/states";
import { Tabs } from "../../components/tabs";
import { Time } from "../../components/times";
import { useMay } from "../../me";
import { address, setQuery, useRoute } from "../../routing";
import { eventDefinitionNames } from "../views/requests";
import { isUnfinished, StatusBadge } from "../views/status";
import { CommonPaths } from "./CommonPaths";
import { Diagram } from "./Diagram";
import { PathTable } from "./PathTable";
import { cancelPathJob, getPathJob, getPathResult, type PathJob, type PathResult, pathTable } from "./requests";
import type { Measure } from "./sankey";
import { addressOf, type Shown, shownOf } from "./shown";
import { isSame, shownTree } from "./tree";
import { endSentence, facts, type Reading } from "./words";
import { ChosenPaths } from "./ChosenPaths";
import { Gone, isGone } from "./Gone";

export default function Exploration({ jobId }: { jobId: string }) {
  const { loaded, job, cancel, problem } = useJob(jobId);
  const mayRead = useMay("viewsResults:view");
  const mayName = useMay("eventDefinition:view");
  const result = useLoaded(job?.status === "Complete" && mayRead ? jobId : null, async (signal) => {
    // Without the event definitions, icons and the name of the end are missing only.
    const names = mayName ? eventDefinitionNames(signal).catch(() => undefined) : undefined;
    return { ...(await getPathResult(jobId, signal)), names: await names };
  });
  return (
    <PageLayout
      title={job?.name ?? "Paths"}
      above={{ label: "Paths", href: "#/paths" }}
      actions={job && <Actions job={job} hasResult={result.data !== undefined} />}
    >
      {job && <Facts job={job} />}
      {isGone(loaded.error) && <Gone />}
      {!job && !isGone(loaded.error) && (
        <WhenLoaded loaded={loaded} what="the exploration">
          {() => null}
        </WhenLoaded>
      )}
      {problem !== undefined && <Failed error={problem} />}
      {job && <State job={job} cancel={cancel} />}
      {job?.status === "Complete" && (
        <WhenLoaded loaded={result} what="the paths">
          {(paths) => <Result job={job} result={paths} />}
        </WhenLoaded>
      )}
    </PageLayout>
  );
}

/** A job, followed while it is computed. */
function useJob(jobId: string) {
  const loaded = useLoaded(jobId, (signal) => getPathJob(jobId, signal));
  const [followed, setFollowed] = useState<PathJob>();
  const [problem, setProblem] = useState<unknown>();
  useEffect(() => {
    if (!loaded.data || !isUnfinished(loaded.data.status)) return undefined;
    const onLook = (seen: PathJob) => {
      setFollowed(seen);
      return isUnfinished(seen.status);
    };
    return follow((signal) => getPathJob(jobId, signal), onLook, setProblem);
  }, [loaded.data]);
  const cancel = useAction(async () => {
    setFollowed(await cancelPathJob(jobId));
  });
  return { loaded, job: followed ?? loaded.data, cancel, problem: cancel.error ?? problem };
}

function State({ job, cancel }: { job: PathJob; cancel: ReturnType<typeof useJob>["cancel"] }) {
  const mayCancel = useMay("viewsJobs:edit");
  const mayAdd = useMay("viewsJobs:add");
  const again = mayAdd && <a href={address(["paths"], { from: job.id })}>Change the exploration, and start it again</a>;
  return (
    <div class="paths-state" role="status">
      {isUnfinished(job.status) && (
        <div class="notice">
          <p>
            <StatusBadge status={job.status} />{" "}
            {job.status === "Executing"
              ? "The paths are being followed."
              : "The exploration waits for its turn. You can leave this page: it goes on."}
          </p>
          <progress aria-label="Exploration" />
          {mayCancel && (
            <button type="button" disabled={cancel.running} onClick={() => void cancel.run()}>
              Cancel exploration
            </button>
          )}
        </div>
      )}
      {job.status === "Failed" && (
        <div class="notice bad">
          <p>
            <StatusBadge status="Failed" /> {job.error?.message}
          </p>
          {again}
        </div>
      )}
      {job.status === "Cancelled" && (
        <div class="notice warn">
          <p>
            <StatusBadge status="Cancelled" /> The exploration was canceled.
          </p>
          {again}
        </div>
      )}
    </div>
  );
}

function Actions({ job, hasResult }: { job: PathJob; hasResult: boolean }) {
  const mayAdd = useMay("viewsJobs:add");
  const saving = useAction(async () => {
    downloadCsv(job.name, await pathTable(job.id, "steps"));
  });
  return (
    <>
      {mayAdd && (
        <a class="button" href={address(["paths"], { from: job.id })}>
          Change and explore again
        </a>
      )}
      {hasResult && (
        <>
          <CopyLink />
          <button type="button" disabled={saving.running} onClick={() => void saving.run()}>
            Download CSV
          </button>
        </>
      )}
      {saving.error !== undefined && <Failed error={saving.error} />}
    </>
  );
}

/** Copies the address, which holds all that is shown. */
function CopyLink() {
  const [copied, setCopied] = useState("");
  const copying = useAction(async () => {
    await navigator.clipboard.writeText(location.href);
    setCopied(location.href);
  });
  useRoute(); // What was copied is no longer what is shown when the address changes.
  const isCopied = copied === location.href;
  return (
    <>
      <button type="button" onClick={() => void copying.run()}>
        {isCopied ? "Link copied" : "Copy link"}
      </button>
      <span role="status" class={copying.error === undefined ? "unseen" : "small"}>
        {copying.error !== undefined
          ? "The browser does not allow it. Copy the address of the page."
          : isCopied && "The link is copied."}
      </span>
    </>
  );
}

function Facts({ job: { dateCreated, dateDataUntil, definition } }: { job: PathJob }) {
  return (
    <div class="paths-facts small soft">
      {definition && facts(definition).map((fact) => <span key={fact}>{fact}</span>)}
      <span>
        Started <Time value={dateCreated} show="relative" />
      </span>
      {dateDataUntil && (
        <span>
          Counts events received until <Time value={dateDataUntil} />
        </span>
      )}
    </div>
  );
}

// -- the result --------------------------------------------------------------------------------------------------------

/** Pixels. Narrower pages show the table first. */
const NARROW = 700;

/** A result with the names of all event types. */
type NamedResult = PathResult & { readonly names: Awaited<ReturnType<typeof eventDefinitionNames>> | undefined };

const MEASURES: readonly { value: Measure; label: string }[] = [
  { value: "customerCount", label: "Customers" },
  { value: "eventCount", label: "Paths" },
];

function Result({ job, result }: { job: PathJob; result: NamedResult }) {
  const { query } = useRoute();
  const shown = useMemo(() => shownOf(query, result.tree), [query.toString(), result]);
  const root = useMemo(() => shownTree(result.tree, shown.choice, shown.collapsed), [shown, result]);
  const whole = useMemo(() => shownTree(result.tree, undefined, new Set()), [result]);
  const { names } = result;
  const native = useMemo(() => new Set([...(names ?? [])].flatMap(([id, one]) => (one.native ? [id] : []))), [names]);
  const { direction = "After", steps = 5 } = job.definition ?? {};
  const end = job.definition?.end?.attributes.id;
  const reading: Reading = { direction, steps, native, gap: job.definition?.sessionGap ?? undefined };
  if (result.tree.eventCount === 0) return <Nothing job={job} result={result} />;
  const table = shown.table ?? innerWidth < NARROW;
  const props = { root, reading, shown, jobId: job.id };
  return (
    <>
      {end !== undefined && (
        <p>{endSentence(result.start, result.tree, reading, names?.get(end)?.name ?? "the end")}</p>
      )}
      <div class="row apart paths-bar">
        <Tabs
          label="Forms of the paths"
          tabs={[
            { title: "Diagram", href: addressOf(job.id, { ...shown, table: false }), current: !table },
            { title: "Table", href: addressOf(job.id, { ...shown, table: true }), current: table },
          ]}
        />
        {!table && <Measures shown={shown} />}
      </div>
      <ChosenPaths {...props} />
      {table ? (
        <PathTable {...props} />
      ) : (
        <Diagram
          {...props}
          whole={whole}
          label={`Paths ${job.name}`}
          onChoose={(branch) => {
            const same = shown.choice && isSame(shown.choice, branch);
            location.hash = addressOf(job.id, { ...shown, choice: same ? undefined : branch });
          }}
          onCollapse={(key) => {
            const collapsed = new Set(shown.collapsed);
            if (!collapsed.delete(key)) collapsed.add(key);
            location.replace(addressOf(job.id, { ...shown, collapsed }));
          }}
          onShowAll={() => {
            if (shown.choice) location.hash = addressOf(job.id, { ...shown, choice: undefined });
          }}
        />
      )}
      <CommonPaths job={job} result={result} shown={shown} reading={reading} />
    </>
  );
}

function Measures({ shown: { measure } }: { shown: Shown }) {
  return (
    <div class="row small" role="group" aria-label="What heights stand for">
      <span class="soft" aria-hidden="true">
        Heights are
      </span>
      {MEASURES.map(({ value, label }) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === measure}
          onClick={() => {
            setQuery({ by: value === "eventCount" ? "paths" : undefined }, { replace: true });
          }}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

function Nothing({ job, result: { start } }: { job: PathJob; result: PathResult }) {
  const mayAdd = useMay("viewsJobs:add");
  return (
    <Empty title={start.eventCount === 0 ? "No event starts a path" : "No path reaches the end"}>
      <p>
        {start.eventCount === 0
          ? "In this time frame, no event matches the start and its conditions."
          : "Paths start, but none of them reaches the end within its steps. Allow more steps, or another end."}
      </p>
      {mayAdd && (
        <a class="button primary" href={address(["paths"], { from: job.id })}>
          Change and explore again
        </a>
      )}
    </Empty>
  );
}

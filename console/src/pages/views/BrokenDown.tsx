/** The parts of a breakdown as small multiples: the same small funnel for each value, and the same figures as a table. */

import "./asked.css";
import { useMemo, useState } from "preact/hooks";
import { Text } from "../../components/content";
import { Select } from "../../components/forms";
import { Table } from "../../components/tables";
import { count, number, share, shortDuration } from "../../formats";
import { connections, type GraphElement, linkKey } from "../../journey/model";
import { setQuery, useRoute } from "../../routing";
import { byOf, byTitle, figuresTitle } from "./asked";
import { AskedHead, HowTested } from "./AskedHead";
import { ChosenState, Missing } from "./Chosen";
import { type Breakdown, type Difference, differences, type Multiple, multiples } from "./breakdown";
import { testSentence } from "./comparison";
import { type Outcome, resultTable } from "./requests";
import type { FollowedJob } from "./shown";
import type { Asked } from "./useAsked";

interface Props {
  asked: Asked;
  /** The breakdown's job; none if the address names none. */
  followed: FollowedJob;
  /** Whether the result of the address is on its way. */
  loading: boolean;
  /** The result of the breakdown's job; undefined until it is there. */
  outcome: Outcome | undefined;
  elements: readonly GraphElement[];
  table: boolean;
}

export function BrokenDown({ asked, followed, loading, outcome, elements, table }: Props) {
  const [asTable, setAsTable] = useState(false);
  const names = useMemo(() => new Map(elements.map(({ id, name }) => [id, name])), [elements]);
  // The address can be edited; the job says what is shown.
  const job = outcome?.job ?? followed.job;
  const by = job ? byOf(job.options) : loading ? asked.by : undefined;
  const title = by ? `Broken down by ${byTitle(by, names)}` : "Breakdown";
  const breakdown = outcome?.result.breakdown;
  const name = `${outcome?.view.name ?? "view"} - ${title}`;
  const files = outcome &&
    breakdown && [
      { verb: "Download CSV", name, load: () => resultTable(outcome.job, "breakdown") },
      ...(connections(elements).length > 0
        ? [
            {
              verb: "Download CSV of links",
              name: `${name} - links`,
              load: () => resultTable(outcome.job, "breakdownLinks"),
            },
          ]
        : []),
    ];
  const shape = {
    table: asTable,
    toggle: () => {
      setAsTable(!asTable);
    },
  };
  return (
    <section class="stack" aria-labelledby="broken-down">
      <AskedHead
        id="broken-down"
        title={title}
        fresh={asked.fresh}
        files={files ?? []}
        shape={table ? undefined : shape}
      />
      <ChosenState
        followed={followed}
        what={job ? figuresTitle(job.options, names) : "The figures of this address"}
        again={asked.again}
      />
      {!breakdown && !loading && (outcome !== undefined || isNothing(followed)) && (
        <Missing text="This address has no breakdown." again={asked.again} />
      )}
      {breakdown && (
        <Parts breakdown={breakdown} result={outcome.result} elements={elements} table={table || asTable} />
      )}
    </section>
  );
}

function isNothing({ job, error }: FollowedJob): boolean {
  return job === undefined && error === undefined;
}

interface PartsProps {
  breakdown: Breakdown;
  result: Outcome["result"];
  elements: readonly GraphElement[];
  table: boolean;
}

function Parts({ breakdown, result, elements, table }: PartsProps) {
  const parts = useMemo(() => multiples(breakdown, result, elements), [breakdown, result, elements]);
  const links = connections(elements).map(({ from, to }) => ({
    value: linkKey(from.id, to.id),
    label: `${from.name} → ${to.name}`,
  }));
  const { query } = useRoute();
  const link = links.find(({ value }) => value === query.get("link")) ?? links[0];
  return (
    <>
      <div class="row apart broken-about">
        <p class="small soft">
          {count(breakdown.valueCount, "value")}.
          {!table && (
            <>
              {" "}
              Bars are shares of the customers with the value, all on the same scale. The mark
              <span class="broken-key" aria-hidden="true" /> is the share of all customers.
            </>
          )}
        </p>
        {links.length > 0 && (
          <div class="broken-link">
            <Select
              label="Median time from"
              value={link?.value ?? ""}
              options={links}
              onValue={(value) => {
                setQuery({ link: value }, { replace: true });
              }}
            />
          </div>
        )}
      </div>
      {parts.length === 0 && <p class="soft">No customer was counted.</p>}
      {table ? (
        <PartsTable parts={parts} elements={elements} link={link} tests={breakdown.testCount} />
      ) : (
        <div class="asked-cards">
          {parts.map((part) => (
            <PartCard
              key={part.key}
              part={part}
              timed={link !== undefined}
              median={link && part.medians.get(link.value)}
              tests={breakdown.testCount}
            />
          ))}
        </div>
      )}
      <HowTested
        testCount={breakdown.testCount}
        level={breakdown.significanceLevel}
        assumptions={breakdown.assumptions}
      />
    </>
  );
}

interface PartCardProps {
  part: Multiple;
  /** Whether there is a link whose median can be shown. */
  timed: boolean;
  median: number | undefined;
  tests: number;
}

function PartCard({ part, timed, median, tests }: PartCardProps) {
  return (
    <section class="card broken-card" aria-label={`${part.title}: ${count(part.customers, "customer")}`}>
      <div>
        <h3 class={`wrap-anywhere ${part.kind === "Value" ? "" : "soft"}`}>
          <Text value={part.title} limit={120} />
        </h3>
        <p class="small soft">
          {count(part.customers, "customer")}, {share(part.share, 1)} of all
        </p>
      </div>
      <ul class="broken-steps small">
        {part.steps.map((step) => (
          <li key={step.id}>
            <bdi class="broken-name" title={step.name}>
              {step.name}
            </bdi>
            <span class="number">
              {number(step.customers)} · {share(step.share, 1)}
            </span>
            <span class="broken-track" aria-hidden="true">
              <span class="broken-fill" style={{ width: `${100 * step.share}%` }} />
              <span class="broken-overall" style={{ left: `${100 * step.overall}%` }} />
            </span>
          </li>
        ))}
      </ul>
      <dl class="broken-figures">
        {part.completed && (
          <div>
            <dt class="small soft">Completed</dt>
            <dd>{share(part.completed.customers, part.completed.of)}</dd>
          </div>
        )}
        {timed && (
          <div>
            <dt class="small soft">Median time</dt>
            <dd>{median === undefined ? "–" : shortDuration(median)}</dd>
          </div>
        )}
      </dl>
      <Differences found={differences(part)} tests={tests} />
    </section>
  );
}

/** Differences of a value that its card names; the table has all. */
const NAMED = 3;
const REST = ", the rest";

function Differences({ found, tests }: { found: readonly Difference[]; tests: number }) {
  const sure = found.filter((one) => one.sure);
  if (sure.length === 0) return null;
  return (
    <div class="broken-differences small">
      <span class="badge compared-sure">differs from the rest</span>
      <ul class="compared-findings">
        {sure.slice(0, NAMED).map(({ key, label, up, test }) => (
          <li key={key}>
            <span class="compared-sign" aria-hidden="true">
              {up ? "▲" : "▼"}
            </span>
            <span class="wrap-anywhere">
              <strong>{label}</strong> {testSentence(test, tests, REST)}
            </span>
          </li>
        ))}
      </ul>
      {sure.length > NAMED && <p class="soft">and {count(sure.length - NAMED, "more", "more")}, in the table</p>}
    </div>
  );
}

interface TableProps extends Pick<PartsProps, "elements"> {
  parts: readonly Multiple[];
  link: { readonly value: string; readonly label: string } | undefined;
  tests: number;
}

function PartsTable({ parts, elements, link, tests }: TableProps) {
  return (
    <div class="broken-table">
      <Table
        caption="Breakdown"
        rows={parts}
        keyOf={({ key }) => key}
        columns={[
          { title: "Value", cell: ({ title }) => <Text value={title} limit={120} /> },
          { title: "Customers", numeric: true, cell: ({ customers }) => number(customers) },
          ...elements.map(({ id, name }) => ({
            title: name,
            numeric: true,
            cell: ({ steps }: Multiple) => number(steps.find((step) => step.id === id)?.customers ?? 0),
          })),
          {
            title: "Completed",
            numeric: true,
            cell: ({ completed }) => (completed ? share(completed.customers, completed.of) : "–"),
          },
          ...(link
            ? [
                {
                  title: `Median, ${link.label}`,
                  numeric: true,
                  cell: ({ medians }: Multiple) => {
                    const median = medians.get(link.value);
                    return median === undefined ? "–" : shortDuration(median);
                  },
                },
              ]
            : []),
          { title: "Differs from the rest", cell: (part) => <Sentences found={differences(part)} tests={tests} /> },
        ]}
      />
    </div>
  );
}

function Sentences({ found, tests }: { found: readonly Difference[]; tests: number }) {
  if (found.length === 0) return <>–</>;
  return (
    <ul class="broken-sentences small">
      {found.map(({ key, label, up, test }) => (
        <li key={key}>
          {up ? "▲" : "▼"} {label} {testSentence(test, tests, REST)}
        </li>
      ))}
    </ul>
  );
}

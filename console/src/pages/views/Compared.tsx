/** The figures beside those of another period or version: differences, ratios, and whether they are significant. */

import "./asked.css";
import { useMemo, useState } from "preact/hooks";
import { useLoaded } from "../../api/loading";
import { Failed, Loading } from "../../components/states";
import { Table } from "../../components/tables";
import { count } from "../../formats";
import { comparisonTable, compareResults } from "./analysis";
import { intervalText, type With, withTitle } from "./asked";
import { AskedHead, HowTested } from "./AskedHead";
import { ChosenState, Missing } from "./Chosen";
import {
  cautions,
  changeText,
  type ComparedCard,
  comparedCards,
  type ComparedRow,
  type Comparison,
  findings,
  pointsText,
  sideNames,
  sideText,
  testedText,
  testSentence,
  timesText,
  verdict,
  VERDICTS,
} from "./comparison";
import type { Outcome } from "./requests";
import { type FollowedJob, useJob } from "./shown";
import { THIS_VIEW } from "./status";
import type { Asked } from "./useAsked";

interface Props {
  viewId: string;
  version: number;
  compared: With;
  asked: Asked;
  /** The job of the figures; none if they are the newest. */
  followed: FollowedJob;
  /** The figures that are compared; undefined until those of the address are there. */
  outcome: Outcome | undefined;
  table: boolean;
}

export function Compared({ viewId, version, compared, asked, followed, outcome, table }: Props) {
  const other = useJob(viewId, compared.kind === "version" ? compared.version : version, asked.otherId);
  const otherId = other.job?.status === "Complete" ? other.job.id : undefined;
  const ready = outcome && otherId !== undefined ? { job: outcome.job, otherId } : undefined;
  const loaded = useLoaded(
    ready ? `${ready.job.id}|${ready.otherId}` : null,
    async (signal) => ready && compareResults(ready.job, ready.otherId, signal),
  );
  const [asTable, setAsTable] = useState(false);
  const title = `Compared with ${withTitle(compared)}`;
  const file = ready && {
    verb: "Download CSV",
    name: `${outcome?.view.name ?? "view"} - ${title}`,
    load: () => comparisonTable(ready.job, ready.otherId),
  };
  const shape = {
    table: asTable,
    toggle: () => {
      setAsTable(!asTable);
    },
  };
  return (
    <section class="stack" aria-labelledby="compared">
      <AskedHead
        id="compared"
        title={title}
        fresh={asked.fresh}
        files={loaded.data && file ? [file] : []}
        shape={table ? undefined : shape}
      />
      <ChosenState
        followed={followed}
        what={followed.job ? THIS_VIEW : "The figures of this address"}
        again={asked.again}
      />
      <ChosenState followed={other} what={`The figures of ${withTitle(compared)}`} again={asked.again} />
      {asked.otherId === undefined && (
        <Missing text="This address has no figures to compare with." again={asked.again} />
      )}
      {loaded.error !== undefined && <Failed error={loaded.error} retry={loaded.reload} />}
      {loaded.loading && ready && <Loading what="the comparison" />}
      {loaded.data && <Result comparison={loaded.data} table={table || asTable} />}
    </section>
  );
}

function Result({ comparison, table }: { comparison: Comparison; table: boolean }) {
  const cards = useMemo(() => comparedCards(comparison), [comparison]);
  const names = sideNames(comparison);
  const most = Math.max(1, ...cards.flatMap(({ rows }) => rows.flatMap(({ value, other }) => [value, other])));
  return (
    <>
      <Sides comparison={comparison} names={names} />
      {cautions(comparison).map((sentence) => (
        <div key={sentence} class="notice warn">
          <p>{sentence}</p>
        </div>
      ))}
      <Findings cards={cards} comparison={comparison} />
      {table ? (
        <ComparedTable cards={cards} names={names} tests={comparison.testCount} />
      ) : (
        <div class="asked-cards compared-cards">
          {cards.map((card) => (
            <ElementCard key={card.id} card={card} names={names} most={most} />
          ))}
        </div>
      )}
      <HowTested
        testCount={comparison.testCount}
        level={comparison.significanceLevel}
        assumptions={comparison.assumptions}
      />
    </>
  );
}

/** Which bar is which. */
function Sides({ comparison, names }: { comparison: Comparison; names: readonly [string, string] }) {
  const sides = [comparison.job, comparison.otherJob];
  const sameVersion = comparison.job.version === comparison.otherJob.version;
  return (
    <ul class="compared-sides small">
      {sides.map(({ id, interval, version }, index) => (
        <li key={id}>
          <span class={`compared-swatch ${index === 0 ? "compared-own" : "compared-other"}`} aria-hidden="true" />
          <strong>{names[index]}</strong>
          <span class="soft">
            {intervalText(interval)}
            {sameVersion && `, version ${version}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** What a hurried reader has to know: the significant differences. */
function Findings({ cards, comparison }: { cards: readonly ComparedCard[]; comparison: Comparison }) {
  const found = findings(cards);
  const { testCount } = comparison;
  if (testCount === 0) {
    const reasons = new Set(cards.flatMap(({ rows }) => rows.flatMap(({ test }) => test?.reason ?? [])));
    return (
      <div class="notice">
        <p>
          <strong>No difference is tested for significance.</strong> {[...reasons].at(-1)}
        </p>
      </div>
    );
  }
  if (found.length === 0) {
    return (
      <div class="notice">
        <p>
          <strong>No significant difference</strong> in {count(testCount, "test")}.
        </p>
      </div>
    );
  }
  return (
    <div class="notice">
      <p>
        <strong>{count(found.length, "significant difference")}</strong> in {count(testCount, "test")}:
      </p>
      <ul class="compared-findings">
        {found.map(({ key, name, label, up, test }) => (
          <li key={key}>
            <span class="compared-sign" aria-hidden="true">
              {up ? "▲" : "▼"}
            </span>
            <span class="wrap-anywhere">
              <strong>
                {name}: {label}
              </strong>{" "}
              {testSentence(test, testCount)}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface CardProps {
  card: ComparedCard;
  names: readonly [string, string];
  most: number;
}

function ElementCard({ card: { name, only, rows }, names, most }: CardProps) {
  return (
    <section class="card" aria-label={`${name}, compared`}>
      <h3 class="wrap-anywhere">
        <bdi>{name}</bdi>
      </h3>
      {only && <p class="soft">Only {only === "Job" ? names[0] : names[1]} has this element.</p>}
      <ul class="compared-rows">
        {rows.map((row) => (
          <Row key={row.key} row={row} names={names} most={most} />
        ))}
      </ul>
    </section>
  );
}

function Row({ row, names, most }: { row: ComparedRow; names: readonly [string, string]; most: number }) {
  const points = row.part ? pointsText(row) : testedText(row);
  return (
    <li>
      <div class="compared-label">
        <bdi class="wrap-anywhere">{row.label}</bdi>
        {row.testable && <Mark row={row} />}
      </div>
      {([0, 1] as const).map((side) => (
        <div key={side} class="compared-bar">
          <span class="compared-track" aria-hidden="true">
            <span
              class={side === 0 ? "compared-own" : "compared-other"}
              style={{ width: `${(100 * (side === 0 ? row.value : row.other)) / most}%` }}
            />
          </span>
          <span class="number small">
            <span class="unseen">{names[side]}: </span>
            {sideText(row, side)}
          </span>
        </div>
      ))}
      <p class="small soft">{[changeText(row), points, timesText(row.times)].filter(Boolean).join(" · ")}</p>
    </li>
  );
}

function Mark({ row: { test } }: { row: ComparedRow }) {
  const found = verdict(test);
  const sign =
    found === "sure" ? ((test?.difference ?? 0) > 0 ? "▲" : "▼") : { perhaps: "△", chance: "≈", untested: "–" }[found];
  return (
    <span class={`badge ${found === "sure" ? "compared-sure" : ""}`}>
      <span aria-hidden="true">{sign}</span>
      {VERDICTS[found]}
    </span>
  );
}

interface TableProps {
  cards: readonly ComparedCard[];
  names: readonly [string, string];
  tests: number;
}

function ComparedTable({ cards, names, tests }: TableProps) {
  const rows = cards.flatMap(({ id, name, rows: own }) =>
    own.map((row) => ({ ...row, key: `${id} ${row.key}`, name })),
  );
  return (
    <div class="compared-table">
      <Table
        caption="Comparison"
        rows={rows}
        keyOf={({ key }) => key}
        columns={[
          { title: "Element", cell: ({ name }) => <bdi>{name}</bdi> },
          { title: "Figure", cell: ({ label }) => <bdi>{label}</bdi> },
          { title: names[0], numeric: true, cell: (row) => sideText(row, 0) },
          { title: names[1], numeric: true, cell: (row) => sideText(row, 1) },
          { title: "Difference", numeric: true, cell: changeText },
          { title: "Test", cell: ({ test }) => testSentence(test, tests) || VERDICTS.untested },
          { title: "Time", cell: ({ times }) => timesText(times) || "–" },
        ]}
      />
    </div>
  );
}

/** The versions of a view, and what changed between two of them. */

import { useState } from "preact/hooks";
import { useLoaded } from "../../api/loading";
import { Select } from "../../components/forms";
import { WhenLoaded } from "../../components/layout";
import { Table } from "../../components/tables";
import { Time } from "../../components/times";
import { count, number } from "../../formats";
import { useMe } from "../../me";
import { address, setQuery, useRoute } from "../../routing";
import { type Difference, differences } from "./differences";
import { getView, type View } from "./requests";

/** Versions that are listed at a time. */
const PAGE = 10;

interface Props {
  viewId: string;
  newest: number;
  /** The version that the page shows. */
  shown: number;
}

export function Versions({ viewId, newest, shown }: Props) {
  const [listed, setListed] = useState(PAGE);
  const oldest = Math.max(1, newest - listed + 1);
  const numbers = Array.from({ length: newest - oldest + 1 }, (_, index) => newest - index);
  const versions = useLoaded(`versions|${viewId}|${newest}|${oldest}`, (signal) =>
    Promise.all(numbers.map((version) => getView(viewId, version, signal))),
  );
  return (
    <>
      {newest > 1 && <Comparison viewId={viewId} newest={newest} />}
      <WhenLoaded loaded={versions} what="versions">
        {(views) => <VersionTable viewId={viewId} views={views} shown={shown} />}
      </WhenLoaded>
      {oldest > 1 && (
        <div>
          <button
            type="button"
            onClick={() => {
              setListed(listed + PAGE);
            }}
          >
            Load more
          </button>
        </div>
      )}
    </>
  );
}

function VersionTable({ viewId, views, shown }: { viewId: string; views: readonly View[]; shown: number }) {
  const me = useMe();
  return (
    <Table
      caption="Versions"
      captionShown
      rows={views}
      keyOf={({ version = 1 }) => String(version)}
      columns={[
        { title: "Version", cell: ({ version = 1 }) => `Version ${version}` },
        { title: "Changed", cell: ({ dateModified }) => dateModified && <Time value={dateModified} /> },
        {
          title: "By",
          cell: ({ modifiedBy }) =>
            modifiedBy?.id === me.id ? "you" : <code class="wrap-anywhere">{modifiedBy?.id}</code>,
        },
        { title: "Elements", numeric: true, cell: ({ elements = [] }) => number(elements.length) },
        { title: "Charts", numeric: true, cell: ({ charts = [] }) => number(charts.length) },
        {
          title: "Figures",
          cell: ({ version = 1 }) =>
            version === shown ? (
              "shown"
            ) : (
              <a href={address(["views", viewId], { version })}>
                Show<span class="unseen"> version {version}</span>
              </a>
            ),
        },
      ]}
    />
  );
}

function Comparison({ viewId, newest }: { viewId: string; newest: number }) {
  const { query } = useRoute();
  const to = Number(query.get("to") ?? newest);
  const from = Number(query.get("from") ?? Math.max(1, to - 1));
  const both = useLoaded(`compare|${viewId}|${from}|${to}`, (signal) =>
    Promise.all([getView(viewId, from, signal), getView(viewId, to, signal)]),
  );
  const options = Array.from({ length: newest }, (_, index) => newest - index).map((version) => ({
    value: String(version),
    label: `Version ${version}`,
  }));
  return (
    <section class="card" aria-labelledby="changes">
      <h2 id="changes">What changed</h2>
      <div class="view-compared">
        <Select
          label="From"
          value={String(from)}
          options={options}
          onValue={(version) => {
            setQuery({ from: version }, { replace: true });
          }}
        />
        <Select
          label="To"
          value={String(to)}
          options={options}
          onValue={(version) => {
            setQuery({ to: version }, { replace: true });
          }}
        />
      </div>
      <WhenLoaded loaded={both} what="both versions">
        {([one, other]) => <Differences found={differences(one, other)} />}
      </WhenLoaded>
    </section>
  );
}

const MARKS = { added: "+", removed: "−", changed: "→" } as const;

function Differences({ found }: { found: readonly Difference[] }) {
  if (found.length === 0) return <p>Both versions count the same.</p>;
  return (
    <>
      <p class="unseen" role="status">
        {count(found.length, "difference")}
      </p>
      <ul class="view-differences">
        {found.map(({ kind, subject, before, after }) => (
          <li key={`${kind} ${subject}`} class={kind}>
            <span aria-hidden="true">{MARKS[kind]}</span>
            <div>
              <strong class="wrap-anywhere">{subject}</strong> {kind === "changed" ? "" : `was ${kind}`}
              {kind === "changed" && (
                <div class="wrap-anywhere small">
                  <del>{before}</del> <span class="unseen">became</span>
                  <ins>{after}</ins>
                </div>
              )}
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}

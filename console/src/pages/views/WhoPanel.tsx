/** Who is behind a figure: a panel beside the figures, on narrow screens over them. */

import "./who.css";
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useAction, useListing } from "../../api/loading";
import { ApiProblem } from "../../api/problem";
import { Text } from "../../components/content";
import { CopyLink } from "../../components/copying";
import { downloadCsv } from "../../components/downloads";
import { WhenListed } from "../../components/layout";
import { Failed } from "../../components/states";
import { Table } from "../../components/tables";
import { Time } from "../../components/times";
import { count, number } from "../../formats";
import type { Figures, GraphElement } from "../../journey/model";
import { boundText, figureOf, type Who, whoText, whoTitle } from "../../journey/who";
import { useMay } from "../../me";
import { HOME } from "../../session/config";
import { customersTable, forReaders, journeyAddress, listCustomers, type Listed } from "./analysis";
import { groupTitle } from "./groups";
import type { Outcome } from "./requests";

interface Props {
  who: Who;
  outcome: Outcome;
  elements: readonly GraphElement[];
  figures: Figures;
  onClose: () => void;
}

/** Pixels of the window below which the panel covers the page. who.css has the same. */
const NARROW = "(max-width: 70rem)";

export function WhoPanel({ who, outcome, elements, figures, onClose }: Props) {
  const { job, view } = outcome;
  const key = `${job.id}|${whoText(who)}`;
  const [facts, setFacts] = useState<{ key: string; total: number; listed: number }>();
  const listed = useListing(key, async (after, signal) => {
    const page = await listCustomers(job, who, after, signal);
    setFacts({ key, total: page.total, listed: page.listed });
    return page;
  });
  const saving = useAction(async () => {
    downloadCsv(title, forReaders(await customersTable(job, who), HOME));
  });
  const known = facts?.key === key ? facts : undefined;
  const total = known?.total ?? figureOf(who, figures);
  const title = whoTitle(who, total, { elements, group: (one) => groupTitle(view, one) });
  const bound = known ? boundText(known.total, known.listed) : "";
  return (
    <Panel title={title} focusKey={key} onClose={onClose}>
      <p class="small soft">
        {bound && <strong class="who-bound">{bound} </strong>}
        Counted by the job of <Time value={job.dateCreated} />.
      </p>
      <div class="row">
        <button type="button" disabled={saving.running || known === undefined} onClick={() => void saving.run()}>
          Download CSV{known && bound ? ` of these ${number(known.listed)}` : ""}
        </button>
        <CopyLink />
      </div>
      {saving.error !== undefined && <Failed error={saving.error} />}
      {listed.error instanceof ApiProblem && listed.error.code === NOT_LISTED ? (
        <div class="notice warn">
          <p>
            These figures were computed before customers were listed. Close this list, and choose <em>Compute now</em>.
          </p>
        </div>
      ) : (
        <WhenListed listed={listed} what="customers" empty={<p class="soft">This figure counts no customers.</p>}>
          {(customers) => (
            <>
              <CustomerTable customers={customers} title={title} />
              {known && known.listed > 0 && (
                <p class="small soft" role="status">
                  {customers.length < known.listed
                    ? `${number(customers.length)} of ${count(known.listed, "customer")} shown.`
                    : bound || "All are shown."}
                </p>
              )}
            </>
          )}
        </WhenListed>
      )}
    </Panel>
  );
}

/** The code of a refusal: the job was computed by a version of the product without lists. */
const NOT_LISTED = "customers.not.listed";

interface PanelProps {
  title: string;
  /** The focus moves to the title when this changes. */
  focusKey: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** A dialog that leaves the page in reach where there is room for both. */
function Panel({ title, focusKey, onClose, children }: PanelProps) {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const id = useId();
  const close = useRef(onClose);
  close.current = onClose;
  useLayoutEffect(() => {
    const narrow = matchMedia(NARROW);
    const open = () => {
      element.current?.close();
      if (narrow.matches) element.current?.showModal();
      else element.current?.show();
    };
    open();
    narrow.addEventListener("change", open);
    return () => {
      narrow.removeEventListener("change", open);
    };
  }, []);
  // At once: a key that the reader presses next must not lose its place.
  useLayoutEffect(() => {
    heading.current?.focus();
    element.current?.scrollTo(0, 0);
  }, [focusKey]);
  const onKey = useCallback((event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    const modal = document.querySelector("dialog:modal");
    if (modal && modal !== element.current) return; // It belongs to a dialog over the panel.
    event.preventDefault();
    close.current();
  }, []);
  useEffect(() => {
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("keydown", onKey);
    };
  }, []);
  return (
    <dialog
      ref={element}
      class="who-panel"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="stack">
        <div class="who-head">
          <h2 ref={heading} id={id} tabindex={-1} class="wrap-anywhere">
            {title}
          </h2>
          <button type="button" aria-label="Close the list" title="Close (Esc)" onClick={onClose}>
            ✕
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

/** Further identifiers of a customer that are shown. */
const FURTHER = 3;

function CustomerTable({ customers, title }: { customers: readonly Listed[]; title: string }) {
  const mayOpen = useMay("customers:view");
  return (
    <Table
      caption={title}
      rows={customers}
      keyOf={({ customer }) => JSON.stringify([customer.externalSourceId, customer.value])}
      columns={[
        {
          title: "Identifier",
          cell: (listed) => {
            const text = <Text value={listed.customer.value} limit={120} />;
            return mayOpen ? <a href={journeyAddress(listed)}>{text}</a> : text;
          },
        },
        { title: "Source", cell: ({ customer }) => <Text value={customer.externalSourceId} limit={60} /> },
        { title: "Further identifiers", cell: ({ identifiers }) => <Further identifiers={identifiers.slice(1)} /> },
      ]}
    />
  );
}

function Further({ identifiers }: Pick<Listed, "identifiers">) {
  if (identifiers.length === 0) return <span class="soft">none</span>;
  const more = identifiers.length - FURTHER;
  return (
    <ul class="who-further small">
      {identifiers.slice(0, FURTHER).map(({ externalSourceId, value }) => (
        <li key={JSON.stringify([externalSourceId, value])}>
          <span class="soft">
            <Text value={externalSourceId} limit={60} />
          </span>{" "}
          <Text value={value} limit={120} />
        </li>
      ))}
      {more > 0 && <li class="soft">and {count(more, "more", "more")}</li>}
    </ul>
  );
}

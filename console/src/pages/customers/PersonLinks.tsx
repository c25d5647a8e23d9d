/** The links between a person's identifiers, and the pairs that somebody unlinked. */

import { useState } from "preact/hooks";
import { useAction } from "../../api/loading";
import { Text } from "../../components/content";
import { configurationName, useConfigurations } from "../../components/names";
import { Failed } from "../../components/states";
import { type Column, Table } from "../../components/tables";
import { Time } from "../../components/times";
import { localDate, number } from "../../formats";
import { setQuery } from "../../routing";
import { journeyOf } from "./Customers";
import { useDeciders } from "./deciders";
import { IdentifierTag } from "./IdentifierTag";
import { type Identifier, identifierKey, type Numbers, numbersOf, type Pair, pairKey } from "./person";
import { link, type Person, type PersonLink } from "./requests";

/** Unlinked pairs that are shown before the reader asks for all. */
const SHOWN = 5;
/** The most unlinked pairs that the API lists: the last ones. */
const MOST_LISTED = 100;

interface LinksProps {
  links: readonly PersonLink[];
  numbers: Numbers;
  onUnlink: ((pair: Pair) => void) | undefined;
}

export function Links({ links, numbers, onUnlink }: LinksProps) {
  const columns: Column<PersonLink>[] = [
    {
      title: "Identifiers",
      cell: ({ from, to }) => (
        <span class="pair-of">
          <IdentifierTag identifier={from} numbers={numbers} />
          <IdentifierTag identifier={to} numbers={numbers} />
        </span>
      ),
    },
    { title: "Linked by", cell: (one) => <LinkedBy link={one} /> },
    {
      title: "When",
      cell: ({ evidence, decision }) =>
        evidence ? <DayLink date={evidence.dateCreated} /> : decision && <Time value={decision.dateDecided} />,
    },
  ];
  if (onUnlink) columns.push({ title: "Change", cell: (one) => <UnlinkButton pair={one} onUnlink={onUnlink} /> });
  return (
    <details class="links">
      <summary>{links.length === 1 ? "The link in detail" : `All ${number(links.length)} links in detail`}</summary>
      <Table caption="Links between the identifiers" rows={links} keyOf={pairKey} columns={columns} />
    </details>
  );
}

/** The event that made a link, or who made it. */
function LinkedBy({ link: { evidence, decision } }: { link: PersonLink }) {
  const nameOf = useDeciders();
  const configuration = configurationName(useConfigurations(), evidence?.configurationId ?? "");
  const decided = decision && nameOf(decision.by.id);
  if (!evidence) return <>{decided !== undefined && `Joined by ${decided}`}</>;
  return (
    <>
      An event of <Text value={configuration ?? "a configuration"} limit={80} />
      {decided !== undefined && `; relinked by ${decided}`}
      <div class="soft small wrap-anywhere">
        Event <Text value={evidence.eventId} limit={100} />
      </div>
    </>
  );
}

function UnlinkButton({ pair, onUnlink }: { pair: Pair; onUnlink: (pair: Pair) => void }) {
  return (
    <button
      type="button"
      class="plain flush"
      onClick={() => {
        onUnlink(pair);
      }}
    >
      Unlink
      <PairUnseen pair={pair} />
    </button>
  );
}

/** Tells which pair a button is about, to those who do not see where it stands. */
function PairUnseen({ pair: { from, to } }: { pair: Pair }) {
  return (
    <span class="unseen">
      {" "}
      {from.externalSourceId} {from.value} and {to.externalSourceId} {to.value}
    </span>
  );
}

/** The date of an event; it filters the timeline by the event's day. */
function DayLink({ date }: { date: string }) {
  const day = localDate(date);
  return (
    <button
      type="button"
      class="plain flush"
      title="Show the events of this day"
      onClick={() => {
        setQuery({ from: day, to: day, ofSource: "", ofValue: "", type: "" });
      }}
    >
      <Time value={date} />
    </button>
  );
}

interface UnlinkedProps {
  person: Person;
  mayEdit: boolean;
  onChanged: (told: string) => void;
}

/** Pairs that somebody unlinked, to be linked again. */
export function Unlinked({ person, mayEdit, onChanged }: UnlinkedProps) {
  const nameOf = useDeciders();
  const [all, setAll] = useState(false);
  const numbers = numbersOf(person.identifiers);
  const shown = all ? person.unlinked : person.unlinked.slice(0, SHOWN);
  const relink = useAction(async (pair: Pair) => {
    await link(pair);
    onChanged("The two identifiers are linked again.");
  });
  return (
    <div class="stack tight">
      <h3>Unlinked</h3>
      <ul class="unlinked small">
        {shown.map((one) => (
          <li key={pairKey(one)}>
            <span class="pair-of">
              <IdentifierLink identifier={one.from} numbers={numbers} />
              <span class="soft">and</span>
              <IdentifierLink identifier={one.to} numbers={numbers} />
            </span>
            {one.decision && (
              <span class="soft">
                Unlinked by {nameOf(one.decision.by.id)}, <Time value={one.decision.dateDecided} />
              </span>
            )}
            {mayEdit && (
              <button type="button" class="plain" disabled={relink.running} onClick={() => void relink.run(one)}>
                Relink
                <PairUnseen pair={one} />
              </button>
            )}
          </li>
        ))}
      </ul>
      {shown.length < person.unlinked.length && (
        <div>
          <button
            type="button"
            class="plain"
            onClick={() => {
              setAll(true);
            }}
          >
            Show all {number(person.unlinked.length)}
          </button>
        </div>
      )}
      {person.unlinked.length >= MOST_LISTED && all && (
        <p class="soft small">Pairs that were unlinked before these are not listed.</p>
      )}
      {relink.error !== undefined && <Failed error={relink.error} />}
    </div>
  );
}

/** An identifier; one that is not of the person leads to its own journey. */
function IdentifierLink({ identifier, numbers }: { identifier: Identifier; numbers: Numbers }) {
  const tag = <IdentifierTag identifier={identifier} numbers={numbers} />;
  return numbers.has(identifierKey(identifier)) ? tag : <a href={journeyOf(identifier)}>{tag}</a>;
}

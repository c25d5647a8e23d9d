/** The person behind an identifier: all identifiers, how they came to be linked, and what can be changed about it. */

import { useState } from "preact/hooks";
import { type Loaded, useAction } from "../../api/loading";
import { Text } from "../../components/content";
import { configurationName, useConfigurations } from "../../components/names";
import { Failed, Loading } from "../../components/states";
import { Table } from "../../components/tables";
import { Time } from "../../components/times";
import { count, localDate, number } from "../../formats";
import { useMay } from "../../me";
import { setQuery, useRoute } from "../../routing";
import { filterBy } from "./Customer";
import { journeyOf } from "./Customers";
import { useDeciders } from "./deciders";
import { IdentifierNumber, IdentifierTag } from "./IdentifierTag";
import { JoinDialog, UnlinkDialog } from "./LinkDialogs";
import {
  colorOf,
  type Identifier,
  identifierKey,
  lifelines,
  linksOf,
  type Numbers,
  numbersOf,
  otherOf,
  type Pair,
  pairKey,
  sameIdentifier,
  waysFrom,
} from "./person";
import { type IdentifierSummary, link, type Person, type PersonLink } from "./requests";

/** Identifiers that are shown before the reader asks for all. */
const SHOWN = 6;

interface Props {
  /** The identifier that was looked up. */
  looked: Identifier;
  person: Loaded<Person>;
  onChanged: () => void;
}

type Asked = { readonly unlink: readonly Pair[]; readonly from: Identifier | undefined } | "join";

export function PersonPanel({ looked, person, onChanged }: Props) {
  const mayEdit = useMay("customers:edit");
  const [asked, setAsked] = useState<Asked>();
  const [told, setTold] = useState("");
  const { data } = person;
  const changed = (text: string) => {
    setTold(text);
    onChanged();
  };
  const close = () => {
    setAsked(undefined);
  };
  return (
    <section class="card person-panel" aria-labelledby="identifiers">
      <div class="row apart">
        <h2 id="identifiers">
          {data && data.identifiers.length > 1
            ? `One person, ${count(data.identifiers.length, "identifier")}`
            : "Identifiers"}
        </h2>
        {mayEdit && data && (
          <button
            type="button"
            onClick={() => {
              setAsked("join");
            }}
          >
            Join another identifier
          </button>
        )}
      </div>
      {person.error !== undefined && <Failed error={person.error} retry={person.reload} />}
      {!data && person.loading && <Loading what="the identifiers" />}
      {data && <KeptApart looked={looked} person={data} />}
      {data && (
        <Identifiers
          looked={looked}
          person={data}
          onUnlink={
            mayEdit
              ? (unlink, from) => {
                  setAsked({ unlink, from });
                }
              : undefined
          }
        />
      )}
      {data && <Stopped looked={looked} person={data} />}
      {data && data.unlinked.length > 0 && <Unlinked person={data} mayEdit={mayEdit} onChanged={changed} />}
      <p role="status" class="small told">
        {told}
      </p>
      {data && asked === "join" && <JoinDialog looked={looked} person={data} onJoined={changed} onClose={close} />}
      {data && asked !== undefined && asked !== "join" && (
        <UnlinkDialog person={data} pairs={asked.unlink} from={asked.from} onUnlinked={changed} onClose={close} />
      )}
    </section>
  );
}

/** Why the identifier that was looked up stands alone although links join it with others. */
function KeptApart({ looked, person: { stopped, tooLarge } }: { looked: Identifier; person: Person }) {
  if (tooLarge) {
    return (
      <div class="notice warn">
        <p>
          <strong>The links join more identifiers than one person can have.</strong> A person has 50 at most, so each of
          them stands alone. Once links that are wrong are undone, the others join again.
        </p>
      </div>
    );
  }
  if (!stopped.some((one) => sameIdentifier(one, looked))) return null;
  return (
    <div class="notice warn">
      <p>
        <strong>This identifier stopped linking.</strong> Events name it together with more than 10 others, as they do
        with a shared device or a default value. It stands alone, and joins nobody.
      </p>
    </div>
  );
}

/** The identifiers that would belong to the person, but link nobody any more. */
function Stopped({ looked, person: { stopped } }: { looked: Identifier; person: Person }) {
  const others = stopped.filter((one) => !sameIdentifier(one, looked));
  if (others.length === 0) return null;
  return (
    <div class="stack tight">
      <h3>Stopped linking</h3>
      <ul class="stopped small">
        {others.map((one) => (
          <li key={identifierKey(one)}>
            <a class="wrap-anywhere" href={journeyOf(one)}>
              <Text value={one.externalSourceId} limit={80} /> <Text value={one.value} limit={200} />
            </a>{" "}
            <span class="soft">
              {count(one.eventCount, "event")}, not part of this person: events name it together with more than 10
              others, as a shared device or a default value.
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

// -- identifiers -------------------------------------------------------------------------------------------------------

interface IdentifiersProps {
  looked: Identifier;
  person: Person;
  /** Asks before pairs are unlinked; `from` is the identifier that is taken from the person. */
  onUnlink: ((pairs: readonly Pair[], from: Identifier | undefined) => void) | undefined;
}

function Identifiers({ looked, person, onUnlink }: IdentifiersProps) {
  const [all, setAll] = useState(false);
  const { identifiers, links, stopped, tooLarge } = person;
  const numbers = numbersOf(identifiers);
  const ways = waysFrom(looked, links);
  const lines = lifelines(identifiers);
  const shown = all ? identifiers : identifiers.slice(0, SHOWN);
  if (identifiers.length === 1) {
    const explained = tooLarge || stopped.some((one) => sameIdentifier(one, looked));
    return explained ? null : <p class="soft">No other identifier is linked with this one.</p>;
  }
  return (
    <>
      <ol class="identifiers" aria-label="Identifiers of the person">
        {shown.map((one, index) => (
          <IdentifierRow
            key={identifierKey(one)}
            identifier={one}
            looked={sameIdentifier(one, looked)}
            way={ways.get(identifierKey(one))}
            line={lines[index]}
            numbers={numbers}
            onUnlink={
              onUnlink &&
              (() => {
                onUnlink(linksOf(one, links), one);
              })
            }
          />
        ))}
      </ol>
      {shown.length < identifiers.length && (
        <div>
          <button
            type="button"
            class="plain"
            onClick={() => {
              setAll(true);
            }}
          >
            Show all {count(identifiers.length, "identifier")}
          </button>
        </div>
      )}
      {links.length > 0 && <Links links={links} numbers={numbers} onUnlink={onUnlink} />}
    </>
  );
}

interface RowProps {
  identifier: IdentifierSummary;
  looked: boolean;
  way: PersonLink | undefined;
  line: ReturnType<typeof lifelines>[number];
  numbers: Numbers;
  onUnlink: (() => void) | undefined;
}

function IdentifierRow({ identifier, looked, way, line, numbers, onUnlink }: RowProps) {
  const { query } = useRoute();
  const { externalSourceId, value, eventCount, dateFirstEvent, dateLastEvent } = identifier;
  const ordinal = numbers.get(identifierKey(identifier)) ?? 1;
  const chosen = query.get("ofSource") === externalSourceId && query.get("ofValue") === value;
  const name = <span class="unseen"> {`${externalSourceId} ${value}`.slice(0, 100)}</span>;
  return (
    <li class={`color-${colorOf(ordinal)}`}>
      <IdentifierNumber number={ordinal} />
      <div class="identifier-name">
        <p class="wrap-anywhere">
          <span class="soft">
            <Text value={externalSourceId} limit={80} />
          </span>{" "}
          <strong>
            <Text value={value} limit={300} />
          </strong>
        </p>
        <p class="small soft">{looked ? "Looked up" : way && <How link={way} of={identifier} numbers={numbers} />}</p>
      </div>
      <div class="identifier-time small">
        <span class="lifeline" aria-hidden="true">
          {line && <span style={{ left: `${100 * line.from}%`, right: `${100 * (1 - line.to)}%` }} />}
        </span>
        <span class="identifier-dates">
          <strong>{count(eventCount, "event")}</strong>
          {dateFirstEvent !== undefined && dateLastEvent !== undefined && (
            <span class="soft">
              <Time value={dateFirstEvent} /> – <Time value={dateLastEvent} />
            </span>
          )}
        </span>
      </div>
      <div class="identifier-actions small">
        <button
          type="button"
          class="plain"
          aria-pressed={chosen}
          onClick={() => {
            filterBy(chosen ? undefined : identifier);
          }}
        >
          Filter<span class="unseen"> events by{name}</span>
        </button>
        <a href={journeyOf(identifier, { scope: "identifier" })}>Only this{name}</a>
        {onUnlink && (
          <button type="button" class="plain" onClick={onUnlink}>
            Unlink{name}
          </button>
        )}
      </div>
    </li>
  );
}

/** How an identifier came to be linked with another one of the person. */
function How({
  link: { from, to, evidence, decision },
  of,
  numbers,
}: {
  link: PersonLink;
  of: Identifier;
  numbers: Numbers;
}) {
  const nameOf = useDeciders();
  const configuration = configurationName(useConfigurations(), evidence?.configurationId ?? "");
  const other = numbers.get(identifierKey(otherOf(of, { from, to }))) ?? 0;
  return (
    <>
      {evidence ? (
        <>
          Linked with <IdentifierNumber number={other} /> by an event
          {configuration !== undefined && (
            <>
              {" "}
              of <Text value={configuration} limit={60} />
            </>
          )}
          , <Time value={evidence.dateCreated} />
          {decision && (
            <>
              ; relinked by {nameOf(decision.by.id)}, <Time value={decision.dateDecided} />
            </>
          )}
        </>
      ) : (
        decision && (
          <>
            Joined with <IdentifierNumber number={other} /> by {nameOf(decision.by.id)},{" "}
            <Time value={decision.dateDecided} />
          </>
        )
      )}
    </>
  );
}

// -- links -------------------------------------------------------------------------------------------------------------

interface LinksProps {
  links: readonly PersonLink[];
  numbers: Numbers;
  onUnlink: IdentifiersProps["onUnlink"];
}

function Links({ links, numbers, onUnlink }: LinksProps) {
  const nameOf = useDeciders();
  const configurations = useConfigurations();
  return (
    <details class="links">
      <summary>{links.length === 1 ? "The link in detail" : `All ${number(links.length)} links in detail`}</summary>
      <Table
        caption="Links between the identifiers"
        rows={links}
        keyOf={pairKey}
        columns={[
          {
            title: "Identifiers",
            cell: ({ from, to }) => (
              <span class="pair-of">
                <IdentifierTag identifier={from} numbers={numbers} />
                <IdentifierTag identifier={to} numbers={numbers} />
              </span>
            ),
          },
          {
            title: "Linked by",
            cell: ({ evidence, decision }) =>
              evidence ? (
                <>
                  An event of{" "}
                  <Text
                    value={configurationName(configurations, evidence.configurationId) ?? "a configuration"}
                    limit={80}
                  />
                  <div class="soft small wrap-anywhere">
                    Event <Text value={evidence.eventId} limit={100} />
                  </div>
                </>
              ) : (
                decision && `Joined by ${nameOf(decision.by.id)}`
              ),
          },
          {
            title: "When",
            cell: ({ evidence, decision }) =>
              evidence ? <DayLink date={evidence.dateCreated} /> : decision && <Time value={decision.dateDecided} />,
          },
          ...(onUnlink
            ? [
                {
                  title: "Change",
                  cell: (one: PersonLink) => (
                    <button
                      type="button"
                      class="plain flush"
                      onClick={() => {
                        onUnlink([one], undefined);
                      }}
                    >
                      Unlink
                      <span class="unseen">
                        {" "}
                        {one.from.externalSourceId} {one.from.value} and {one.to.externalSourceId} {one.to.value}
                      </span>
                    </button>
                  ),
                },
              ]
            : []),
        ]}
      />
    </details>
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
function Unlinked({ person, mayEdit, onChanged }: UnlinkedProps) {
  const nameOf = useDeciders();
  const numbers = numbersOf(person.identifiers);
  const relink = useAction(async (pair: Pair) => {
    await link(pair);
    onChanged("The two identifiers are linked again.");
  });
  return (
    <div class="stack tight">
      <h3>Unlinked</h3>
      <ul class="unlinked small">
        {person.unlinked.map((one) => (
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
                <span class="unseen">
                  {" "}
                  {one.from.externalSourceId} {one.from.value} and {one.to.externalSourceId} {one.to.value}
                </span>
              </button>
            )}
          </li>
        ))}
      </ul>
      {relink.error !== undefined && <Failed error={relink.error} />}
    </div>
  );
}

/** An identifier; one that is not of the person leads to its own journey. */
function IdentifierLink({ identifier, numbers }: { identifier: Identifier; numbers: Numbers }) {
  const tag = <IdentifierTag identifier={identifier} numbers={numbers} />;
  return numbers.has(identifierKey(identifier)) ? tag : <a href={journeyOf(identifier)}>{tag}</a>;
}

/** The person behind an identifier: all identifiers, how they came to be linked, and what can be changed about it. */

import { useState } from "preact/hooks";
import { type Loaded } from "../../api/loading";
import { Text } from "../../components/content";
import { configurationName, useConfigurations } from "../../components/names";
import { Failed, Loading } from "../../components/states";
import { Time } from "../../components/times";
import { count } from "../../formats";
import { useMay } from "../../me";
import { useRoute } from "../../routing";
import { filterBy } from "./Customer";
import { journeyOf } from "./Customers";
import { useDeciders } from "./deciders";
import { IdentifierNumber } from "./IdentifierTag";
import { JoinDialog, UnlinkDialog } from "./LinkDialogs";
import { Links, Unlinked } from "./PersonLinks";
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
  sameIdentifier,
  waysFrom,
} from "./person";
import { type IdentifierSummary, type Person, type PersonLink } from "./requests";

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
      {links.length > 0 && (
        <Links
          links={links}
          numbers={numbers}
          onUnlink={
            onUnlink &&
            ((pair) => {
              onUnlink([pair], undefined);
            })
          }
        />
      )}
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

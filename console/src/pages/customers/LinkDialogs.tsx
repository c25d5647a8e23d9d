/** Dialogs that change who belongs to a person. Each says what changes, and how to undo it. */

import { useEffect, useState } from "preact/hooks";
import { useLoaded } from "../../api/loading";
import { Confirm, FormDialog } from "../../components/dialogs";
import { Field, Select, TextField } from "../../components/forms";
import { count } from "../../formats";
import { address } from "../../routing";
import { IdentifierTag } from "./IdentifierTag";
import { mayLink, useIdentitySettings } from "./identifiers";
import {
  groupsWithout,
  type Identifier,
  identifierKey,
  type Numbers,
  numbersOf,
  type Pair,
  sameIdentifier,
} from "./person";
import { getPerson, type IdentifierSummary, link, type Person, unlink } from "./requests";
import { SourceInput } from "./SourceInput";

interface UnlinkProps {
  person: Person;
  pairs: readonly Pair[];
  /** The identifier that is taken from the person; undefined if one link is undone. */
  from: Identifier | undefined;
  onUnlinked: (told: string) => void;
  onClose: () => void;
}

export function UnlinkDialog({ person, pairs, from, onUnlinked, onClose }: UnlinkProps) {
  const numbers = numbersOf(person.identifiers);
  const groups = groupsWithout(person.identifiers, person.links, pairs);
  const [pair] = pairs;
  return (
    <Confirm
      title={from ? "Unlink this identifier?" : "Unlink these two identifiers?"}
      verb={pairs.length > 1 ? `Unlink ${count(pairs.length, "pair")}` : "Unlink"}
      act={async () => {
        await unlink(pairs);
        onUnlinked(`Unlinked. To undo it, choose “Relink” below.`);
      }}
      onClose={onClose}
    >
      {from && <IdentifierTag identifier={from} numbers={numbers} />}
      {!from && pair && (
        <span class="pair-of">
          <IdentifierTag identifier={pair.from} numbers={numbers} />
          <IdentifierTag identifier={pair.to} numbers={numbers} />
        </span>
      )}
      {groups.length > 1 ? (
        <div class="stack tight">
          <p>
            <strong>The person becomes {count(groups.length, "customer")}</strong>, each with a journey of its own:
          </p>
          <ul class="groups">
            {groups.map((group) => (
              <li key={group.map(identifierKey).join(" ")}>
                <Group group={group} numbers={numbers} />
              </li>
            ))}
          </ul>
        </div>
      ) : (
        <p>
          <strong>They stay one person</strong>: other links join them still. To separate an identifier from the rest,
          choose “Unlink” at the identifier.
        </p>
      )}
      <p class="soft">
        Journeys change at once, and views that count people when they are computed next. Events that name the
        identifiers together do not link them again. To undo it, choose “Relink”: the page lists what was unlinked, by
        whom and when.
      </p>
    </Confirm>
  );
}

function Group({ group, numbers }: { group: readonly IdentifierSummary[]; numbers: Numbers }) {
  const events = group.reduce((sum, { eventCount }) => sum + eventCount, 0);
  return (
    <>
      {group.map((one) => (
        <IdentifierTag key={identifierKey(one)} identifier={one} numbers={numbers} />
      ))}
      <span class="soft small">{count(events, "event")}</span>
    </>
  );
}

// -- joining -----------------------------------------------------------------------------------------------------------

/** Milliseconds without a change after which the other identifier is looked up. */
const PAUSE = 400;

interface JoinProps {
  looked: Identifier;
  person: Person;
  onJoined: (told: string) => void;
  onClose: () => void;
}

/** Joins the person with another identifier by hand. */
export function JoinDialog({ looked, person, onJoined, onClose }: JoinProps) {
  const [own, setOwn] = useState(identifierKey(looked));
  const [source, setSource] = useState("");
  const [value, setValue] = useState("");
  const settings = useIdentitySettings();
  const from = person.identifiers.find((one) => identifierKey(one) === own) ?? looked;
  const to = { externalSourceId: source.trim(), value };
  const complete = to.externalSourceId !== "" && value !== "";
  const known = complete && person.identifiers.some((one) => sameIdentifier(one, to));
  return (
    <FormDialog
      title="Join another identifier"
      verb="Join identifiers"
      missing={
        !complete
          ? "Enter a source and an identifier."
          : known
            ? "This identifier is of the person already."
            : undefined
      }
      save={() => link({ from, to })}
      onSaved={(saved) => {
        const joined = saved.identifiers.some((one) => sameIdentifier(one, to)) && saved.identifiers.length > 1;
        onJoined(
          joined
            ? "Joined. To undo it, choose “Unlink” at the identifier."
            : "The link is stored, but joins nobody: one of the two does not link, by its source or for its many links.",
        );
        onClose();
      }}
      onClose={onClose}
    >
      <p>Two identifiers that you know to be of one person, and that no event names together.</p>
      {person.identifiers.length > 1 && (
        <Select
          label="Identifier of this person"
          value={own}
          options={person.identifiers.map((one, index) => ({
            value: identifierKey(one),
            label: `${index + 1} ${one.externalSourceId} ${one.value}`,
          }))}
          onValue={setOwn}
        />
      )}
      <Field
        label="Source of the other identifier"
        problem={
          settings.data && to.externalSourceId && !mayLink(settings.data, to.externalSourceId)
            ? "Identifiers of this source do not link, so the join will have no effect."
            : undefined
        }
        hint={<a href={address(["sources", "identifiers"])}>Which sources link</a>}
      >
        {(control) => (
          <SourceInput
            control={control}
            source={source}
            known={settings.data?.knownSources ?? []}
            onSource={setSource}
          />
        )}
      </Field>
      <TextField label="Other identifier" value={value} maxLength={255} autocomplete="off" onValue={setValue} />
      {complete && !known && <Found identifier={to} />}
      <p class="soft small">
        Journeys change at once, and views that count people when they are computed next. To undo it, choose “Unlink” at
        the identifier.
      </p>
    </FormDialog>
  );
}

/** What is known of the other identifier. */
function Found({ identifier }: { identifier: Identifier }) {
  const key = identifierKey(identifier);
  const [settled, setSettled] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => {
      setSettled(key);
    }, PAUSE);
    return () => {
      clearTimeout(timer);
    };
  }, [key]);
  const found = useLoaded(settled === key ? key : null, (signal) => getPerson(identifier, signal));
  const others = found.data?.identifiers ?? [];
  const events = others.reduce((sum, { eventCount }) => sum + eventCount, 0);
  return (
    <p role="status" class="small">
      {found.data &&
        (events === 0
          ? "No events came in under this identifier so far. Those that will belong to the person."
          : others.length === 1
            ? `It adds ${count(events, "event")}.`
            : `It adds ${count(others.length, "identifier")} with ${count(events, "event")}.`)}
    </p>
  );
}

/** The elements of a view: their list, and the form of the selected one. */

import { count } from "../../formats";
import { type Option, Select } from "../../components/forms";
import { CONTACT_CENTER, EXTERNAL } from "../../components/native";
import { NativeIcon } from "../../components/native-icon";
import { type EventDefinition, eventOptions, joinable, joinTitle } from "./attributes";
import { elementOptions, GroupAt, SelectAt, shownName, TextAt, useBuilding, useProblem } from "./building";
import { conditions } from "./conditions";
import {
  canConnect,
  type Element,
  type EventCountType,
  type Link,
  type TimeConstraint,
  typedText,
  type Unit,
  UNITS,
} from "./definition";
import { Conditions } from "./filters";
import { linkMeaning } from "./sentences";
import { applyEdit, type Edit } from "./edits";
import { useState } from "preact/hooks";

/** Adds an element, and shows its form. */
function useAdd(): (event: string, after?: string) => void {
  const { definition, events, edit, select, focus } = useBuilding();
  return (event, after) => {
    const added: Edit = { do: "addElement", event, name: events.get(event)?.name ?? "Event", after };
    const made = applyEdit(definition, added).elements.at(-1);
    edit(added);
    select(made?.id);
    focus(`elements[${definition.elements.length}].name`);
  };
}

// -- the first event ---------------------------------------------------------------------------------------------------

/** How to begin: the events, one of which is the first. */
export function FirstEvent() {
  const { events } = useBuilding();
  const add = useAdd();
  const all = [...events.values()];
  const external = all.filter(({ native }) => !native);
  const native = all.filter((event) => event.native);
  return (
    <section class="card" aria-labelledby="first-event">
      <h2 id="first-event">With which event does the journey begin?</h2>
      <p class="soft">Pick the first event. Then add what follows it; branches and conditions come later.</p>
      {external.length === 0 ? (
        <div class="empty">
          <h2>No event type of yours can be used yet</h2>
          <p>A view is made of events. Add an event type, and activate it for views.</p>
          <a class="button primary" href="#/sources">
            Go to the sources
          </a>
        </div>
      ) : (
        <>
          {native.length > 0 && <h3>{EXTERNAL}</h3>}
          <EventList events={external} onPick={add} />
        </>
      )}
      {native.length > 0 && (
        <>
          <h3 class="with-icon">
            <NativeIcon />
            {CONTACT_CENTER}
          </h3>
          <EventList events={native} onPick={add} />
        </>
      )}
    </section>
  );
}

function EventList({ events, onPick }: { events: readonly EventDefinition[]; onPick: (id: string) => void }) {
  return (
    <ul class="events">
      {events.map((event) => (
        <li key={event.id}>
          <button
            type="button"
            onClick={() => {
              onPick(event.id);
            }}
          >
            <EventName name={event.name} native={event.native ? event.id : undefined} />
            <span class="soft small">
              {event.recent !== undefined && `${count(event.recent, "event")} in the last 14 days, `}
              {count(event.attributes.size, "attribute")}
              {event.description && `. ${event.description}`}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** A name in bold, with the icon of its event type if that is one of the contact center's. */
function EventName({ name, native }: { name: string; native: string | undefined }) {
  return (
    <strong class="wrap-anywhere with-icon">
      {native !== undefined && <NativeIcon type={native} />}
      {name}
    </strong>
  );
}

// -- list --------------------------------------------------------------------------------------------------------------

export function ElementList() {
  const { definition, events, select, focus } = useBuilding();
  const names = new Map(definition.elements.map(({ id, name }) => [id, name]));
  return (
    <section class="card" aria-labelledby="all-elements">
      <h2 id="all-elements">Elements</h2>
      <p class="soft">Select an element, here or in the picture, to change it.</p>
      <ul class="events">
        {definition.elements.map((element, index) => (
          <li key={element.id}>
            <button
              type="button"
              onClick={() => {
                select(element.id);
                focus(`elements[${index}].name`);
              }}
            >
              <EventName
                name={shownName(element)}
                native={events.get(element.attributes.id)?.native ? element.attributes.id : undefined}
              />
              <span class="soft small">
                {events.get(element.attributes.id)?.native && `${CONTACT_CENTER}: `}
                {events.get(element.attributes.id)?.name ?? "An event that is not active"}
                {conditions(element.filter).length > 0 && `, ${count(conditions(element.filter).length, "condition")}`}
                {(element.followedBy?.length ?? 0) > 0 &&
                  `, then ${(element.followedBy ?? []).map(({ id }) => names.get(id) ?? "?").join(" or ")}`}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Adds an element of an event; after the selected element, if there is one. */
export function AddElement({ selected }: { selected: Element | undefined }) {
  const { events } = useBuilding();
  const add = useAdd();
  const [chosen, setChosen] = useState("");
  const options = eventOptions(events);
  const event = chosen || options[0]?.value;
  return (
    <div class="add-element">
      <Select label="Event to add" value={event ?? ""} options={options} onValue={setChosen} />
      {selected && (
        <button
          type="button"
          disabled={!event}
          onClick={() => {
            if (event) add(event, selected.id);
          }}
        >
          Add after “{shownName(selected)}”
        </button>
      )}
      <button
        type="button"
        disabled={!event}
        onClick={() => {
          if (event) add(event);
        }}
      >
        Add element
      </button>
    </div>
  );
}

// -- the selected element ----------------------------------------------------------------------------------------------

export function ElementForm({ element, index }: { element: Element; index: number }) {
  const { definition, events, edit, select, focus } = useBuilding();
  const path = `elements[${index}]`;
  const options = eventOptions(events);
  return (
    <div class="columns">
      <section class="card" aria-labelledby="the-element">
        <h2 id="the-element" class="wrap-anywhere">
          {element.name || "Element"}
        </h2>
        <TextAt
          path={`${path}.name`}
          label="Name"
          value={element.name}
          onValue={(name) => {
            edit({ do: "changeElement", id: element.id, change: { name } }, `${path}.name`);
          }}
        />
        <SelectAt
          path={`${path}.attributes`}
          label="Event"
          value={element.attributes.id}
          options={options}
          onValue={(id) => {
            edit({ do: "changeElement", id: element.id, change: { attributes: { ...element.attributes, id } } });
          }}
        />
        <div class="row">
          <button
            type="button"
            onClick={() => {
              const duplicate: Edit = { do: "duplicateElement", id: element.id };
              edit(duplicate);
              select(applyEdit(definition, duplicate).elements[index + 1]?.id);
              focus(`elements[${index + 1}].name`);
            }}
          >
            Duplicate element
          </button>
          <button
            type="button"
            class="danger"
            onClick={() => {
              edit({ do: "removeElement", id: element.id });
              select(undefined);
              focus("elements");
            }}
          >
            Remove element
          </button>
        </div>
      </section>
      <Conditions element={element} path={path} />
      <Links element={element} path={`${path}.followedBy`} />
    </div>
  );
}

// -- links -------------------------------------------------------------------------------------------------------------

function Links({ element, path }: { element: Element; path: string }) {
  const { definition, edit, focus } = useBuilding();
  const [chosen, setChosen] = useState("");
  const links = element.followedBy ?? [];
  const options = elementOptions(definition).filter(({ value }) => canConnect(definition.elements, element.id, value));
  const target = options.some(({ value }) => value === chosen) ? chosen : "";
  const problem = useProblem(path, false);
  return (
    <section class="card" aria-labelledby="followed-by">
      <h2 id="followed-by">Followed by</h2>
      {links.length === 0 && <p class="soft">The journey ends here. Connect what can follow.</p>}
      {links.map((link, index) => (
        <LinkForm key={link.id} element={element} link={link} path={`${path}[${index}]`} />
      ))}
      {problem && <p class="problem">{problem}</p>}
      {options.length > 0 ? (
        <div class="with-button">
          <Select
            label="Element that follows"
            value={target}
            placeholder="Choose …"
            options={options}
            onValue={setChosen}
          />
          <button
            type="button"
            disabled={target === ""}
            onClick={() => {
              edit({ do: "connect", from: element.id, to: target });
              setChosen("");
              focus(`${path}[${links.length}].constraintWithin`);
            }}
          >
            Connect
          </button>
        </div>
      ) : (
        <p class="soft small">No other element can follow: add one above. Links cannot lead back.</p>
      )}
    </section>
  );
}

const COUNT_TYPES: readonly Option[] = [
  { value: "Sequential", label: "later" },
  { value: "All", label: "later, or at the same time" },
  { value: "Concurrent", label: "at the same time" },
];

function LinkForm({ element, link, path }: { element: Element; link: Link; path: string }) {
  const { definition, edit } = useBuilding();
  const target = definition.elements.find(({ id }) => id === link.id);
  const name = target ? shownName(target) : "an element that is missing";
  const more =
    link.constraintAfter || (link.eventCountType ?? "Sequential") !== "Sequential" || link.joinAttributes?.length;
  const change = (changed: Partial<Omit<Link, "id">>, field?: string) => {
    edit({ do: "changeLink", from: element.id, to: link.id, change: changed }, field);
  };
  return (
    <GroupAt path={path} title={<span class="wrap-anywhere">{name}</span>}>
      <p class="small soft">{linkMeaning(shownName(element), name, link)}</p>
      <Constraint
        path={`${path}.constraintWithin`}
        label="Within"
        value={link.constraintWithin}
        onValue={(constraintWithin) => {
          change({ constraintWithin }, `${path}.constraintWithin`);
        }}
      />
      <details open={Boolean(more)}>
        <summary>More on this link</summary>
        <div class="stack tight">
          <Constraint
            path={`${path}.constraintAfter`}
            label="Not sooner than"
            value={link.constraintAfter}
            onValue={(constraintAfter) => {
              change({ constraintAfter }, `${path}.constraintAfter`);
            }}
          />
          <SelectAt
            path={`${path}.eventCountType`}
            label="The event happens"
            value={link.eventCountType ?? "Sequential"}
            options={COUNT_TYPES}
            onValue={(eventCountType) => {
              change({ eventCountType: eventCountType as EventCountType });
            }}
          />
          <Joins element={element} target={target} link={link} path={`${path}.joinAttributes`} onChange={change} />
        </div>
      </details>
      <TargetProblem path={`${path}.id`} />
      <div>
        <button
          type="button"
          class="plain"
          onClick={() => {
            edit({ do: "disconnect", from: element.id, to: link.id });
          }}
        >
          Remove link<span class="unseen"> to {name}</span>
        </button>
      </div>
    </GroupAt>
  );
}

function TargetProblem({ path }: { path: string }) {
  const problem = useProblem(path);
  return problem ? <p class="problem">{problem}</p> : null;
}

interface ConstraintProps {
  path: string;
  label: string;
  value: TimeConstraint | null | undefined;
  onValue: (value: TimeConstraint | undefined) => void;
}

/** A time limit; none while the number is empty. */
function Constraint({ path, label, value, onValue }: ConstraintProps) {
  const [unit, setUnit] = useState<Unit>("Days");
  const shown = value?.unit ?? unit;
  return (
    <div class="pair with-unit">
      <TextAt
        path={path}
        label={label}
        placeholder="any time"
        value={typedText(value?.value)}
        onValue={(text) => {
          onValue(text.trim() ? { unit: shown, value: text } : undefined);
        }}
      />
      <Select
        label={`Unit of “${label.toLowerCase()}”`}
        value={shown}
        options={UNITS.map((one) => ({ value: one, label: one.toLowerCase() }))}
        onValue={(chosen) => {
          setUnit(chosen as Unit);
          if (value) onValue({ ...value, unit: chosen as Unit });
        }}
      />
    </div>
  );
}

interface JoinsProps {
  element: Element;
  target: Element | undefined;
  link: Link;
  path: string;
  onChange: (change: Partial<Link>) => void;
}

/** What both events must have in common. Only native events can; what else a definition has can be removed. */
function Joins({ element, target, link, path, onChange }: JoinsProps) {
  const { events } = useBuilding();
  const problem = useProblem(path);
  const [from, to] = [element, target].map((one) => events.get(one?.attributes.id ?? ""));
  const joined = link.joinAttributes ?? [];
  const shown = [...new Set([...joinable(from, to), ...joined])];
  if (shown.length === 0) return null;
  return (
    <fieldset class="choices" data-path={path}>
      <legend>Both events have the same</legend>
      {shown.map((name) => (
        <label key={name} class="choice">
          <input
            type="checkbox"
            checked={joined.includes(name)}
            onChange={(change) => {
              const without = joined.filter((one) => one !== name);
              onChange({ joinAttributes: change.currentTarget.checked ? [...without, name] : without });
            }}
          />
          <span>{joinTitle(name)}</span>
        </label>
      ))}
      {problem && <p class="problem">{problem}</p>}
    </fieldset>
  );
}

/** The further options of an exploration. */

import { Checkbox, Select } from "../../components/forms";
import { type EventDefinitions, eventOptions } from "../builder/attributes";
import { GroupAt, SelectAt, TextAt, useProblem } from "../builder/building";
import { applyEdit } from "../builder/edits";
import { Conditions } from "../builder/filters";
import type { FormProps } from "./Explore";
import {
  type Form,
  GAP_UNITS,
  gapText,
  type GapUnit,
  LIMITS,
  selection,
  selectionOf,
  simpleGap,
  suggestedName,
} from "./form";

const FIRST_GAP = "PT30M";

export function Sessions({ form, change }: FormProps) {
  const { sessionGap, collapseRepeats } = form;
  return (
    <section class="card" aria-labelledby="paths-sessions">
      <h2 id="paths-sessions">Sessions and repeats</h2>
      <div data-path="sessionGap" class="stack tight">
        <Checkbox
          label="A path ends after a time without an event"
          checked={sessionGap !== undefined}
          onValue={(checked) => {
            change({ sessionGap: checked ? FIRST_GAP : undefined });
          }}
        />
        {sessionGap !== undefined && (
          <Gap
            text={sessionGap}
            onText={(text) => {
              change({ sessionGap: text });
            }}
          />
        )}
      </div>
      <p class="soft small">
        {sessionGap === undefined
          ? "The next event counts as the next step, however much later it is."
          : "When more than this time passes between two events, the path drops off."}
      </p>
      <Checkbox
        label="Count repeats in a row as one step"
        checked={collapseRepeats}
        onValue={(checked) => {
          change({ collapseRepeats: checked });
        }}
      />
    </section>
  );
}

function Gap({ text, onText }: { text: string; onText: (text: string) => void }) {
  const simple = simpleGap(text);
  if (!simple) {
    return <TextAt path="sessionGap" label="Longest pause (ISO 8601)" value={text} onValue={onText} />;
  }
  return (
    <div class="pair with-unit">
      <TextAt
        path="sessionGap"
        label="Longest pause"
        value={simple.value}
        onValue={(value) => {
          onText(gapText(value.replace(/\D/g, ""), simple.unit));
        }}
      />
      <Select
        label="Unit of the session gap"
        value={simple.unit}
        options={GAP_UNITS.map((unit) => ({ value: unit, label: unit.toLowerCase() }))}
        onValue={(unit) => {
          onText(gapText(simple.value, unit as GapUnit));
        }}
      />
    </div>
  );
}

export function Ending({ form, events, change }: FormProps) {
  const end = selectionOf(form, "end");
  const after = form.direction === "After";
  const choose = (id: string | undefined) => {
    const others = form.view.elements.filter((element) => element.id !== "end");
    change({ view: { ...form.view, elements: id === undefined ? others : [...others, selection("end", id)] } });
  };
  return (
    <section class="card" aria-labelledby="paths-end">
      <h2 id="paths-end">End</h2>
      <Checkbox
        label={after ? "Only paths that reach another event" : "Only paths that come from another event"}
        checked={end !== undefined}
        onValue={(checked) => {
          choose(checked ? "" : undefined);
        }}
      />
      {end && (
        <>
          <SelectAt
            path="end.attributes.id"
            label={after ? "Event that paths end at" : "Event that paths come from"}
            value={end.attributes.id}
            options={eventOptions(events)}
            placeholder="Choose an event …"
            onValue={choose}
          />
          {end.attributes.id !== "" && <Conditions element={end} path="end" />}
        </>
      )}
    </section>
  );
}

export function Types({ form, events, change }: FormProps) {
  const chosen = form.eventTypes;
  return (
    <section class="card" aria-labelledby="paths-types">
      <h2 id="paths-types">Event types</h2>
      <SelectAt
        path="eventTypes.all"
        label="Events that count as steps"
        value={chosen ? "some" : "all"}
        options={[
          { value: "all", label: "of all event types" },
          { value: "some", label: "of some event types" },
        ]}
        onValue={(value) => {
          change({ eventTypes: value === "some" ? [...events.keys()] : undefined });
        }}
      />
      {chosen && (
        <TypeChoices
          chosen={chosen}
          events={events}
          onChosen={(eventTypes) => {
            change({ eventTypes });
          }}
        />
      )}
    </section>
  );
}

interface ChoicesProps {
  chosen: readonly string[];
  events: EventDefinitions;
  onChosen: (chosen: readonly string[]) => void;
}

function TypeChoices({ chosen, events, onChosen }: ChoicesProps) {
  const known = eventOptions(events);
  const unknown = chosen.filter((id) => !events.has(id)).map((id) => ({ value: id, label: `${id} (not available)` }));
  // A type that the API refuses is named by its place in the list.
  const within = useProblem("eventTypes");
  return (
    <GroupAt path="eventTypes" title={`${chosen.length} of ${known.length + unknown.length}`}>
      <div class="row">
        <button
          type="button"
          class="plain flush"
          onClick={() => {
            onChosen(known.map(({ value }) => value));
          }}
        >
          Choose all
        </button>
        <button
          type="button"
          class="plain flush"
          onClick={() => {
            onChosen([]);
          }}
        >
          Choose none
        </button>
      </div>
      <div class="choices stack tight">
        {[...known, ...unknown].map(({ value, label }) => (
          <Checkbox
            key={value}
            label={chosen.includes(value) ? `${label} (${chosen.indexOf(value) + 1})` : label}
            checked={chosen.includes(value)}
            onValue={(checked) => {
              onChosen(checked ? [...chosen, value] : chosen.filter((id) => id !== value));
            }}
          />
        ))}
      </div>
      <p class="soft small">Events of the same time follow each other in the order in which you choose their types.</p>
      {chosen.length > 0 && within && <p class="problem">{within}</p>}
    </GroupAt>
  );
}

export function Naming({ form, events, change }: FormProps) {
  return (
    <section class="card" aria-labelledby="paths-name">
      <h2 id="paths-name">Name and size</h2>
      <TextAt
        path="name"
        label="Name"
        hint="Without one, the exploration is called after its events."
        placeholder={suggestedName(form, events)}
        value={form.view.name}
        onValue={(name) => {
          change({ view: applyEdit(form.view, { do: "changeView", change: { name } }) });
        }}
      />
      <TextAt
        path="mostPerLevel"
        label="Most steps shown per level"
        hint={`The greatest ones, at most ${LIMITS.mostPerLevel}. All others are added up.`}
        value={form.mostPerLevel === 0 ? "" : String(form.mostPerLevel)}
        onValue={(value) => {
          change({ mostPerLevel: sizeOf(value) });
        }}
      />
    </section>
  );
}

function sizeOf(text: string): Form["mostPerLevel"] {
  return Number(text.replace(/\D/g, "").slice(0, 4));
}

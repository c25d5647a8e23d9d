/** The form of an exploration: what paths start at, and how they are followed. */

import { useMemo, useRef, useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { useAction, useLoaded } from "../../api/loading";
import { ApiProblem } from "../../api/problem";
import { WhenLoaded } from "../../components/layout";
import { Empty, Failed } from "../../components/states";
import { count } from "../../formats";
import { useMay } from "../../me";
import { address, go } from "../../routing";
import { type EventDefinitions, eventDefinitions, eventOptions } from "../builder/attributes";
import { type Building, BuildingContext, focusAt, SelectAt } from "../builder/building";
import { applyEdit } from "../builder/edits";
import { Conditions } from "../builder/filters";
import { isWithin, type Problem, refusedProblems, valueAt } from "../builder/problems";
import { Counted, TimeFrame } from "../builder/settings";
import {
  definitionOf,
  type Form,
  LIMITS,
  NEW,
  problemsOf,
  problemText,
  selectionOf,
  withoutSuggestedName,
} from "./form";
import { Ending, Naming, Sessions, Types } from "./options";
import { createPathJob } from "./requests";

/** `start` is the form to begin with: that of an earlier exploration, or a new one. */
export function Explore({ start = NEW }: { start?: Form }) {
  const mayRead = useMay("eventDefinition:view");
  const mayCount = useMay("usage:view");
  const events = useLoaded(mayRead ? "events" : null, (signal) => load(mayCount, signal));
  return (
    <WhenLoaded loaded={events} what="the event types">
      {(loaded) => (loaded.size === 0 ? <NoEvents /> : <ExploreForm start={start} events={loaded} />)}
    </WhenLoaded>
  );
}

async function load(mayCount: boolean, signal: AbortSignal): Promise<EventDefinitions> {
  const [{ entities = [] }, activity] = await Promise.all([
    call(api.GET("/api/v2/journey/views/eventdefinitions", { signal })),
    // Without the numbers of events the form works as well.
    mayCount ? call(api.GET("/api/v2/journey/activity", { signal })).catch(() => undefined) : undefined,
  ]);
  return eventDefinitions(entities, activity);
}

function NoEvents() {
  return (
    <Empty title="No event type can be explored yet">
      <p>Paths are made of events. Add an event type, and activate it for views.</p>
      <a class="button primary" href="#/sources">
        Go to the sources
      </a>
    </Empty>
  );
}

/** What the parts of the form read and change. */
export interface FormProps {
  readonly form: Form;
  readonly events: EventDefinitions;
  readonly change: (change: Partial<Form>) => void;
}

function ExploreForm({ start, events }: { start: Form; events: EventDefinitions }) {
  const root = useRef<HTMLFormElement>(null);
  const [form, setForm] = useState(() => withoutSuggestedName(start, events));
  const { problems, check, sending } = useSending(form, events);
  const change = (changed: Partial<Form>) => {
    setForm((before) => ({ ...before, ...changed }));
  };
  const building: Building = {
    definition: form.view,
    events,
    problems,
    edit: (edit) => {
      setForm((before) => ({ ...before, view: applyEdit(before.view, edit) }));
    },
    select: () => undefined,
    focus: (path) => {
      focusSoon(root, path);
    },
  };
  const send = async () => {
    const [first] = check();
    if (first) focusSoon(root, first.path);
    else await sending.run();
  };
  return (
    <BuildingContext.Provider value={building}>
      <form
        ref={root}
        class="building stack paths-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <Summary root={root} problems={problems} />
        <div class="columns">
          <Start form={form} events={events} change={change} />
          <StartConditions form={form} />
          <TimeFrame />
        </div>
        <More form={form} events={events} change={change} />
        {sending.error !== undefined && problems.length === 0 && <Failed error={sending.error} />}
        <div class="row">
          <button type="submit" class="primary" disabled={sending.running}>
            {sending.running ? "Starting …" : "Explore paths"}
          </button>
        </div>
      </form>
    </BuildingContext.Provider>
  );
}

/** The problems, from the first attempt to send on; those that the API names are gone when their field changes. */
function useSending(form: Form, events: EventDefinitions) {
  const [checked, setChecked] = useState(false);
  const sent = useRef<unknown>(undefined);
  const sending = useAction(async () => {
    const body = definitionOf(form, events);
    sent.current = body;
    const job = await createPathJob(body);
    go(address(["paths", job.id]));
  });
  const found = useMemo(() => problemsOf(form, events), [form, events]);
  const refused = useMemo(
    () => (sending.error instanceof ApiProblem ? refusedProblems(sending.error) : []),
    [sending.error],
  );
  const now = refused.length > 0 ? definitionOf(form, events) : undefined;
  const same = (path: string) => JSON.stringify(valueAt(now, path)) === JSON.stringify(valueAt(sent.current, path));
  return {
    sending,
    problems: [...(checked ? found : []), ...refused.filter(({ path }) => same(path))],
    check: () => {
      setChecked(true);
      return found;
    },
  };
}

/** Focuses the field at a path once it is shown, in a part that may have to be opened for it. */
function focusSoon(root: { current: HTMLElement | null }, path: string): void {
  requestAnimationFrame(() => {
    if (!root.current) return;
    for (const more of root.current.querySelectorAll("details")) {
      const within = [...more.querySelectorAll<HTMLElement>("[data-path]")];
      if (within.some((field) => isWithin(path, field.dataset["path"] ?? ""))) more.open = true;
    }
    focusAt(root.current, path);
  });
}

function Summary({ root, problems }: { root: { current: HTMLElement | null }; problems: readonly Problem[] }) {
  if (problems.length === 0) return null;
  return (
    <section class="notice bad" aria-labelledby="paths-problems" role="alert">
      <h2 id="paths-problems">{count(problems.length, "problem")} to fix before the paths can be explored</h2>
      <ul class="paths-problems">
        {problems.map(({ path, message }) => (
          <li key={`${path} ${message}`}>
            <button
              type="button"
              class="plain flush"
              onClick={() => {
                focusSoon(root, path);
              }}
            >
              {problemText({ path, message })}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

const DIRECTIONS = [
  { value: "After", label: "what comes after it" },
  { value: "Before", label: "what comes before it" },
];

function Start({ form, events, change }: FormProps) {
  const start = selectionOf(form, "start");
  return (
    <section class="card" aria-labelledby="paths-start">
      <h2 id="paths-start">Start</h2>
      <SelectAt
        path="start.attributes.id"
        label="Event that paths start at"
        value={start?.attributes.id ?? ""}
        options={eventOptions(events)}
        placeholder="Choose an event …"
        onValue={(id) => {
          const attributes = { type: "Event" as const, id };
          const edit = { do: "changeElement", id: "start", change: { attributes, filter: undefined } } as const;
          change({ view: applyEdit(form.view, edit) });
        }}
      />
      <div class="paths-reading">
        <SelectAt
          path="direction"
          label="Show"
          value={form.direction}
          options={DIRECTIONS}
          onValue={(value) => {
            change({ direction: value === "Before" ? "Before" : "After" });
          }}
        />
        <SelectAt
          path="steps"
          label="Steps"
          value={String(form.steps)}
          options={numbers(LIMITS.steps)}
          onValue={(value) => {
            change({ steps: Number(value) });
          }}
        />
      </div>
    </section>
  );
}

export function numbers(last: number) {
  return Array.from({ length: last }, (_, index) => ({ value: String(index + 1), label: String(index + 1) }));
}

function StartConditions({ form }: { form: Form }) {
  const start = selectionOf(form, "start");
  if (!start?.attributes.id) return null;
  return <Conditions element={start} path="start" />;
}

/** Whether an option differs from what a new form begins with. */
function isChanged(form: Form): boolean {
  const { sessionGap, collapseRepeats, eventTypes, mostPerLevel, view } = form;
  const changed = view.elements.length > 1 || view.name !== "" || view.identity === "Identifier";
  return (
    changed ||
    sessionGap !== undefined ||
    eventTypes !== undefined ||
    collapseRepeats !== NEW.collapseRepeats ||
    mostPerLevel !== NEW.mostPerLevel
  );
}

/** What most explorations leave as it is. Open where an earlier exploration did not. */
function More(props: FormProps) {
  const [open] = useState(isChanged(props.form));
  return (
    <details open={open}>
      <summary>More options: sessions, repeats, an end, event types, and who is counted</summary>
      <div class="columns">
        <Sessions {...props} />
        <Ending {...props} />
        <Types {...props} />
        <Counted />
        <Naming {...props} />
      </div>
    </details>
  );
}

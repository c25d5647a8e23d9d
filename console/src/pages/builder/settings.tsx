/** What a view is called, and which time it covers. */

import { Select, TextArea, TextField } from "../../components/forms";
import { elementOptions, SelectAt, TextAt, useBuilding, useProblem } from "./building";
import { downstream, nextSpan, type Span } from "./definition";
import { LIMITS } from "./problems";
import { durationText, simpleDuration, suggestedName } from "./sentences";

export function Settings() {
  const { definition, edit, focus } = useBuilding();
  const suggestion = suggestedName(definition);
  return (
    <div class="columns">
      <section class="card" aria-labelledby="the-view">
        <h2 id="the-view">View</h2>
        <TextAt
          path="name"
          label="Name"
          value={definition.name}
          onValue={(name) => {
            edit({ do: "changeView", change: { name } }, "name");
          }}
        />
        {suggestion !== "" && !definition.name.trim() && (
          <div>
            <button
              type="button"
              class="plain wrap-anywhere"
              onClick={() => {
                edit({ do: "changeView", change: { name: suggestion } });
                focus("name");
              }}
            >
              Use “{suggestion}”
            </button>
          </div>
        )}
        <div data-path="description">
          <TextArea
            label="Description"
            rows={3}
            value={definition.description ?? ""}
            problem={useProblem("description")}
            onValue={(description) => {
              edit({ do: "changeView", change: { description } }, "description");
            }}
          />
        </div>
      </section>
      <TimeFrame />
      <Counted />
      <Spans />
    </div>
  );
}

/** What is one customer in the view's figures. */
export function Counted() {
  const { definition, edit } = useBuilding();
  const people = definition.identity !== "Identifier";
  return (
    <section class="card" aria-labelledby="counted">
      <h2 id="counted">Customers</h2>
      <SelectAt
        path="identity"
        label="Count"
        value={people ? "Person" : "Identifier"}
        options={[
          { value: "Person", label: "people" },
          { value: "Identifier", label: "identifiers" },
        ]}
        onValue={(chosen) => {
          edit({ do: "changeView", change: { identity: chosen === "Identifier" ? "Identifier" : "Person" } });
        }}
      />
      <p class="soft small">
        {people
          ? "Identifiers that are linked are one customer, so a journey goes on from the anonymous visit to the call."
          : "Each identifier is a customer of its own, whatever it is linked with."}
      </p>
    </section>
  );
}

/** The times that are measured beside those along links. */
function Spans() {
  const { definition, edit, focus } = useBuilding();
  const { elements } = definition;
  const spans = definition.durations ?? [];
  const problem = useProblem("durations", false);
  const next = nextSpan(definition);
  const change = (durations: readonly Span[]) => {
    edit({ do: "changeView", change: { durations } });
  };
  const replace = (index: number, span: Span) => {
    change(spans.with(index, span));
  };
  return (
    <section class="card" aria-labelledby="spans" data-path="durations" tabindex={-1}>
      <h2 id="spans">Durations</h2>
      <p class="soft small">
        How long customers take along each link is always measured. Here you can add the time from an element to any
        that its links lead to, such as from the first to the last.
      </p>
      {problem && <p class="problem">{problem}</p>}
      {spans.map((span, index) => (
        <SpanForm
          key={index}
          span={span}
          index={index}
          onChange={(changed) => {
            replace(index, changed);
          }}
          onRemove={() => {
            change(spans.toSpliced(index, 1));
          }}
        />
      ))}
      <div>
        <button
          type="button"
          disabled={!next || spans.length >= LIMITS.durations}
          onClick={() => {
            if (!next) return;
            change([...spans, next]);
            focus(`durations[${spans.length}].fromId`);
          }}
        >
          Add time
        </button>
        {spans.length >= LIMITS.durations && (
          <span class="soft small"> A view measures at most {LIMITS.durations} times.</span>
        )}
        {elements.length < 2 && <span class="soft small"> Link two elements first.</span>}
      </div>
    </section>
  );
}

interface SpanProps {
  span: Span;
  index: number;
  onChange: (span: Span) => void;
  onRemove: () => void;
}

function SpanForm({ span, index, onChange, onRemove }: SpanProps) {
  const { definition } = useBuilding();
  const options = elementOptions(definition);
  const later = downstream(definition.elements, span.fromId);
  return (
    <fieldset>
      <legend class="unseen">Time {index + 1}</legend>
      <div class="pair">
        <SelectAt
          path={`durations[${index}].fromId`}
          label="From"
          value={span.fromId}
          options={options}
          onValue={(fromId) => {
            const reached = [...downstream(definition.elements, fromId)];
            const toId = reached.includes(span.toId) && span.toId !== fromId ? span.toId : (reached.at(-1) ?? fromId);
            onChange({ fromId, toId });
          }}
        />
        <SelectAt
          path={`durations[${index}].toId`}
          label="To"
          value={span.toId}
          options={options.filter(({ value }) => (value !== span.fromId && later.has(value)) || value === span.toId)}
          onValue={(toId) => {
            onChange({ ...span, toId });
          }}
        />
      </div>
      <div>
        <button type="button" class="plain" onClick={onRemove}>
          Remove time<span class="unseen"> {index + 1}</span>
        </button>
      </div>
    </fieldset>
  );
}

type Form = "last" | "interval" | "duration";

export function TimeFrame() {
  const { definition, edit } = useBuilding();
  const { interval, duration } = definition;
  const fixed = typeof interval === "string";
  const simple = simpleDuration(duration ?? "") ?? looseDuration(duration);
  const form: Form = fixed ? "interval" : simple || duration === "" ? "last" : "duration";
  const choose = (value: string) => {
    const now = Date.now();
    const change =
      value === "interval"
        ? { interval: `${day(now - 30 * 86_400_000)}/${day(now)}`, duration: undefined }
        : { interval: undefined, duration: value === "last" ? "P30D" : "P30DT12H" };
    edit({ do: "changeView", change });
  };
  return (
    <section class="card" aria-labelledby="time-frame">
      <h2 id="time-frame">Time frame</h2>
      <SelectAt
        path="interval"
        label="Events"
        value={form}
        options={[
          { value: "last", label: "of the last days, weeks or months" },
          { value: "interval", label: "between two moments" },
          { value: "duration", label: "of a duration in ISO 8601" },
        ]}
        onValue={choose}
      />
      {form === "last" && <LastTime value={simple?.value ?? ""} unit={simple?.unit ?? "Days"} />}
      {form === "interval" && <Moments interval={interval ?? ""} />}
      {form === "duration" && (
        <TextAt
          path="duration"
          label="Duration"
          hint="Such as P1M15D or PT90M. A month is 30 days."
          value={duration ?? ""}
          onValue={(text) => {
            edit({ do: "changeView", change: { duration: text } }, "duration");
          }}
        />
      )}
      <p class="soft small">
        {fixed
          ? "The figures stay the same each time that they are computed."
          : "Counted back from the moment of the computation."}
      </p>
    </section>
  );
}

type LastUnit = "Days" | "Weeks" | "Months" | "Hours";

/** What is typed in place of the number of a simple duration. */
function looseDuration(duration: string | null | undefined): { value: string; unit: LastUnit } | undefined {
  const [, value, unit] = /^P([^TDWMH]*)([DWM])$/.exec(duration ?? "") ?? [];
  if (value !== undefined && unit !== undefined) {
    return { value, unit: unit === "D" ? "Days" : unit === "W" ? "Weeks" : "Months" };
  }
  const [, hours] = /^PT([^TDWMHS]*)H$/.exec(duration ?? "") ?? [];
  return hours === undefined ? undefined : { value: hours, unit: "Hours" };
}

function LastTime({ value, unit }: { value: string; unit: LastUnit }) {
  const { edit } = useBuilding();
  return (
    <div class="pair with-unit">
      <TextAt
        path="duration"
        label="The last"
        value={value}
        onValue={(text) => {
          edit({ do: "changeView", change: { duration: durationText(text.replace(/\D/g, ""), unit) } }, "duration");
        }}
      />
      <Select
        label="Unit of time"
        value={unit}
        options={["Hours", "Days", "Weeks", "Months"].map((one) => ({ value: one, label: one.toLowerCase() }))}
        onValue={(chosen) => {
          edit({ do: "changeView", change: { duration: durationText(value, chosen as LastUnit) } });
        }}
      />
    </div>
  );
}

/** The start and the end in UTC; a moment in another form is shown as it is written. */
function Moments({ interval }: { interval: string }) {
  const { edit } = useBuilding();
  const [start = "", end = ""] = interval.split("/", 2);
  const change = (first: string, last: string, field: string) => {
    edit({ do: "changeView", change: { interval: `${first}/${last}` } }, field);
  };
  return (
    <div class="pair">
      <Moment
        label="From (UTC)"
        value={start}
        onValue={(value) => {
          change(value, end, "interval.start");
        }}
      />
      <Moment
        label="To, not included (UTC)"
        value={end}
        onValue={(value) => {
          change(start, value, "interval.end");
        }}
      />
    </div>
  );
}

const UTC_MOMENT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::00(?:\.0+)?)?Z?$/i;

function Moment({ label, value, onValue }: { label: string; value: string; onValue: (value: string) => void }) {
  const [, date, time] = UTC_MOMENT.exec(value) ?? [];
  if (value !== "" && date === undefined) return <TextField label={label} value={value} onValue={onValue} />;
  return (
    <TextField
      label={label}
      type="datetime-local"
      value={date !== undefined && time !== undefined ? `${date}T${time}` : ""}
      onValue={(text) => {
        onValue(text && `${text}:00Z`);
      }}
    />
  );
}

/** Midnight in UTC of the day of a moment. */
function day(moment: number): string {
  return `${new Date(moment).toISOString().slice(0, 10)}T00:00:00Z`;
}

/** What a view is called, and which time it covers. */

import { Select, TextArea, TextField } from "../../components/forms";
import { SelectAt, TextAt, useBuilding, useProblem } from "./building";
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
    </div>
  );
}

/** What is one customer in the view's figures. */
function Counted() {
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

type Form = "last" | "interval" | "duration";

function TimeFrame() {
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
          ? "The figures stay the same each time that the view is computed."
          : "Counted back from the moment at which the view is computed."}
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

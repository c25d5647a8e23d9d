/** The event that a payload becomes: its id, date, customer and attributes. */

import { Time } from "../../../components/times";

interface Event {
  readonly id?: unknown;
  readonly dateCreated?: unknown;
  readonly identifiers?: { readonly externalIds?: readonly { externalSourceId?: unknown; value?: unknown }[] };
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** `problem` has the part of the event that is refused, for example `attributes.amount`, and why. */
export function EventShown({ event, problem }: { event: Event; problem?: { field: string; message: string } }) {
  const at = (field: string) =>
    problem &&
    (problem.field === field || problem.field.startsWith(`${field}.`) || problem.field.startsWith(`${field}[`));
  const why = (field: string) => at(field) && <span class="problem small">{problem?.message}</span>;
  const ids = event.identifiers?.externalIds ?? [];
  const attributes = Object.entries(event.attributes ?? {});
  const shownAttribute = attributes.some(([name]) => at(`attributes.${name}`));
  return (
    <dl class="facts event">
      <dt>Id</dt>
      <dd class={at("id") ? "bad" : ""}>
        <Value value={event.id} /> {why("id")}
      </dd>
      <dt>Date</dt>
      <dd class={at("dateCreated") ? "bad" : ""}>
        {isDate(event.dateCreated) ? <Time value={event.dateCreated} /> : <Value value={event.dateCreated} />}{" "}
        {why("dateCreated")}
      </dd>
      <dt>Customer</dt>
      <dd class={at("identifiers") ? "bad" : ""}>
        {ids.length === 0 && <Value value={undefined} />}
        <ul class="uses">
          {ids.map((one, index) => (
            <li key={index}>
              <span class="soft">{String(one.externalSourceId)}</span> <Value value={one.value} />
            </li>
          ))}
        </ul>
        {why("identifiers")}
      </dd>
      {attributes.map(([name, value]) => (
        <Attribute
          key={name}
          name={name}
          value={value}
          problem={at(`attributes.${name}`) ? problem?.message : undefined}
        />
      ))}
      {problem?.field.startsWith("attributes.") && !shownAttribute && (
        <Attribute name={problem.field.slice("attributes.".length)} value={undefined} problem={problem.message} />
      )}
    </dl>
  );
}

function Attribute({ name, value, problem }: { name: string; value: unknown; problem: string | undefined }) {
  return (
    <>
      <dt class="wrap-anywhere">{name}</dt>
      <dd class={problem ? "bad" : ""}>
        <Value value={value} /> {problem && <span class="problem small">{problem}</span>}
      </dd>
    </>
  );
}

function Value({ value }: { value: unknown }) {
  if (value === undefined || value === null) return <span class="soft">missing</span>;
  return <code class="wrap-anywhere">{typeof value === "string" ? value : JSON.stringify(value, null, 1)}</code>;
}

function isDate(value: unknown): value is string {
  return typeof value === "string" && !Number.isNaN(Date.parse(value));
}

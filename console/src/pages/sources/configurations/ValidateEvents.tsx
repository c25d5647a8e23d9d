/** Judges events as they would be judged when they are sent, without storing them. */

import { useState } from "preact/hooks";
import { useAction } from "../../../api/loading";
import type { Model } from "../../../api/client";
import { TextArea } from "../../../components/forms";
import { Failed } from "../../../components/states";
import { Table } from "../../../components/tables";
import { count, number } from "../../../formats";
import { validateEvents } from "../requests";
import type { SchemaDocument } from "../types/schemaForm";
import { readEvents } from "./readEvents";
import { sampleEvent } from "./sampleEvent";

interface Outcome {
  readonly index: number;
  readonly id: string;
  readonly message: string | undefined;
  readonly field: string | undefined;
}

export function ValidateEvents({ configurationId, document }: { configurationId: string; document: SchemaDocument }) {
  const example = () => JSON.stringify([sampleEvent(document, new Date())], null, 2);
  const [entered, setEntered] = useState(example);
  const [outcomes, setOutcomes] = useState<readonly Outcome[]>();
  const read = readEvents(entered);
  const action = useAction(async (events: readonly unknown[]) => {
    setOutcomes(undefined);
    setOutcomes(toOutcomes(await validateEvents(configurationId, events)));
  });
  return (
    <section class="card" aria-label="Check events">
      <h2>Check events</h2>
      <p class="soft">They are judged as if they were sent, and nothing is stored.</p>
      <form
        class="stack"
        onSubmit={async (event) => {
          event.preventDefault();
          if (read.events) await action.run(read.events);
        }}
      >
        <TextArea
          label="Events as JSON"
          hint="An event, a list of events, or a whole request with entities."
          value={entered}
          rows={14}
          problem={read.problem}
          onValue={(value) => {
            setEntered(value);
            setOutcomes(undefined);
          }}
        />
        <div class="row">
          <button type="submit" class="primary" disabled={!read.events || action.running}>
            Check events
          </button>
          <button
            type="button"
            onClick={() => {
              setEntered(example());
              setOutcomes(undefined);
            }}
          >
            Use an example
          </button>
        </div>
        {action.error !== undefined && <Failed error={action.error} />}
      </form>
      <div aria-live="polite">{outcomes && <Outcomes outcomes={outcomes} />}</div>
    </section>
  );
}

function toOutcomes(response: Model<"IngestResponse">): readonly Outcome[] {
  const valid = response.processed.map((one) => ({
    index: one.originalRequestIndex,
    id: one.id,
    message: undefined,
    field: undefined,
  }));
  const refused = response.unprocessedEntities.map((one) => ({
    index: one.originalRequestIndex,
    id: idOf(one.event),
    message: one.errorMessage,
    field: one.fieldName ?? undefined,
  }));
  return [...valid, ...refused].sort((one, other) => one.index - other.index);
}

/** The id of a refused event, as far as it has one. */
function idOf(event: unknown): string {
  const id = event && typeof event === "object" && "id" in event ? event.id : undefined;
  return typeof id === "string" ? id : "";
}

function Outcomes({ outcomes }: { outcomes: readonly Outcome[] }) {
  const refused = outcomes.filter((one) => one.message !== undefined).length;
  return (
    <div class="stack tight">
      <p class={`notice ${refused ? "bad" : "good"}`}>
        {refused
          ? `${number(refused)} of ${count(outcomes.length, "event")} would be refused.`
          : outcomes.length === 1
            ? "The event is valid."
            : `All ${number(outcomes.length)} events are valid.`}
      </p>
      <Table
        caption="Outcome of each event"
        rows={outcomes}
        keyOf={(one) => String(one.index)}
        columns={[
          { title: "Event", cell: (one) => number(one.index + 1), numeric: true },
          { title: "Id", cell: (one) => <span class="wrap-anywhere">{one.id}</span> },
          {
            title: "Outcome",
            cell: (one) =>
              one.message === undefined ? (
                <span class="badge good">Valid</span>
              ) : (
                <span class="badge bad">Refused</span>
              ),
          },
          { title: "Field", cell: (one) => one.field && <code class="wrap-anywhere">{one.field}</code> },
          { title: "Why", cell: (one) => <span class="wrap-anywhere">{one.message}</span> },
        ]}
      />
    </div>
  );
}

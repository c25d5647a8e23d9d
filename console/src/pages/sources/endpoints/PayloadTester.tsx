/** Shows the events that a sample payload becomes, beside the payload. Nothing is stored. */

import { useState } from "preact/hooks";
import { useAction } from "../../../api/loading";
import { Select, TextArea } from "../../../components/forms";
import { Failed } from "../../../components/states";
import { count, number } from "../../../formats";
import { readJson } from "../configurations/readEvents";
import { type Configuration, type MappedEvent, type Sample, testMapping } from "../requests";
import { EventShown } from "./EventShown";
import { headerText, readHeaders } from "./headers";
import { sampleOf } from "./samples";

interface Props {
  endpointId: string;
  sender: string;
  configurations: readonly Configuration[];
}

export function PayloadTester({ endpointId, sender, configurations }: Props) {
  const sample = sampleOf(sender);
  const [entered, setEntered] = useState(sample?.text ?? "{}");
  const [exact, setExact] = useState(sample?.exact ?? false);
  const [headers, setHeaders] = useState(headerText(sample?.headers ?? {}));
  const [events, setEvents] = useState<readonly MappedEvent[]>();
  const json = readJson(entered);
  const read = readHeaders(headers);
  const problem = exact ? undefined : json.problem;
  const test = useAction(async () => {
    setEvents(undefined);
    const content: Omit<Sample, "headers"> = exact ? { body: entered } : { payload: json.value };
    setEvents(await testMapping(endpointId, { ...content, headers: read.headers }));
  });
  const change = (set: () => void) => {
    set();
    setEvents(undefined);
    test.clear();
  };
  return (
    <div class="tester">
      <form
        class="stack"
        onSubmit={async (event) => {
          event.preventDefault();
          if (problem === undefined && read.problem === undefined) await test.run();
        }}
      >
        <Select
          label="What you enter"
          value={exact ? "exact" : "json"}
          options={[
            { value: "json", label: "The JSON of a payload" },
            { value: "exact", label: "The exact body of a delivery, such as a form or XML" },
          ]}
          onValue={(value) => {
            change(() => {
              setExact(value === "exact");
            });
          }}
        />
        <TextArea
          label={exact ? "Body" : "Payload"}
          value={entered}
          rows={16}
          problem={problem}
          onValue={(value) => {
            change(() => {
              setEntered(value);
            });
          }}
        />
        <TextArea
          label="Headers"
          hint="One in each line, for example X-GitHub-Event: issues. Only those that the mapping reads matter."
          value={headers}
          rows={3}
          problem={read.problem}
          onValue={(value) => {
            change(() => {
              setHeaders(value);
            });
          }}
        />
        <div class="row">
          <button
            type="submit"
            class="primary"
            disabled={problem !== undefined || read.problem !== undefined || test.running}
          >
            Test payload
          </button>
          {sample && (
            <button
              type="button"
              onClick={() => {
                change(() => {
                  setEntered(sample.text);
                  setExact(sample.exact);
                  setHeaders(headerText(sample.headers));
                });
              }}
            >
              Use the sample
            </button>
          )}
        </div>
      </form>
      <div class="stack tight" aria-live="polite">
        {test.error !== undefined && <Failed error={test.error} />}
        {events ? (
          <Results events={events} configurations={configurations} />
        ) : (
          test.error === undefined && (
            <p class="soft placeholder">
              {test.running
                ? "Testing …"
                : "Test the payload, and the event that it becomes is shown here. Nothing is stored."}
            </p>
          )
        )}
      </div>
    </div>
  );
}

function Results({
  events,
  configurations,
}: {
  events: readonly MappedEvent[];
  configurations: readonly Configuration[];
}) {
  const refused = events.filter((one) => one.outcome === "refused").length;
  return (
    <>
      <p class={`notice ${refused > 0 ? "bad" : "good"}`}>
        {events.length === 0
          ? "The payload holds no event."
          : refused > 0
            ? `${number(refused)} of ${count(events.length, "event")} would be refused.`
            : `It becomes ${count(events.length, "event")}.`}
      </p>
      {events.map((one, index) => (
        <Result key={index} event={one} configurations={configurations} />
      ))}
    </>
  );
}

const OUTCOMES = {
  valid: { label: "Would be stored", tone: "good" },
  refused: { label: "Would be refused", tone: "bad" },
  ignored: { label: "Would be ignored by the routing", tone: "" },
};

function Result({ event, configurations }: { event: MappedEvent; configurations: readonly Configuration[] }) {
  const { label, tone } = OUTCOMES[event.outcome];
  const configuration = configurations.find((one) => one.id === event.configurationId);
  const problem =
    event.errorMessage !== undefined ? { field: event.fieldName ?? "", message: event.errorMessage } : undefined;
  return (
    <div class="card">
      <div class="row apart">
        <span class={`badge ${tone}`}>{label}</span>
        {configuration && <span class="soft small">{configuration.name}</span>}
      </div>
      {problem && <p class="problem">{problem.message}</p>}
      {event.event && <EventShown event={event.event} {...(problem?.field ? { problem } : {})} />}
    </div>
  );
}

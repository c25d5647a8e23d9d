/** Asks for a breakdown or a comparison. */

import { useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { useLoaded } from "../../api/loading";
import { FormDialog } from "../../components/dialogs";
import { type Option, Select, TextField } from "../../components/forms";
import { Failed } from "../../components/states";
import type { GraphElement } from "../../journey/model";
import { useMay } from "../../me";
import { type EventDefinitions, eventDefinitions, filterable } from "../builder/attributes";
import { type By, byText, intervalOf, isFuture, parseBy, type With } from "./asked";
import type { View } from "./requests";
import type { Asked } from "./useAsked";

interface Props {
  view: View;
  elements: readonly GraphElement[];
  asked: Asked;
  version: number;
  newestVersion: number;
}

export function AskBar({ view, elements, asked, version, newestVersion }: Props) {
  const [open, setOpen] = useState<"by" | "with">();
  if (!useMay("viewsJobs:add")) return null;
  const close = () => {
    setOpen(undefined);
  };
  return (
    <div class="row ask-bar">
      <button
        type="button"
        onClick={() => {
          setOpen("by");
        }}
      >
        Break down …
      </button>
      <button
        type="button"
        onClick={() => {
          setOpen("with");
        }}
      >
        Compare …
      </button>
      {open === "by" && <BreakDown view={view} elements={elements} asked={asked} onClose={close} />}
      {open === "with" && <Compare asked={asked} version={version} newest={newestVersion} onClose={close} />}
    </div>
  );
}

// -- breakdown ---------------------------------------------------------------------------------------------------------

interface BreakDownProps {
  view: View;
  elements: readonly GraphElement[];
  asked: Asked;
  onClose: () => void;
}

function BreakDown({ view, elements, asked, onClose }: BreakDownProps) {
  const may = useMay("eventDefinition:view");
  const definitions = useLoaded(may ? "attributes" : null, async (signal) => {
    const listing = await call(api.GET("/api/v2/journey/views/eventdefinitions", { signal }));
    return eventDefinitions(listing.entities ?? []);
  });
  const [chosen, setChosen] = useState(asked.by ? byText(asked.by) : "");
  const options = byChoices(view, elements, definitions.data);
  const by = options.some(({ value }) => value === chosen) ? parseBy(chosen) : undefined;
  return (
    <FormDialog
      title="Break down this view"
      verb="Break down"
      missing={by ? undefined : "Choose what to break it down by."}
      save={async () => {
        if (by) await asked.breakDown(by);
      }}
      onSaved={onClose}
      onClose={onClose}
    >
      <p>
        Divides the customers by a value, and computes the whole view for each part. By an attribute, a customer counts
        under the value of the first event that the customer has at the element.
      </p>
      {definitions.error !== undefined && <Failed error={definitions.error} retry={definitions.reload} />}
      <Select
        label="Break down by"
        placeholder="Choose …"
        value={by ? chosen : ""}
        options={options}
        disabled={definitions.loading}
        hint="The 20 values with the most customers stand alone, all others together."
        onValue={setChosen}
      />
    </FormDialog>
  );
}

function byChoices(view: View, elements: readonly GraphElement[], definitions: EventDefinitions | undefined): Option[] {
  const choice = (by: By, label: string, group: string) => ({ value: byText(by), label, group });
  return [
    choice("Source", "Where journeys begin", "Customers"),
    ...elements.flatMap(({ id, name }) => {
      const event = view.elements?.find((element) => element.id === id)?.attributes?.id ?? "";
      return filterable(definitions?.get(event)).map((attribute) =>
        choice({ elementId: id, attribute: attribute.name }, attribute.title, `At ${name}`),
      );
    }),
  ];
}

// -- comparison --------------------------------------------------------------------------------------------------------

interface CompareProps {
  asked: Asked;
  version: number;
  newest: number;
  onClose: () => void;
}

const KINDS = [
  {
    kind: "before",
    title: "The period before",
    about: "The same length of time, right before the time that the view covers.",
  },
  { kind: "interval", title: "Another time", about: "Whole days of your calendar." },
  { kind: "version", title: "Another version of this view", about: "Both versions over the time that they cover." },
] as const;

function Compare({ asked, version, newest, onClose }: CompareProps) {
  const [kind, setKind] = useState<With["kind"]>("before");
  const [days, setDays] = useState({ first: "", last: "" });
  const others = Array.from({ length: newest }, (_, index) => newest - index).filter((one) => one !== version);
  const [other, setOther] = useState(String(others[0] ?? ""));
  const isLate = isFuture(days.last);
  const interval = isLate ? undefined : intervalOf(days.first, days.last);
  const chosen = {
    before: { kind: "before" },
    interval: interval && { kind, interval },
    version: { kind, version: Number(other) },
  }[kind] as With | undefined;
  return (
    <FormDialog
      title="Compare this view"
      verb="Compare"
      missing={chosen ? undefined : "Choose the first and the last day."}
      save={async () => {
        if (chosen) await asked.compare(chosen);
      }}
      onSaved={onClose}
      onClose={onClose}
    >
      <fieldset>
        <legend>Compare with</legend>
        {KINDS.filter((one) => one.kind !== "version" || others.length > 0).map((one) => (
          <label key={one.kind} class="choice ask-choice">
            <input
              type="radio"
              name="with"
              checked={kind === one.kind}
              onChange={() => {
                setKind(one.kind);
              }}
            />
            <span>
              {one.title}
              <br />
              <span class="small soft">{one.about}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {kind === "interval" && (
        <div class="ask-days">
          <TextField
            label="First day"
            type="date"
            value={days.first}
            onValue={(first) => {
              setDays({ ...days, first });
            }}
          />
          <TextField
            label="Last day"
            type="date"
            value={days.last}
            problem={
              isLate
                ? "This day has not begun."
                : days.first && days.last && !interval
                  ? "The last day is before the first."
                  : undefined
            }
            onValue={(last) => {
              setDays({ ...days, last });
            }}
          />
        </div>
      )}
      {kind === "version" && (
        <Select
          label="Version"
          value={other}
          options={others.map((one) => ({ value: String(one), label: `Version ${one}` }))}
          onValue={setOther}
        />
      )}
    </FormDialog>
  );
}

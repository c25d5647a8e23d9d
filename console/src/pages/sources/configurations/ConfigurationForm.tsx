/** The form of a new configuration, on its own page and in the set-up of an endpoint. */

import { useState } from "preact/hooks";
import { useAction } from "../../../api/loading";
import { Select, TextField } from "../../../components/forms";
import { Failed } from "../../../components/states";
import { fieldProblems } from "../problems";
import { type Configuration, createConfiguration, type EventType } from "../requests";
import { useUnsaved } from "../unsaved";

interface Props {
  types: readonly EventType[];
  /** The event type, name and source that the form begins with. */
  typeId?: string;
  name?: string;
  source?: string;
  onCreated: (created: Configuration) => void;
  onCancel?: () => void;
}

export function ConfigurationForm({ types, typeId = "", name = "", source = "", onCreated, onCancel }: Props) {
  const initial = { name, description: "", schemaId: typeId, source };
  const [values, setValues] = useState(initial);
  const action = useAction(async () => {
    onCreated(await createConfiguration({ ...values, name: values.name.trim(), source: values.source.trim() }));
  });
  useUnsaved(!action.running && JSON.stringify(values) !== JSON.stringify(initial));
  const problems = fieldProblems(action.error);
  const change = (changed: Partial<typeof initial>) => {
    setValues({ ...values, ...changed });
    action.clear();
  };
  const enabled = types.filter((type) => type.enabled);
  const complete = values.name.trim() && values.source.trim() && values.schemaId;
  return (
    <form
      class="stack narrow"
      onSubmit={async (event) => {
        event.preventDefault();
        await action.run();
      }}
    >
      <Select
        label="Event type"
        hint="It cannot be changed later."
        value={values.schemaId}
        placeholder="Choose an event type"
        options={enabled.map((type) => ({ value: type.id, label: type.jsonSchema.title }))}
        problem={problems.get("schemaId")}
        onValue={(schemaId) => {
          const title = enabled.find((type) => type.id === schemaId)?.jsonSchema.title;
          change({ schemaId, name: values.name || (title ?? "") });
        }}
      />
      <TextField
        label="Source"
        hint="Where the events come from, for example Shop. It cannot be changed later."
        value={values.source}
        problem={problems.get("source")}
        maxLength={100}
        required
        onValue={(value) => {
          change({ source: value });
        }}
      />
      <TextField
        label="Name"
        value={values.name}
        problem={problems.get("name")}
        maxLength={100}
        required
        onValue={(value) => {
          change({ name: value });
        }}
      />
      <TextField
        label="Description"
        value={values.description}
        problem={problems.get("description")}
        maxLength={500}
        onValue={(description) => {
          change({ description });
        }}
      />
      {action.error !== undefined && <Failed error={action.error} />}
      <div class="row">
        <button type="submit" class="primary" disabled={!complete || action.running}>
          Create configuration
        </button>
        {onCancel && (
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}

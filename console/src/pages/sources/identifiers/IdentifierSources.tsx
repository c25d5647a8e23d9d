/** Which sources of identifiers link: a rule for all, and a choice for each. */

import { useState } from "preact/hooks";
import { api, call } from "../../../api/client";
import { useAction } from "../../../api/loading";
import { Text } from "../../../components/content";
import { Checkbox, TextField } from "../../../components/forms";
import { WhenLoaded } from "../../../components/layout";
import { useMay } from "../../../me";
import { type IdentitySettings, useIdentitySettings } from "../../customers/identifiers";
import { SaveBar } from "../SaveBar";
import { useUnsaved } from "../unsaved";
import { type Form, type Linking, sameSettings, toForm, toSettings, withChoice } from "./settingsForm";

const RULES: readonly { value: Linking; label: string; about: string }[] = [
  { value: "AllExcept", label: "All sources link, except some", about: "A source that comes later links." },
  { value: "Only", label: "Only some sources link", about: "A source that comes later does not link." },
  { value: "None", label: "No source links", about: "Each identifier is a customer of its own." },
];

export function IdentifierSources() {
  const loaded = useIdentitySettings();
  return (
    <WhenLoaded loaded={loaded} what="the settings">
      {(settings) => <SettingsForm key={JSON.stringify(settings)} settings={settings} reload={loaded.reload} />}
    </WhenLoaded>
  );
}

function SettingsForm({ settings, reload }: { settings: IdentitySettings; reload: () => void }) {
  const mayEdit = useMay("customers:edit");
  const start = toForm(
    settings,
    settings.knownSources.map(({ externalSourceId }) => externalSourceId),
  );
  const [form, setForm] = useState<Form>(start);
  const changed = toSettings(form);
  const dirty = !sameSettings(changed, settings);
  useUnsaved(dirty);
  const action = useAction(async () => {
    await call(api.PUT("/api/v2/journey/customers/settings", { body: { ...changed, sources: [...changed.sources] } }));
    reload();
  });
  return (
    <form
      class="stack identifier-sources"
      onSubmit={(event) => {
        event.preventDefault();
        void action.run();
      }}
    >
      <p>
        An event that names several identifiers links them: a visitor’s id and the e-mail address of a sign-in belong to
        one person from then on. Sources that several people share, such as telephone numbers and companies, should not
        link.
      </p>
      <fieldset disabled={!mayEdit}>
        <legend>Rule</legend>
        {RULES.map(({ value, label, about }) => (
          <label key={value} class="choice rule">
            <input
              type="radio"
              name="linking"
              value={value}
              checked={form.linking === value}
              onChange={() => {
                setForm({ ...form, linking: value });
              }}
            />
            <span>
              {label}
              <span class="soft small"> {about}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {form.linking !== "None" && (
        <fieldset disabled={!mayEdit}>
          <legend>Sources that link</legend>
          {form.choices.length === 0 && <p class="soft">No event has named an identifier yet.</p>}
          <div class="source-choices">
            {form.choices.map(({ source, links }) => (
              <Checkbox
                key={source}
                label={<Text value={source} limit={120} />}
                checked={links}
                disabled={!mayEdit}
                onValue={(checked) => {
                  setForm(withChoice(form, source, checked));
                }}
              />
            ))}
          </div>
          {mayEdit && (
            <AddSource
              onAdd={(source) => {
                setForm(withChoice(form, source, form.linking === "Only"));
              }}
            />
          )}
        </fieldset>
      )}
      <p class="soft">
        Customers’ journeys follow a change at once. Views that count people follow it when they are computed next;
        figures that were computed before stay as they are. What events and people have linked is kept, so that a change
        can be taken back.
      </p>
      <SaveBar
        verb="Save settings"
        dirty={dirty}
        running={action.running}
        error={action.error}
        status="Journeys change as soon as you save."
        onDiscard={() => {
          setForm(start);
          action.clear();
        }}
      />
    </form>
  );
}

/** Names a source before its first event comes. */
function AddSource({ onAdd }: { onAdd: (source: string) => void }) {
  const [source, setSource] = useState("");
  const add = () => {
    if (source.trim() === "") return;
    onAdd(source.trim());
    setSource("");
  };
  return (
    <div class="row add-source">
      <TextField
        label="Another source"
        value={source}
        maxLength={255}
        autocomplete="off"
        hint="As events name it, such as loyalty-card."
        onValue={setSource}
      />
      <button type="button" disabled={source.trim() === ""} onClick={add}>
        Add source
      </button>
    </div>
  );
}

/** The form of a new endpoint of one tool. */

import { useRef, useState } from "preact/hooks";
import { useAction } from "../../../api/loading";
import { TextField } from "../../../components/forms";
import { Failed } from "../../../components/states";
import { useMay } from "../../../me";
import { address, setQuery } from "../../../routing";
import { ConfigurationForm } from "../configurations/ConfigurationForm";
import { fieldProblems } from "../problems";
import { type Configuration, createEndpoint, type EventType, type Sender } from "../requests";
import { useUnsaved } from "../unsaved";
import { type EndpointValues, missingPart, needsTimeZone, secretChoices, toNewEndpoint } from "./newEndpoint";
import { OptionFields } from "./OptionFields";
import { TargetForm } from "./TargetForm";
import { type TargetValues, toTargetValues } from "./targets";

interface Props {
  sender: Sender;
  configurations: readonly Configuration[];
  types: readonly EventType[];
  /** The configuration that the form begins with. */
  configurationId: string;
  /** An event type to create a configuration for. */
  typeId: string;
  reload: () => void;
  /** The secret is given if it was generated. */
  onCreated: (endpointId: string, secret: string | undefined) => void;
}

export function CreateEndpoint({ sender, configurations, types, configurationId, typeId, reload, onCreated }: Props) {
  const only = configurations.length === 1 ? configurations[0]?.id : undefined;
  const [values, setValues] = useState<EndpointValues>(() => ({
    name: sender.title,
    target: toTargetValues({ configurationId: configurationId || (only ?? "") }),
    options: {},
    ownSecret: false,
    secret: "",
    timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
  }));
  const key = useRef(crypto.randomUUID());
  const action = useAction(async () => {
    const created = await createEndpoint(toNewEndpoint(sender, values), key.current);
    onCreated(created.id, values.ownSecret ? undefined : created.secret);
  });
  const { name, secret, options } = values;
  const dirty = name !== sender.title || secret !== "" || Object.keys(options).length > 0;
  useUnsaved(dirty && !action.running);
  const change = (changed: Partial<EndpointValues>) => {
    setValues((before) => ({ ...before, ...changed }));
    action.clear();
    // Another request is another endpoint.
    key.current = crypto.randomUUID();
  };
  const problems = fieldProblems(action.error);
  const missing = missingPart(sender, values);
  return (
    <div class="stack narrow">
      <div class="row apart">
        <h2>1. {sender.title}</h2>
        <button
          type="button"
          onClick={() => {
            setQuery({ sender: undefined });
          }}
        >
          Choose another tool
        </button>
      </div>
      <p class="soft">{sender.sends}</p>
      <TargetSection
        sender={sender}
        configurations={configurations}
        types={types}
        typeId={typeId}
        values={values.target}
        problems={problems}
        reload={reload}
        onChange={(target) => {
          change({ target });
        }}
      />
      <form
        class="stack"
        autocomplete="off"
        onSubmit={async (event) => {
          event.preventDefault();
          if (!missing) await action.run();
        }}
      >
        <EndpointSection sender={sender} values={values} problems={problems} onChange={change} />
        {action.error !== undefined && <Failed error={action.error} />}
        <div class="row">
          <button type="submit" class="primary" disabled={missing !== "" || action.running}>
            Create endpoint
          </button>
          <span class="soft small" role="status">
            {missing}
          </span>
        </div>
      </form>
    </div>
  );
}

// -- where the events go -----------------------------------------------------------------------------------------------

interface TargetProps {
  sender: Sender;
  configurations: readonly Configuration[];
  types: readonly EventType[];
  typeId: string;
  values: TargetValues;
  problems: ReadonlyMap<string, string>;
  reload: () => void;
  onChange: (values: TargetValues) => void;
}

function TargetSection({ sender, configurations, types, typeId, values, problems, reload, onChange }: TargetProps) {
  const mayConfigure = useMay("externalEventsConfiguration:add");
  const mayDefine = useMay("externalEventsSchema:add");
  const [configuring, setConfiguring] = useState(configurations.length === 0 || typeId !== "");
  const chosen = configurations.find((one) => !values.several && one.id === values.configurationId);
  const setAnother = (another: boolean) => () => {
    setConfiguring(another);
  };
  return (
    <section class="card" aria-label="Where the events go">
      <h2>2. Where do the events go?</h2>
      <p class="soft wrap-anywhere">
        A delivery of {sender.title} can fill these fields: {sender.attributes.join(", ")}. Fields that the event type
        does not have are left out.
      </p>
      {mayDefine && (
        <div>
          <a class="button" href={address(["sources", "types", "new"], { sender: sender.name })}>
            Create an event type with these fields
          </a>
        </div>
      )}
      {configuring ? (
        <NewTarget
          sender={sender}
          types={types}
          typeId={typeId}
          onCreated={(created) => {
            onChange(toTargetValues({ configurationId: created.id ?? "" }));
            setConfiguring(false);
            reload();
          }}
          {...(configurations.length > 0 && { onCancel: setAnother(false) })}
        />
      ) : (
        <>
          <TargetForm values={values} configurations={configurations} problems={problems} onChange={onChange} />
          <Unfilled sender={sender} type={types.find((type) => type.id === chosen?.schemaId)} />
          {mayConfigure && (
            <div>
              <button type="button" onClick={setAnother(true)}>
                Create configuration
              </button>
            </div>
          )}
        </>
      )}
    </section>
  );
}

interface NewTargetProps {
  sender: Sender;
  types: readonly EventType[];
  typeId: string;
  onCreated: (created: Configuration) => void;
  onCancel?: () => void;
}

/** A configuration that is created on the way. */
function NewTarget({ sender, types, typeId, onCreated, onCancel }: NewTargetProps) {
  const mayConfigure = useMay("externalEventsConfiguration:add");
  if (!mayConfigure || !types.some((type) => type.enabled)) {
    return <p class="notice warn">There is no {mayConfigure ? "event type" : "configuration"} yet.</p>;
  }
  return (
    <ConfigurationForm
      types={types}
      typeId={typeId}
      name={types.find((type) => type.id === typeId)?.jsonSchema.title ?? ""}
      source={sender.title}
      onCreated={onCreated}
      {...(onCancel && { onCancel })}
    />
  );
}

/** The required fields of the event type that the preset does not fill. */
function Unfilled({ sender, type }: { sender: Sender; type: EventType | undefined }) {
  const unfilled = (type?.jsonSchema.required ?? []).filter((name) => !sender.attributes.includes(name));
  if (!type || unfilled.length === 0) return null;
  return (
    <p class="notice warn wrap-anywhere">
      {type.jsonSchema.title} requires {unfilled.join(", ")}, which the preset of {sender.title} does not fill. Map{" "}
      {unfilled.length === 1 ? "it" : "them"} after the endpoint is created; until then, its events become failures.
    </p>
  );
}

// -- the endpoint ------------------------------------------------------------------------------------------------------

interface SectionProps {
  sender: Sender;
  values: EndpointValues;
  problems: ReadonlyMap<string, string>;
  onChange: (changed: Partial<EndpointValues>) => void;
}

function EndpointSection({ sender, values, problems, onChange }: SectionProps) {
  return (
    <section class="card" aria-label="The endpoint">
      <h2>3. The endpoint</h2>
      <TextField
        label="Name of the endpoint"
        value={values.name}
        maxLength={100}
        required
        problem={problems.get("name")}
        onValue={(name) => {
          onChange({ name });
        }}
      />
      <OptionFields
        sender={sender}
        values={values.options}
        problems={problems}
        onChange={(options) => {
          onChange({ options });
        }}
      />
      {needsTimeZone(sender) && (
        <TextField
          label="Time zone of its dates"
          hint={`The dates of ${sender.title} have none. For example Europe/Berlin.`}
          value={values.timeZone}
          problem={problems.get("mapping.timeZone")}
          required
          onValue={(timeZone) => {
            onChange({ timeZone });
          }}
        />
      )}
      <SecretFields sender={sender} values={values} problems={problems} onChange={onChange} />
    </section>
  );
}

function SecretFields({ sender, values, problems, onChange }: SectionProps) {
  const choices = secretChoices(sender);
  return (
    <div class="stack tight">
      <h3>Secret</h3>
      <p>{sender.secret.source}</p>
      {choices.length > 0 && (
        <fieldset>
          <legend>Where it comes from</legend>
          {choices.map((choice) => (
            <label key={choice.label} class="choice">
              <input
                type="radio"
                name="secret"
                checked={values.ownSecret === choice.own}
                onChange={() => {
                  onChange({ ownSecret: choice.own });
                }}
              />
              <span>{choice.label}</span>
            </label>
          ))}
        </fieldset>
      )}
      {values.ownSecret && (
        <TextField
          label="Secret"
          hint={sender.secret.form}
          type="password"
          autocomplete="off"
          maxLength={4096}
          value={values.secret}
          problem={problems.get("secret")}
          onValue={(secret) => {
            onChange({ secret });
          }}
        />
      )}
    </div>
  );
}

/** The mapping of an endpoint: what the preset does, and what its own mapping replaces. */

import { Fragment } from "preact";
import { useState } from "preact/hooks";
import { useAction } from "../../../api/loading";
import { TextField } from "../../../components/forms";
import { Failed } from "../../../components/states";
import { useMay } from "../../../me";
import { fieldProblems } from "../problems";
import { type EndpointDescription, type EventType, type Sender, updateEndpoint } from "../requests";
import { SaveBar } from "../SaveBar";
import { useUnsaved } from "../unsaved";
import {
  type AttributeForm,
  EXPRESSION_PARTS,
  type IdentifierForm,
  type MappingForm,
  type Part,
  PART_WORDS,
  TEXT_PARTS,
  toMapping,
  toMappingForm,
} from "./mappingForm";

interface Props {
  endpoint: EndpointDescription;
  sender: Sender | undefined;
  types: readonly EventType[];
  reload: () => void;
}

interface Effective {
  readonly externalIds?: readonly { readonly externalSourceId: string; readonly value: string }[];
  readonly attributes?: Readonly<Record<string, string>>;
  readonly [part: string]: unknown;
}

export function MappingEditor({ endpoint, sender, types, reload }: Props) {
  const mayEdit = useMay("webhooks:edit");
  const [form, setForm] = useState<MappingForm>(() => toMappingForm(endpoint.mapping));
  const mapping = toMapping(form);
  const dirty = mayEdit && JSON.stringify(mapping) !== JSON.stringify(endpoint.mapping);
  useUnsaved(dirty);
  const save = useAction(async () => {
    await updateEndpoint(endpoint.id, { mapping });
    reload();
  });
  const problems = fieldProblems(save.error);
  const effective = endpoint.effectiveMapping as Effective;
  const preset = (sender?.mapping ?? {}) as Effective;
  const change = (changed: Partial<MappingForm>) => {
    setForm((before) => ({ ...before, ...changed }));
    save.clear();
  };
  const setPart = (part: Part) => (value: string | undefined) => {
    const others = Object.entries(form.parts).filter(([name]) => name !== part);
    change({ parts: Object.fromEntries(value === undefined ? others : [...others, [part, value]]) });
  };
  return (
    <form
      class="stack mapping-form"
      onSubmit={async (event) => {
        event.preventDefault();
        await save.run();
      }}
    >
      <p class="soft">
        The preset of {sender?.title ?? endpoint.sender} (version {endpoint.presetVersion}) maps its usual payloads.
        Replace a part where yours differ. Expressions are JMESPath: <code>customer.id</code> is the id in the customer
        of the payload, <code>'crm'</code> the text crm.
      </p>
      <ExpressionHelp />
      {sender && sender.presetVersion > endpoint.presetVersion && (
        <NewerPreset endpoint={endpoint} newest={sender.presetVersion} reload={reload} />
      )}
      <fieldset disabled={!mayEdit}>
        <legend>The event</legend>
        {[...EXPRESSION_PARTS, ...TEXT_PARTS].map((part) => (
          <PartField
            key={part}
            part={part}
            own={form.parts[part]}
            preset={presetOf(part, preset, effective)}
            problem={problems.get(`mapping.${part}`)}
            onValue={setPart(part)}
          />
        ))}
      </fieldset>
      <Identifiers
        own={form.externalIds}
        preset={preset.externalIds ?? []}
        problems={problems}
        disabled={!mayEdit}
        onChange={(externalIds) => {
          change({ externalIds });
        }}
      />
      <Attributes
        form={form}
        preset={preset.attributes ?? {}}
        fields={types.flatMap((type) => Object.keys(type.jsonSchema.properties ?? {}))}
        problems={problems}
        disabled={!mayEdit}
        onChange={(attributes) => {
          change({ attributes });
        }}
      />
      <SaveBar
        verb="Save mapping"
        dirty={dirty}
        running={save.running}
        error={save.error}
        status="Not saved yet. Save it, and then test a payload."
        onDiscard={() => {
          setForm(toMappingForm(endpoint.mapping));
          save.clear();
        }}
      />
    </form>
  );
}

interface IdentifiersProps {
  own: readonly IdentifierForm[];
  preset: readonly IdentifierForm[];
  problems: ReadonlyMap<string, string>;
  disabled: boolean;
  onChange: (own: readonly IdentifierForm[]) => void;
}

/** The identifiers of the customer: those of the preset in the order of preference, and then the own ones. */
function Identifiers({ own, preset, problems, disabled, onChange }: IdentifiersProps) {
  return (
    <fieldset disabled={disabled}>
      <legend>Identifiers of the customer</legend>
      <p class="soft small">
        The first one that a payload holds names the journey; the others are stored with the event.
      </p>
      <ol class="mapped-identifiers">
        {preset.map((one, index) => (
          <li key={index} class="wrap-anywhere">
            <code>{one.externalSourceId}</code> <code class="soft">{one.value}</code>
          </li>
        ))}
      </ol>
      {own.map((one, index) => (
        <div key={index} class="route">
          <TextField
            label={`Source of own identifier ${index + 1}`}
            value={one.externalSourceId}
            problem={problems.get(`mapping.externalIds[${index}].externalSourceId`)}
            onValue={(externalSourceId) => {
              onChange(own.map((id, at) => (at === index ? { ...id, externalSourceId } : id)));
            }}
          />
          <TextField
            label={`Value of own identifier ${index + 1}`}
            value={one.value}
            problem={problems.get(`mapping.externalIds[${index}].value`)}
            onValue={(value) => {
              onChange(own.map((id, at) => (at === index ? { ...id, value } : id)));
            }}
          />
          <button
            type="button"
            onClick={() => {
              onChange(own.filter((_, at) => at !== index));
            }}
          >
            Remove<span class="unseen"> own identifier {index + 1}</span>
          </button>
        </div>
      ))}
      {!disabled && (
        <div>
          <button
            type="button"
            onClick={() => {
              onChange([...own, { externalSourceId: "'crm'", value: "" }]);
            }}
          >
            Add identifier
          </button>
        </div>
      )}
    </fieldset>
  );
}

/** What the preset has for a part. The customer and its source are the first identifier of later presets. */
function presetOf(part: Part, preset: Effective, effective: Effective): string {
  const first = preset.externalIds?.[0];
  if (part === "customer") return first?.value ?? "";
  if (part === "externalSourceId") return first?.externalSourceId ?? "";
  const value = preset[part] ?? (part === "dateFormat" ? (effective[part] ?? "iso") : undefined);
  return typeof value === "string" ? value : "";
}

interface PartFieldProps {
  part: Part;
  own: string | undefined;
  preset: string;
  problem: string | undefined;
  onValue: (value: string | undefined) => void;
}

function PartField({ part, own, preset, problem, onValue }: PartFieldProps) {
  const { label, about } = PART_WORDS[part];
  if (own === undefined) {
    return (
      <div class="mapping-part">
        <div class="field">
          <span class="label">{label}</span>
          {preset ? <code class="wrap-anywhere">{preset}</code> : <span class="soft">Not set</span>}
          <span class="soft small">{about}</span>
        </div>
        <button
          type="button"
          onClick={() => {
            onValue(part === "customer" ? "" : preset);
          }}
        >
          Replace<span class="unseen"> {label}</span>
        </button>
      </div>
    );
  }
  return (
    <div class="mapping-part">
      <TextField label={label} hint={about} value={own} problem={problem} autocomplete="off" onValue={onValue} />
      <button
        type="button"
        onClick={() => {
          onValue(undefined);
        }}
      >
        Use the preset<span class="unseen"> for {label}</span>
      </button>
    </div>
  );
}

interface AttributesProps {
  form: MappingForm;
  preset: Readonly<Record<string, string>>;
  fields: readonly string[];
  problems: ReadonlyMap<string, string>;
  disabled: boolean;
  onChange: (attributes: readonly AttributeForm[]) => void;
}

/** The fields of the event type, and how each gets its value. */
function Attributes({ form, preset, fields, problems, disabled, onChange }: AttributesProps) {
  const own = new Map(form.attributes.map((attribute) => [attribute.name, attribute]));
  const names = [...new Set([...fields, ...own.keys()])];
  const unused = Object.keys(preset).filter((name) => !names.includes(name));
  const set = (name: string, changed: Partial<AttributeForm> | undefined) => {
    const others = form.attributes.filter((attribute) => attribute.name !== name);
    const attribute = own.get(name) ?? { name, expression: undefined, leftOut: false };
    onChange(
      changed
        ? own.has(name)
          ? form.attributes.map((one) => (one.name === name ? { ...one, ...changed } : one))
          : [...others, { ...attribute, ...changed }]
        : others,
    );
  };
  return (
    <fieldset disabled={disabled}>
      <legend>Fields of the event</legend>
      {names.length === 0 && <p class="soft">The event type has no field.</p>}
      {names.map((name) => {
        const attribute = own.get(name);
        const fromPreset = preset[name];
        return (
          <div key={name} class="mapping-part">
            {attribute?.leftOut ? (
              <div class="field">
                <span class="label wrap-anywhere">{name}</span>
                <span class="soft">Left out</span>
              </div>
            ) : attribute ? (
              <TextField
                label={name}
                value={attribute.expression ?? ""}
                problem={problems.get(`mapping.attributes.${name}`)}
                autocomplete="off"
                onValue={(expression) => {
                  set(name, { expression });
                }}
              />
            ) : (
              <div class="field">
                <span class="label wrap-anywhere">{name}</span>
                {fromPreset === undefined ? (
                  <span class="soft">The preset has no value for it</span>
                ) : (
                  <code class="wrap-anywhere">{fromPreset}</code>
                )}
              </div>
            )}
            {attribute ? (
              <button
                type="button"
                onClick={() => {
                  set(name, undefined);
                }}
              >
                {fromPreset === undefined ? "Clear" : "Use the preset"}
                <span class="unseen"> for {name}</span>
              </button>
            ) : (
              <span class="row">
                <button
                  type="button"
                  onClick={() => {
                    set(name, { expression: fromPreset ?? "" });
                  }}
                >
                  {fromPreset === undefined ? "Map" : "Replace"}
                  <span class="unseen"> {name}</span>
                </button>
                {fromPreset !== undefined && (
                  <button
                    type="button"
                    onClick={() => {
                      set(name, { leftOut: true });
                    }}
                  >
                    Leave out<span class="unseen"> {name}</span>
                  </button>
                )}
              </span>
            )}
          </div>
        );
      })}
      {unused.length > 0 && (
        <p class="soft small wrap-anywhere">
          The preset also has {unused.join(", ")}. Add a field of that name to the event type, and it is filled.
        </p>
      )}
    </fieldset>
  );
}

const FUNCTIONS: readonly (readonly [string, string])[] = [
  ["customer.id", "The id in the customer of the payload."],
  ["items[0].sku", "The first of a list. items[*].sku is the list of them all."],
  ["email || contact_email", "The first of the two that is there."],
  ["'crm'", "A text. `5` in backquotes is a number."],
  ["join('-', [id, date])", "A text of several."],
  ["header('x-github-event')", "A header of the delivery. Headers with a signature cannot be read."],
  ["received()", "The time at which the delivery was received."],
  ["digest(id, state)", "32 digits that are the same for the same values: an id where the payload has none."],
  ["lower(email)", "The text in lower case."],
  ["split(link, '/')[-1]", "The last part of a text."],
  ["from_unix_ms(time)", "A time in milliseconds since 1970 as a date."],
  ["to_number(total)", "A number, also of a text such as “199.00”."],
];

function ExpressionHelp() {
  return (
    <details>
      <summary>What expressions can do</summary>
      <dl class="facts mapping help">
        {FUNCTIONS.map(([expression, meaning]) => (
          <Fragment key={expression}>
            <dt>
              <code>{expression}</code>
            </dt>
            <dd>{meaning}</dd>
          </Fragment>
        ))}
      </dl>
      <p class="small">
        <a href="https://jmespath.org/tutorial.html" target="_blank" rel="noreferrer">
          Tutorial of JMESPath
        </a>
      </p>
    </details>
  );
}

function NewerPreset({
  endpoint,
  newest,
  reload,
}: {
  endpoint: EndpointDescription;
  newest: number;
  reload: () => void;
}) {
  const mayEdit = useMay("webhooks:edit");
  const action = useAction(async () => {
    await updateEndpoint(endpoint.id, { presetVersion: newest });
    reload();
  });
  return (
    <div class="notice warn">
      <p>
        Version {newest} of the preset exists. With it, ids can differ: events that are stored already are stored again
        if the tool delivers them once more. The expressions below are those of version {newest}.
      </p>
      {action.error !== undefined && <Failed error={action.error} />}
      {mayEdit && (
        <button type="button" disabled={action.running} onClick={() => action.run()}>
          Use version {newest}
        </button>
      )}
    </div>
  );
}

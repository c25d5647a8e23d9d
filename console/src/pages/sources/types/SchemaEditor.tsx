/** Edits the document of an event type. What the API would refuse is not offered, and says why. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useAction } from "../../../api/loading";
import { Checkbox, Select, TextField } from "../../../components/forms";
import { Failed } from "../../../components/states";
import { count } from "../../../formats";
import { fieldProblems } from "../problems";
import type { Limits } from "../requests";
import { useUnsaved } from "../unsaved";
import { FieldDetails } from "./FieldDetails";
import { type Kind, kindName, ofKind } from "./kinds";
import { type FieldForm, isSame, type SchemaDocument, type SchemaForm, text, toForm, toSchema } from "./schemaForm";
import { type Locks, locksOf, placeOf, problemsOf, savedDefinition } from "./schemaRules";

interface Props {
  /** The document that was saved, or an empty one. */
  document: SchemaDocument;
  /** A proposal to begin with. It counts as not saved. */
  proposal?: SchemaDocument | undefined;
  /** The version that the new one follows; undefined for a new event type. */
  saved?: SchemaDocument;
  limits: Limits;
  kinds: readonly Kind[];
  otherTitles: readonly string[];
  verb: string;
  readOnly?: boolean;
  onSave: (document: SchemaDocument) => Promise<unknown>;
}

export function SchemaEditor({
  document,
  proposal,
  saved,
  limits,
  kinds,
  otherTitles,
  verb,
  readOnly = false,
  onSave,
}: Props) {
  const [form, setForm] = useState<SchemaForm>(() => toForm(proposal ?? document));
  const [tried, setTried] = useState(false);
  const [added, setAdded] = useState<string>();
  const next = useRef(form.fields.length);
  const save = useAction(onSave);
  const schema = useMemo(() => toSchema(form), [form]);
  const dirty = !readOnly && !isSame(schema, document);
  useUnsaved(dirty);
  const problems = new Map(problemsOf(form, saved, limits, kinds));
  if (otherTitles.some((title) => title.trim().toLowerCase() === form.title.trim().toLowerCase())) {
    problems.set("title", "Another event type has this name.");
  }
  const refused = fieldProblems(save.error, (name) => placeOf(name, form));
  const shown = (place: string, early = false): string | undefined =>
    refused.get(place) ?? (tried || early ? problems.get(place) : undefined);
  const change = (changed: Partial<SchemaForm>) => {
    setForm((before) => ({ ...before, ...changed }));
    save.clear();
  };
  const changeField = (key: string, changed: Partial<FieldForm>) => {
    change({ fields: form.fields.map((field) => (field.key === key ? { ...field, ...changed } : field)) });
  };
  const add = () => {
    const key = `new-${next.current}`;
    next.current += 1;
    const kind = kinds[0];
    change({ fields: [...form.fields, { key, name: "", required: false, definition: kind?.definition ?? {} }] });
    setAdded(key);
  };
  const full = form.fields.length >= limits.maxNumberOfFieldsPerSchema;
  return (
    <form
      class="stack"
      noValidate
      onSubmit={async (event) => {
        event.preventDefault();
        setTried(true);
        if (problems.size === 0) await save.run(schema);
      }}
    >
      <div class="card">
        <fieldset class="bare" disabled={readOnly}>
          <TextField
            label="Name"
            value={form.title}
            problem={shown("title", form.title !== "")}
            maxLength={limits.maxSchemaNameCharacters}
            required
            autocomplete="off"
            onValue={(title) => {
              change({ title });
            }}
          />
          <TextField
            label="Description"
            hint="What the event means, for those who build views."
            value={form.description}
            problem={shown("description", true)}
            onValue={(description) => {
              change({ description });
            }}
          />
        </fieldset>
      </div>
      <section class="stack tight" aria-label="Fields">
        <div class="row apart">
          <h2>Fields</h2>
          <span class="soft small">
            {count(form.fields.length, "field")} of {limits.maxNumberOfFieldsPerSchema}
          </span>
        </div>
        {saved && !readOnly && (
          <p class="soft small">
            A new version can add optional fields, change limits and words, and make a field optional. Names and kinds
            stay, because stored events and views use them.
          </p>
        )}
        {shown("fields", true) && (
          <p class="notice bad" role="alert">
            {shown("fields", true)}
          </p>
        )}
        {form.fields.length === 0 && <p class="soft">There is no field yet. An event without fields only counts.</p>}
        {form.fields.map((field) => (
          <FieldCard
            key={field.key}
            field={field}
            kinds={kinds}
            locks={locksOf(field, saved)}
            saved={savedDefinition(field, saved)}
            opened={field.key === added}
            readOnly={readOnly}
            problem={(part) => shown(`${field.key}.${part}`, part !== "name" || field.name !== "")}
            hasProblem={[...problems, ...refused].some(
              ([place]) => place.startsWith(`${field.key}.`) && (tried || refused.has(place)),
            )}
            onChange={(changed) => {
              changeField(field.key, changed);
            }}
            onRemove={() => {
              change({ fields: form.fields.filter((one) => one.key !== field.key) });
            }}
          />
        ))}
        {!readOnly && (
          <div class="row">
            <button type="button" onClick={add} disabled={full}>
              Add field
            </button>
            {full && (
              <span class="soft small">An event type has at most {limits.maxNumberOfFieldsPerSchema} fields.</span>
            )}
          </div>
        )}
      </section>
      {(dirty || save.error !== undefined) && (
        <div class="save-bar stack tight">
          {save.error !== undefined && <Failed error={save.error} />}
          <div class="row">
            <button type="submit" class="primary" disabled={save.running || !dirty}>
              {verb}
            </button>
            {dirty && (
              <button
                type="button"
                onClick={() => {
                  setForm(toForm(document));
                  setTried(false);
                  save.clear();
                }}
              >
                Discard changes
              </button>
            )}
            <span class="small soft" role="status">
              {tried && problems.size > 0
                ? `${count(problems.size, "problem")} to solve before saving.`
                : dirty
                  ? "Not saved yet."
                  : ""}
            </span>
          </div>
        </div>
      )}
    </form>
  );
}

interface FieldCardProps {
  field: FieldForm;
  kinds: readonly Kind[];
  locks: Locks;
  saved: FieldForm["definition"] | undefined;
  opened: boolean;
  readOnly: boolean;
  problem: (part: string) => string | undefined;
  hasProblem: boolean;
  onChange: (changed: Partial<FieldForm>) => void;
  onRemove: () => void;
}

function FieldCard({
  field,
  kinds,
  locks,
  saved,
  opened,
  readOnly,
  problem,
  hasProblem,
  onChange,
  onRemove,
}: FieldCardProps) {
  const [open, setOpen] = useState(opened);
  const card = useRef<HTMLDetailsElement>(null);
  useLayoutEffect(() => {
    if (!opened) return;
    card.current?.scrollIntoView({ block: "center" });
    card.current?.querySelector("input")?.focus({ preventScroll: true });
  }, [opened]);
  useEffect(() => {
    if (hasProblem) setOpen(true);
  }, [hasProblem]);
  const kind = kinds.find((one) => one.name === kindName(field.definition));
  const named = field.name || "New field";
  return (
    <details
      ref={card}
      class={`card schema-field ${hasProblem ? "bad" : ""}`}
      open={open}
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>
        <span class="name wrap-anywhere">{named}</span>
        <span class="soft small title wrap-anywhere">{text(field.definition, "title")}</span>
        <span class="badge">{kind?.label ?? "Kind not chosen"}</span>
        {field.required && <span class="badge good">Required</span>}
        {!saved && !readOnly && <span class="badge warn">New</span>}
      </summary>
      <fieldset class="bare stack" disabled={readOnly} aria-label={named}>
        <div class="pair">
          {locks.name ? (
            <Locked label="Name" value={field.name} reason={locks.name} />
          ) : (
            <TextField
              label="Name"
              hint="As it stands in the event, for example orderId."
              value={field.name}
              problem={problem("name")}
              autocomplete="off"
              required
              onValue={(name) => {
                onChange({ name });
              }}
            />
          )}
          {locks.kind ? (
            <Locked label="Kind" value={kind?.label ?? kindName(field.definition)} reason={locks.kind} />
          ) : (
            <Select
              label="Kind"
              hint={kind?.about}
              value={kind?.name ?? ""}
              problem={problem("kind")}
              options={kinds.map((one) => ({ value: one.name, label: one.label }))}
              onValue={(name) => {
                const chosen = kinds.find((one) => one.name === name);
                if (chosen) onChange({ definition: ofKind(field.definition, chosen) });
              }}
            />
          )}
        </div>
        <div class="stack tight">
          <Checkbox
            label="Every event must have this field"
            checked={field.required}
            disabled={locks.required !== undefined && !field.required}
            onValue={(required) => {
              onChange({ required });
            }}
          />
          {locks.required && !field.required && <p class="soft small">{locks.required}</p>}
          {problem("required") && <p class="problem small">{problem("required")}</p>}
        </div>
        {kind && (
          <FieldDetails
            definition={field.definition}
            saved={saved}
            kind={kind}
            problem={problem}
            onChange={(definition) => {
              onChange({ definition });
            }}
          />
        )}
        {!readOnly &&
          (locks.remove ? (
            <p class="soft small">{locks.remove}</p>
          ) : (
            <div>
              <button type="button" class="danger" onClick={onRemove}>
                Remove field<span class="unseen"> {named}</span>
              </button>
            </div>
          ))}
      </fieldset>
    </details>
  );
}

/** A value that a new version cannot change, with the reason. */
function Locked({ label, value, reason }: { label: string; value: string; reason: string }) {
  return (
    <div class="field">
      <span class="label">{label}</span>
      <span class="locked wrap-anywhere">{value}</span>
      <span class="soft small">{reason}</span>
    </div>
  );
}

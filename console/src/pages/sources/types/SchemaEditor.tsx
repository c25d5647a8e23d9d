/** Edits the document of an event type. What the API would refuse is not offered, and says why. */

import { useMemo, useRef, useState } from "preact/hooks";
import { type Action, useAction } from "../../../api/loading";
import { TextField } from "../../../components/forms";
import { count } from "../../../formats";
import { fieldProblems } from "../problems";
import type { Limits } from "../requests";
import { SaveBar } from "../SaveBar";
import { useUnsaved } from "../unsaved";
import { FieldCard } from "./FieldCard";
import type { Kind } from "./kinds";
import { type FieldForm, isSame, type SchemaDocument, type SchemaForm, toForm, toSchema } from "./schemaForm";
import { locksOf, placeOf, type Problems, problemsOf, savedDefinition } from "./schemaRules";

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

export function SchemaEditor({ document, saved, limits, kinds, verb, readOnly = false, ...props }: Props) {
  const save = useAction(props.onSave);
  const edited = useEdited(document, props.proposal, kinds, save);
  const { form, tried } = edited;
  const schema = useMemo(() => toSchema(form), [form]);
  const dirty = !readOnly && !isSame(schema, document);
  useUnsaved(dirty);
  const problems = allProblems(form, saved, limits, kinds, props.otherTitles);
  const refused = fieldProblems(save.error, (name) => placeOf(name, form));
  const shown = (place: string, early = false): string | undefined =>
    refused.get(place) ?? (tried || early ? problems.get(place) : undefined);
  return (
    <form
      class="stack"
      noValidate
      onSubmit={async (event) => {
        event.preventDefault();
        edited.setTried(true);
        if (problems.size === 0) await save.run(schema);
      }}
    >
      <Words form={form} limits={limits} readOnly={readOnly} shown={shown} onChange={edited.change} />
      <section class="stack tight" aria-label="Fields">
        <FieldsHead count={form.fields.length} limits={limits} versioned={saved !== undefined && !readOnly} />
        {shown("fields", true) && (
          <p class="notice bad" role="alert">
            {shown("fields", true)}
          </p>
        )}
        {form.fields.map((field) => (
          <FieldCard
            key={`${edited.round}|${field.key}`}
            field={field}
            kinds={kinds}
            locks={locksOf(field, saved)}
            saved={savedDefinition(field, saved)}
            opened={field.key === edited.added}
            readOnly={readOnly}
            problem={(part) => shown(`${field.key}.${part}`, part !== "name" || field.name !== "")}
            hasProblem={isOf(field, refused) || (tried && isOf(field, problems))}
            onChange={(changed) => {
              edited.changeField(field.key, changed);
            }}
            onRemove={() => {
              edited.change({ fields: form.fields.filter((one) => one.key !== field.key) });
            }}
          />
        ))}
        {!readOnly && <AddField full={form.fields.length >= limits.maxNumberOfFieldsPerSchema} onAdd={edited.add} />}
      </section>
      <SaveBar
        verb={verb}
        dirty={dirty}
        running={save.running}
        error={save.error}
        status={
          tried && problems.size > 0 ? `${count(problems.size, "problem")} to solve before saving.` : "Not saved yet."
        }
        onDiscard={edited.discard}
      />
    </form>
  );
}

/** The form as it is edited. */
function useEdited(
  document: SchemaDocument,
  proposal: SchemaDocument | undefined,
  kinds: readonly Kind[],
  save: Action<[SchemaDocument]>,
) {
  const [form, setForm] = useState<SchemaForm>(() => toForm(proposal ?? document));
  const [tried, setTried] = useState(false);
  const [added, setAdded] = useState<string>();
  // Fields that were discarded and begin anew are other fields.
  const [round, setRound] = useState(0);
  const next = useRef(0);
  const change = (changed: Partial<SchemaForm>) => {
    setForm((before) => ({ ...before, ...changed }));
    save.clear();
  };
  return {
    form,
    tried,
    setTried,
    added,
    round,
    change,
    changeField: (key: string, changed: Partial<FieldForm>) => {
      change({ fields: form.fields.map((field) => (field.key === key ? { ...field, ...changed } : field)) });
    },
    add: () => {
      const key = `new-${next.current}`;
      next.current += 1;
      const field = { key, name: "", required: false, definition: kinds[0]?.definition ?? {}, isNew: true };
      change({ fields: [...form.fields, field] });
      setAdded(key);
    },
    discard: () => {
      setForm(toForm(document));
      setRound(round + 1);
      setTried(false);
      save.clear();
    },
  };
}

function allProblems(
  form: SchemaForm,
  saved: SchemaDocument | undefined,
  limits: Limits,
  kinds: readonly Kind[],
  otherTitles: readonly string[],
): Problems {
  const problems = problemsOf(form, saved, limits, kinds);
  const title = form.title.trim().toLowerCase();
  const taken = otherTitles.some((other) => other.trim().toLowerCase() === title);
  return taken ? new Map([...problems, ["title", "Another event type has this name."]]) : problems;
}

function isOf(field: FieldForm, problems: Problems): boolean {
  return [...problems.keys()].some((place) => place.startsWith(`${field.key}.`));
}

interface WordsProps {
  form: SchemaForm;
  limits: Limits;
  readOnly: boolean;
  shown: (place: string, early?: boolean) => string | undefined;
  onChange: (changed: Partial<SchemaForm>) => void;
}

/** The name and the description of the event type. */
function Words({ form, limits, readOnly, shown, onChange }: WordsProps) {
  return (
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
            onChange({ title });
          }}
        />
        <TextField
          label="Description"
          hint="What the event means, for those who build views."
          value={form.description}
          problem={shown("description", true)}
          onValue={(description) => {
            onChange({ description });
          }}
        />
      </fieldset>
    </div>
  );
}

function FieldsHead({ count: fields, limits, versioned }: { count: number; limits: Limits; versioned: boolean }) {
  return (
    <>
      <div class="row apart">
        <h2>Fields</h2>
        <span class="soft small">
          {count(fields, "field")} of {limits.maxNumberOfFieldsPerSchema}
        </span>
      </div>
      {versioned && (
        <p class="soft small">
          A new version can add optional fields, change limits and words, and make a field optional. Names and kinds
          stay, because stored events and views use them.
        </p>
      )}
      {fields === 0 && <p class="soft">There is no field yet. An event without fields only counts.</p>}
    </>
  );
}

function AddField({ full, onAdd }: { full: boolean; onAdd: () => void }) {
  return (
    <div class="row">
      <button type="button" onClick={onAdd} disabled={full}>
        Add field
      </button>
      {full && <span class="soft small">The event type has as many fields as it can have.</span>}
    </div>
  );
}

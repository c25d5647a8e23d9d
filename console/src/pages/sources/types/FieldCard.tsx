/** One field of an event type: its name, kind, words and limits. What a new version must keep is locked. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Checkbox, Select, TextField } from "../../../components/forms";
import { FieldDetails } from "./FieldDetails";
import { type Kind, kindName, ofKind } from "./kinds";
import { type FieldForm, text } from "./schemaForm";
import type { Locks } from "./schemaRules";

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

export function FieldCard({
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
        <NameAndKind field={field} kinds={kinds} kind={kind} locks={locks} problem={problem} onChange={onChange} />
        <RequiredField field={field} locks={locks} problem={problem("required")} onChange={onChange} />
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

interface PartProps {
  field: FieldForm;
  locks: Locks;
  onChange: (changed: Partial<FieldForm>) => void;
}

interface NameAndKindProps extends PartProps {
  kinds: readonly Kind[];
  kind: Kind | undefined;
  problem: (part: string) => string | undefined;
}

function NameAndKind({ field, kinds, kind, locks, problem, onChange }: NameAndKindProps) {
  return (
    <div class="schema-pair">
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
  );
}

function RequiredField({ field, locks, problem, onChange }: PartProps & { problem: string | undefined }) {
  return (
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
      {problem && <p class="problem small">{problem}</p>}
    </div>
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

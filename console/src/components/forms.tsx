/** Fields of forms. Each has a label, a hint and its problem, tied together for screen readers. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  problem?: string | undefined;
  /** The control; it gets its id and ARIA attributes. */
  children: (control: {
    id: string;
    "aria-describedby": string | undefined;
    "aria-invalid": "true" | undefined;
  }) => ComponentChildren;
}

export function Field({ label, hint, problem, children }: FieldProps) {
  const id = useId();
  const described = [hint ? `${id}-hint` : "", problem ? `${id}-problem` : ""].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": problem ? "true" : undefined })}
      {hint && (
        <span class="soft small" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {problem && (
        <span class="problem" id={`${id}-problem`}>
          {problem}
        </span>
      )}
    </div>
  );
}

interface InputProps {
  label: string;
  hint?: ComponentChildren;
  problem?: string | undefined;
  value: string;
  onValue: (value: string) => void;
  type?: "text" | "search" | "email" | "number" | "date" | "datetime-local" | "url" | "password";
  required?: boolean;
  disabled?: boolean;
  placeholder?: string;
  maxLength?: number;
  autocomplete?: "off" | "email" | "name";
}

/** A field of one line. */
export function TextField({ label, hint, problem, onValue, type = "text", ...input }: InputProps) {
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(control) => (
        <input
          // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-assertion -- Preact types each kind of input apart
          type={type as "text"}
          {...input}
          {...control}
          onInput={(event) => {
            onValue(event.currentTarget.value);
          }}
        />
      )}
    </Field>
  );
}

interface AreaProps {
  label: string;
  hint?: ComponentChildren;
  problem?: string | undefined;
  value: string;
  rows?: number;
  onValue: (value: string) => void;
}

/** A field of several lines. */
export function TextArea({ label, hint, problem, value, rows = 8, onValue }: AreaProps) {
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(control) => (
        <textarea
          {...control}
          rows={rows}
          value={value}
          spellcheck={false}
          onInput={(event) => {
            onValue(event.currentTarget.value);
          }}
        />
      )}
    </Field>
  );
}

export interface Option {
  readonly value: string;
  readonly label: string;
  /** Options of one group stand together, below its name. */
  readonly group?: string | undefined;
}

interface SelectProps {
  label: string;
  hint?: ComponentChildren;
  problem?: string | undefined;
  value: string;
  options: readonly Option[];
  /** What is shown while nothing is chosen. */
  placeholder?: string;
  disabled?: boolean;
  onValue: (value: string) => void;
}

export function Select({ label, hint, problem, value, options, placeholder, disabled, onValue }: SelectProps) {
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(control) => (
        <select
          {...control}
          value={value}
          disabled={disabled}
          onChange={(event) => {
            onValue(event.currentTarget.value);
          }}
        >
          {placeholder !== undefined && <option value="">{placeholder}</option>}
          {[...new Set(options.map((option) => option.group))].map((group) => {
            const own = options
              .filter((option) => option.group === group)
              .map((option) => (
                <option key={option.value} value={option.value}>
                  {option.label}
                </option>
              ));
            return group === undefined ? (
              own
            ) : (
              <optgroup key={group} label={group}>
                {own}
              </optgroup>
            );
          })}
        </select>
      )}
    </Field>
  );
}

interface CheckProps {
  label: ComponentChildren;
  checked: boolean;
  disabled?: boolean;
  onValue: (checked: boolean) => void;
}

export function Checkbox({ label, checked, disabled, onValue }: CheckProps) {
  return (
    <label class="choice">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => {
          onValue(event.currentTarget.checked);
        }}
      />
      <span>{label}</span>
    </label>
  );
}

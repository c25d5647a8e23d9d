/** The words and limits of one field. */

import { useState } from "preact/hooks";
import { TextArea, TextField } from "../../../components/forms";
import { number } from "../../../formats";
import type { Bounds, Kind } from "./kinds";
import { boundFromText, boundText, type Definition, enumOf, text, withItemKeyword, withKeyword } from "./schemaForm";
import { boundLabel } from "./schemaRules";

interface Props {
  definition: Definition;
  /** The definition in the saved version, whose values a list must keep. */
  saved: Definition | undefined;
  kind: Kind;
  problem: (part: string) => string | undefined;
  onChange: (definition: Definition) => void;
}

export function FieldDetails({ definition, saved, kind, problem, onChange }: Props) {
  const items = (definition["items"] ?? {}) as Definition;
  const word = (keyword: string) => (value: string) => {
    onChange(withKeyword(definition, keyword, value || undefined));
  };
  return (
    <>
      <div class="schema-pair">
        <TextField
          label="Title"
          hint="Shown in views instead of the name."
          value={text(definition, "title")}
          problem={problem("title")}
          onValue={word("title")}
        />
        <TextField
          label="Description"
          value={text(definition, "description")}
          problem={problem("description")}
          onValue={word("description")}
        />
      </div>
      {kind.name === "enum" && (
        <EnumValues definition={definition} saved={saved} problem={problem("enum")} onChange={onChange} />
      )}
      {Object.keys(kind.bounds).length > 0 && (
        <BoundFields
          legend={"minLength" in kind.bounds ? "Length in characters" : "minItems" in kind.bounds ? "Entries" : "Range"}
          bounds={kind.bounds}
          values={definition}
          problem={problem}
          onValue={(keyword, value) => {
            onChange(withKeyword(definition, keyword, value));
          }}
        />
      )}
      {Object.keys(kind.itemBounds).length > 0 && (
        <BoundFields
          legend="Length of each entry in characters"
          bounds={kind.itemBounds}
          values={items}
          problem={(part) => problem(`items.${part}`)}
          onValue={(keyword, value) => {
            onChange(withItemKeyword(definition, keyword, value));
          }}
        />
      )}
    </>
  );
}

interface BoundFieldsProps {
  legend: string;
  bounds: Readonly<Record<string, Bounds>>;
  values: Definition;
  problem: (part: string) => string | undefined;
  onValue: (keyword: string, value: unknown) => void;
}

function BoundFields({ legend, bounds, values, problem, onValue }: BoundFieldsProps) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      <div class="schema-pair">
        {Object.entries(bounds).map(([keyword, { min, max }]) => (
          <TextField
            key={keyword}
            label={boundLabel(keyword)}
            hint={Number.isSafeInteger(max) ? `${number(min)} to ${number(max)}` : "Any number of up to 38 digits"}
            value={boundText(values[keyword])}
            problem={problem(keyword)}
            autocomplete="off"
            onValue={(entered) => {
              onValue(keyword, boundFromText(entered));
            }}
          />
        ))}
      </div>
    </fieldset>
  );
}

interface EnumProps {
  definition: Definition;
  saved: Definition | undefined;
  problem: string | undefined;
  onChange: (definition: Definition) => void;
}

/** The values of a list. Those of the saved version stay. */
function EnumValues({ definition, saved, problem, onChange }: EnumProps) {
  const kept = saved ? enumOf(saved) : [];
  const [entered, setEntered] = useState(() =>
    enumOf(definition)
      .filter((value) => !kept.includes(value))
      .join("\n"),
  );
  return (
    <>
      {kept.length > 0 && (
        <div class="field">
          <span class="label">Values</span>
          <span class="row">
            {kept.map((value) => (
              <span key={value} class="badge">
                {value}
              </span>
            ))}
          </span>
          <span class="soft small">These stay, because stored events have them.</span>
        </div>
      )}
      <TextArea
        label={kept.length > 0 ? "More values" : "Values"}
        hint="One in each line."
        rows={4}
        value={entered}
        problem={problem}
        onValue={(lines) => {
          setEntered(lines);
          const values = lines.split("\n").map((line) => line.trim());
          onChange(withKeyword(definition, "enum", [...kept, ...values.filter(Boolean)]));
        }}
      />
    </>
  );
}

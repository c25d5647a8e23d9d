/** The conditions under which an event belongs to an element. */

import { useId } from "preact/hooks";
import { Checkbox, type Option } from "../../components/forms";
import { type Attribute, filterable } from "./attributes";
import { GroupAt, SelectAt, TextAt, useBuilding, useProblem } from "./building";
import {
  addCondition,
  changeAttribute,
  changeComparison,
  changeCondition,
  type Comparison,
  COMPARISON_LABELS,
  comparisonOf,
  comparisonsFor,
  type Condition,
  conditions,
  removeCondition,
} from "./conditions";
import { type Comparator, COMPARATORS, type Element, type Filter, type Range, typedText } from "./definition";

const COMPARATOR_LABELS: Readonly<Record<Comparator, string>> = {
  gte: "at least (≥)",
  gt: "more than (>)",
  lte: "at most (≤)",
  lt: "less than (<)",
  eq: "exactly (=)",
  neq: "not (≠)",
};

export function Conditions({ element, path }: { element: Element; path: string }) {
  const id = useId();
  const { events, edit, focus } = useBuilding();
  const event = events.get(element.attributes.id);
  const attributes = filterable(event);
  const shown = conditions(element.filter);
  const change = (filter: Filter | undefined, field?: string) => {
    edit({ do: "changeElement", id: element.id, change: { filter } }, field);
  };
  const [first] = attributes;
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>Which events count</h2>
      {shown.length === 0 && (
        <p class="soft">
          All events of “{event?.name ?? "this event"}” count. Add a condition to count only some of them.
        </p>
      )}
      {shown.length > 1 && <p class="soft small">An event counts if all conditions hold.</p>}
      {shown.map((condition, position) => (
        <ConditionForm
          key={`${condition.list}${condition.index}`}
          condition={condition}
          position={position}
          filter={element.filter ?? {}}
          path={`${path}.filter.${condition.list}[${condition.index}]`}
          attributes={attributes}
          onChange={change}
        />
      ))}
      {first ? (
        <div>
          <button
            type="button"
            onClick={() => {
              const filter = addCondition(element.filter, first);
              change(filter);
              const list = first.kind === "number" || first.kind === "integer" ? "numberPredicates" : "predicates";
              focus(`${path}.filter.${list}[${(filter[list]?.length ?? 1) - 1}].dimension`);
            }}
          >
            Add condition
          </button>
        </div>
      ) : (
        <p class="soft small">This event has no attribute that can be filtered.</p>
      )}
    </section>
  );
}

interface FormProps {
  condition: Condition;
  position: number;
  filter: Filter;
  path: string;
  attributes: readonly Attribute[];
  onChange: (filter: Filter | undefined, field?: string) => void;
}

function ConditionForm({ condition, position, filter, path, attributes, onChange }: FormProps) {
  const { dimension } = condition.predicate;
  const attribute = attributes.find(({ name }) => name === dimension);
  const comparison = comparisonOf(condition);
  const offered = comparisonsFor(attribute);
  const comparisons = offered.includes(comparison) ? offered : [...offered, comparison];
  return (
    <GroupAt path={path} title={`Condition ${position + 1}`}>
      <div class="pair">
        <SelectAt
          path={`${path}.dimension`}
          label="Attribute"
          value={dimension}
          options={attributes.map(({ name, title }) => ({ value: name, label: title }))}
          onValue={(name) => {
            const chosen = attributes.find((one) => one.name === name);
            if (chosen) onChange(changeAttribute(filter, condition, chosen));
          }}
        />
        <SelectAt
          path={`${path}.operator`}
          label="Comparison"
          value={comparison}
          options={comparisons.map((value) => ({ value, label: COMPARISON_LABELS[value] }))}
          onValue={(value) => {
            onChange(changeComparison(filter, condition, value as Comparison));
          }}
        />
      </div>
      {condition.list === "predicates" && !condition.predicate.noValue && (
        <Values
          path={`${path}.values`}
          values={condition.predicate.values ?? []}
          attribute={attribute}
          onValues={(values, field) => {
            onChange(changeCondition(filter, condition, { values }), field);
          }}
        />
      )}
      {condition.list === "numberPredicates" && !condition.predicate.noValue && (
        <Limits
          path={`${path}.range`}
          range={condition.predicate.range ?? {}}
          onRange={(range, field) => {
            onChange(changeCondition(filter, condition, { range }), field);
          }}
        />
      )}
      <div>
        <button
          type="button"
          class="plain"
          onClick={() => {
            onChange(removeCondition(filter, condition));
          }}
        >
          Remove condition<span class="unseen"> {position + 1}</span>
        </button>
      </div>
    </GroupAt>
  );
}

// -- values ------------------------------------------------------------------------------------------------------------

interface ValuesProps {
  path: string;
  values: readonly string[];
  attribute: Attribute | undefined;
  onValues: (values: readonly string[], field?: string) => void;
}

function Values(props: ValuesProps) {
  const { attribute } = props;
  if (attribute?.kind === "enum") return <Choices {...props} offered={attribute.values} />;
  if (attribute?.kind === "boolean") return <Choices {...props} offered={["true", "false"]} />;
  return <TypedValues {...props} />;
}

/** The values that the attribute can have; a value of the definition that it cannot have is shown too. */
function Choices({ path, values, offered, onValues }: ValuesProps & { offered: readonly string[] }) {
  const problem = useProblem(path);
  const shown = [
    ...offered,
    ...values.filter((value, index) => !offered.includes(value) && values.indexOf(value) === index),
  ];
  return (
    <fieldset class="choices" data-path={path}>
      <legend>Values</legend>
      {shown.map((value) => (
        <Checkbox
          key={value}
          label={offered.includes(value) ? value : `${value} (not a value of this attribute)`}
          checked={values.includes(value)}
          onValue={(checked) => {
            onValues(checked ? [...values, value] : values.filter((one) => one !== value));
          }}
        />
      ))}
      {problem && <p class="problem">{problem}</p>}
    </fieldset>
  );
}

function TypedValues({ path, values, onValues }: ValuesProps) {
  const { focus } = useBuilding();
  const listProblem = useProblem(path, false);
  const shown = values.length > 0 ? values : [""];
  return (
    <div class="stack tight" data-path={path}>
      {shown.map((value, index) => (
        <div key={index} class="with-button">
          {/* One field from the first letter on: another one in its place would lose the focus. */}
          <TextAt
            path={`${path}[${index}]`}
            label={index === 0 ? "Value" : "or"}
            value={value}
            problem={values.length === 0 ? listProblem : undefined}
            onValue={(text) => {
              onValues(text === "" && values.length <= 1 ? [] : shown.with(index, text), `${path}[${index}]`);
            }}
          />
          {values.length > 1 && (
            <button
              type="button"
              aria-label={`Remove value ${index + 1}`}
              onClick={() => {
                onValues(values.toSpliced(index, 1));
              }}
            >
              ×
            </button>
          )}
        </div>
      ))}
      <div>
        <button
          type="button"
          class="plain"
          disabled={values.length === 0}
          onClick={() => {
            onValues([...values, ""]);
            focus(`${path}[${values.length}]`);
          }}
        >
          Or another value
        </button>
      </div>
    </div>
  );
}

// -- limits of numbers -------------------------------------------------------------------------------------------------

interface LimitsProps {
  path: string;
  range: Range;
  onRange: (range: Range, field?: string) => void;
}

function Limits({ path, range, onRange }: LimitsProps) {
  const given = COMPARATORS.filter((name) => range[name]);
  const free = COMPARATORS.filter((name) => !range[name]);
  const next = !range.lte && !range.lt ? "lte" : free[0];
  return (
    <GroupAt path={path} title="Limits">
      {given.map((name) => (
        <Limit key={name} name={name} path={`${path}.${name}`} range={range} free={free} onRange={onRange} />
      ))}
      {next && (
        <div>
          <button
            type="button"
            class="plain"
            onClick={() => {
              onRange({ ...range, [next]: { number: "" } });
            }}
          >
            {given.length > 0 ? "And another limit" : "Add limit"}
          </button>
        </div>
      )}
    </GroupAt>
  );
}

const GIVEN_AS: readonly Option[] = [
  { value: "number", label: "number" },
  { value: "duration", label: "duration, in milliseconds" },
];

interface LimitProps extends LimitsProps {
  name: Comparator;
  free: readonly Comparator[];
}

function Limit({ name, path, range, free, onRange }: LimitProps) {
  const value = range[name] ?? {};
  const isDuration = typeof value.duration === "string";
  return (
    <div class="limit">
      <SelectAt
        path={`${path}.comparator`}
        label="Limit"
        value={name}
        options={COMPARATORS.filter((one) => one === name || free.includes(one)).map((one) => ({
          value: one,
          label: COMPARATOR_LABELS[one],
        }))}
        onValue={(other) => {
          const { [name]: moved, ...rest } = range;
          onRange({ ...rest, [other]: moved });
        }}
      />
      {isDuration ? (
        <TextAt
          path={path}
          label="Duration"
          placeholder="PT5M"
          value={value.duration ?? ""}
          onValue={(duration) => {
            onRange({ ...range, [name]: { ...value, duration } }, path);
          }}
        />
      ) : (
        <TextAt
          path={path}
          label="Number"
          value={typedText(value.number)}
          onValue={(number) => {
            onRange({ ...range, [name]: { ...value, number } }, path);
          }}
        />
      )}
      <SelectAt
        path={`${path}.form`}
        label="Given as"
        value={isDuration ? "duration" : "number"}
        options={GIVEN_AS}
        onValue={(form) => {
          onRange({ ...range, [name]: form === "duration" ? { duration: "" } : { number: "" } });
        }}
      />
      <button
        type="button"
        aria-label={`Remove the limit ${COMPARATOR_LABELS[name]}`}
        onClick={() => {
          onRange({ ...range, [name]: undefined });
        }}
      >
        Remove
      </button>
    </div>
  );
}

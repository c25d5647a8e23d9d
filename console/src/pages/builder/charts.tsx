/** The charts of a view. */

import { Checkbox, type Option } from "../../components/forms";
import { type Attribute, filterable, isNumeric } from "./attributes";
import { elementOptions, GroupAt, SelectAt, TextAt, useBuilding, useProblem } from "./building";
import {
  type Aggregate,
  AGGREGATES,
  type Chart,
  type ChartDisplay,
  type GroupByAttribute,
  type Metric,
  typedText,
} from "./definition";
import { freeId } from "./edits";
import { LIMITS, NEEDS_ATTRIBUTE } from "./problems";

const AGGREGATE_LABELS: Readonly<Record<Aggregate, string>> = {
  CustomerCount: "Number of customers",
  EventCount: "Number of events",
  Sum: "Sum of an attribute",
  Average: "Average of an attribute",
  Minimum: "Least of an attribute",
  Maximum: "Greatest of an attribute",
};

const TIMES: readonly Option[] = ["Day", "Week", "Month", "Year"].map((one) => ({
  value: one,
  label: one.toLowerCase(),
}));

export function Charts() {
  const { definition, edit, focus } = useBuilding();
  const charts = definition.charts ?? [];
  const problem = useProblem("charts", false);
  const empty = definition.elements.length === 0;
  return (
    <div class="stack" data-path="charts" tabindex={-1}>
      {charts.length === 0 && (
        <p class="soft">
          {empty
            ? "Add an element first: charts count the events of elements."
            : "Charts show figures of elements by time, or by the values of an attribute."}
        </p>
      )}
      {problem && <p class="problem">{problem}</p>}
      {charts.map((chart, index) => (
        <ChartForm key={chart.id ?? index} chart={chart} index={index} />
      ))}
      <div>
        <button
          type="button"
          disabled={empty || charts.length >= LIMITS.charts}
          onClick={() => {
            edit({ do: "addChart", id: crypto.randomUUID() });
            focus(`charts[${charts.length}].name`);
          }}
        >
          Add chart
        </button>
        {charts.length >= LIMITS.charts && <span class="soft small"> A view has at most {LIMITS.charts} charts.</span>}
      </div>
    </div>
  );
}

function ChartForm({ chart, index }: { chart: Chart; index: number }) {
  const { edit } = useBuilding();
  const path = `charts[${index}]`;
  const title = `chart-${index}`;
  const change: Change = (changed, field) => {
    edit({ do: "changeChart", index, change: changed }, field);
  };
  return (
    <section class="card" aria-labelledby={title}>
      <div class="row apart">
        <h2 id={title} class="wrap-anywhere">
          {chart.name || `Chart ${index + 1}`}
        </h2>
        <button
          type="button"
          class="danger"
          onClick={() => {
            edit({ do: "removeChart", index });
          }}
        >
          Remove chart<span class="unseen"> {chart.name}</span>
        </button>
      </div>
      <div class="columns">
        <div class="stack">
          <TextAt
            path={`${path}.name`}
            label="Name"
            value={chart.name}
            onValue={(name) => {
              change({ name }, `${path}.name`);
            }}
          />
          <Display chart={chart} path={`${path}.displayAttributes`} onChange={change} />
        </div>
        <Metrics chart={chart} path={`${path}.metrics`} onChange={change} />
        <Groups chart={chart} path={path} onChange={change} />
      </div>
    </section>
  );
}

type Change = (change: Partial<Chart>, field?: string) => void;

interface PartProps {
  chart: Chart;
  path: string;
  onChange: Change;
}

// -- figures -----------------------------------------------------------------------------------------------------------

function Metrics({ chart, path, onChange }: PartProps) {
  const { definition } = useBuilding();
  const first = definition.elements[0]?.id ?? "";
  return (
    <GroupAt path={path} title="Figures">
      {chart.metrics.map((metric, index) => (
        <MetricForm
          key={metric.id}
          metric={metric}
          path={`${path}[${index}]`}
          position={index}
          onMetric={(changed, field) => {
            onChange({ metrics: chart.metrics.with(index, { ...metric, ...changed }) }, field);
          }}
          onRemove={
            chart.metrics.length > 1
              ? () => {
                  onChange({ metrics: chart.metrics.toSpliced(index, 1) });
                }
              : undefined
          }
        />
      ))}
      {chart.metrics.length < LIMITS.metrics && (
        <div>
          <button
            type="button"
            class="plain"
            onClick={() => {
              const id = freeId(chart.metrics.map((metric) => metric.id));
              const elementId = chart.metrics.at(-1)?.elementId ?? first;
              onChange({ metrics: [...chart.metrics, { id, elementId, aggregate: "EventCount" }] });
            }}
          >
            Add figure
          </button>
        </div>
      )}
    </GroupAt>
  );
}

interface MetricProps {
  metric: Metric;
  path: string;
  position: number;
  onMetric: (change: Partial<Metric>, field?: string) => void;
  onRemove: (() => void) | undefined;
}

function MetricForm({ metric, path, position, onMetric, onRemove }: MetricProps) {
  const { definition } = useBuilding();
  const aggregate = metric.aggregate ?? "CustomerCount";
  const numbers = useAttributes(metric.elementId).filter(isNumeric);
  return (
    <div class="part stack tight">
      <SelectAt
        path={`${path}.aggregate`}
        label="Figure"
        value={aggregate}
        options={AGGREGATES.map((value) => ({ value, label: AGGREGATE_LABELS[value] }))}
        onValue={(value) => {
          const needed = NEEDS_ATTRIBUTE.includes(value);
          const attribute = needed ? (metric.attribute ?? numbers[0]?.name) : undefined;
          onMetric({ aggregate: value as Aggregate, attribute });
        }}
      />
      {(NEEDS_ATTRIBUTE.includes(aggregate) || metric.attribute) && (
        <SelectAt
          path={`${path}.attribute`}
          label="Attribute"
          value={metric.attribute ?? ""}
          options={attributeOptions(numbers)}
          onValue={(attribute) => {
            onMetric({ attribute: attribute || undefined });
          }}
        />
      )}
      <SelectAt
        path={`${path}.elementId`}
        label="At element"
        value={metric.elementId}
        options={elementOptions(definition)}
        onValue={(elementId) => {
          onMetric({ elementId });
        }}
      />
      <TextAt
        path={`${path}.displayLabel`}
        label="Label in the legend"
        value={metric.displayLabel ?? ""}
        onValue={(displayLabel) => {
          onMetric({ displayLabel: displayLabel || undefined }, `${path}.displayLabel`);
        }}
      />
      {onRemove && (
        <div>
          <button type="button" class="plain" onClick={onRemove}>
            Remove figure<span class="unseen"> {position + 1}</span>
          </button>
        </div>
      )}
    </div>
  );
}

// -- groups ------------------------------------------------------------------------------------------------------------

function Groups({ chart, path, onChange }: PartProps) {
  const groups = chart.groupByAttributes ?? [];
  const first = chart.metrics[0]?.elementId ?? "";
  const attributes = useAttributes(first);
  return (
    <GroupAt path={`${path}.groupByAttributes`} title="Grouped by">
      <SelectAt
        path={`${path}.groupByTime`}
        label="Time (UTC)"
        value={chart.groupByTime ?? ""}
        placeholder="not by time"
        options={TIMES}
        onValue={(value) => {
          onChange({ groupByTime: (value || undefined) as Chart["groupByTime"] });
        }}
      />
      {groups.map((group, index) => (
        <GroupForm
          key={index}
          group={group}
          chart={chart}
          path={`${path}.groupByAttributes[${index}]`}
          position={index}
          onGroup={(changed) => {
            onChange({ groupByAttributes: groups.with(index, { ...group, ...changed }) });
          }}
          onRemove={() => {
            onChange({ groupByAttributes: groups.toSpliced(index, 1) });
          }}
        />
      ))}
      {groups.length < LIMITS.groups && attributes.length > 0 && (
        <div>
          <button
            type="button"
            class="plain"
            onClick={() => {
              const free = attributes.find(({ name }) => !groups.some((group) => group.attribute === name));
              onChange({ groupByAttributes: [...groups, { elementId: first, attribute: free?.name ?? "" }] });
            }}
          >
            Group by an attribute
          </button>
        </div>
      )}
      <TextAt
        path={`${path}.groupByMax`}
        label="Largest groups only"
        placeholder="all groups"
        hint="How many groups the chart shows."
        value={typedText(chart.groupByMax)}
        onValue={(value) => {
          onChange({ groupByMax: value.trim() ? value : undefined }, `${path}.groupByMax`);
        }}
      />
    </GroupAt>
  );
}

interface GroupProps {
  group: GroupByAttribute;
  chart: Chart;
  path: string;
  position: number;
  onGroup: (change: Partial<GroupByAttribute>) => void;
  onRemove: () => void;
}

function GroupForm({ group, chart, path, position, onGroup, onRemove }: GroupProps) {
  const { definition } = useBuilding();
  const measured = new Set(chart.metrics.map(({ elementId }) => elementId));
  return (
    <div class="part stack tight">
      <SelectAt
        path={`${path}.attribute`}
        label="Attribute"
        value={group.attribute}
        options={attributeOptions(useAttributes(group.elementId))}
        onValue={(attribute) => {
          onGroup({ attribute });
        }}
      />
      <SelectAt
        path={`${path}.elementId`}
        label="Of element"
        value={group.elementId}
        options={elementOptions(definition).filter(({ value }) => measured.has(value))}
        onValue={(elementId) => {
          onGroup({ elementId });
        }}
      />
      <div>
        <button type="button" class="plain" onClick={onRemove}>
          Remove group<span class="unseen"> {position + 1}</span>
        </button>
      </div>
    </div>
  );
}

// -- display -----------------------------------------------------------------------------------------------------------

const TITLES = [
  ["groupByTitle", "Title of the groups"],
  ["metricsTitle", "Title of the figures"],
  ["secondaryMetricsTitle", "Title of the second axis"],
] as const;

function Display({ chart, path, onChange }: PartProps) {
  const display = chart.displayAttributes ?? {};
  const change = (changed: ChartDisplay, field?: string) => {
    onChange({ displayAttributes: { ...display, ...changed } }, field);
  };
  return (
    <>
      <SelectAt
        path={`${path}.type`}
        label="Drawn as"
        value={display.type ?? ""}
        placeholder="whatever fits"
        options={[
          { value: "Column", label: "columns" },
          { value: "Bar", label: "bars" },
          { value: "Line", label: "lines" },
        ]}
        onValue={(value) => {
          change({ type: (value || undefined) as ChartDisplay["type"] });
        }}
      />
      <Checkbox
        label="Show the legend"
        checked={display.showLegend ?? true}
        onValue={(showLegend) => {
          change({ showLegend });
        }}
      />
      <details>
        <summary>Titles of the axes</summary>
        <div class="stack tight">
          {TITLES.map(([name, label]) => (
            <TextAt
              key={name}
              path={`${path}.${name}`}
              label={label}
              value={display[name] ?? ""}
              onValue={(text) => {
                change({ [name]: text || undefined }, `${path}.${name}`);
              }}
            />
          ))}
        </div>
      </details>
    </>
  );
}

function useAttributes(elementId: string): Attribute[] {
  const { definition, events } = useBuilding();
  const element = definition.elements.find(({ id }) => id === elementId);
  return filterable(events.get(element?.attributes.id ?? ""));
}

function attributeOptions(attributes: readonly Attribute[]): Option[] {
  return attributes.map(({ name, title }) => ({ value: name, label: title }));
}

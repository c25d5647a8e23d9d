/** Everything that can be done to a definition, as data, and the function that does it. */

import type { Chart, Definition, Element, Link } from "./definition";

export type Edit =
  | { readonly do: "changeView"; readonly change: Partial<Omit<Definition, "elements" | "charts">> }
  /** `after` is the id of the element that the new one follows. */
  | { readonly do: "addElement"; readonly event: string; readonly name: string; readonly after?: string | undefined }
  | { readonly do: "changeElement"; readonly id: string; readonly change: Partial<Omit<Element, "id" | "followedBy">> }
  | { readonly do: "duplicateElement"; readonly id: string }
  | { readonly do: "removeElement"; readonly id: string }
  | { readonly do: "connect"; readonly from: string; readonly to: string }
  | {
      readonly do: "changeLink";
      readonly from: string;
      readonly to: string;
      readonly change: Partial<Omit<Link, "id">>;
    }
  | { readonly do: "disconnect"; readonly from: string; readonly to: string }
  | { readonly do: "addChart"; readonly id: string }
  | { readonly do: "changeChart"; readonly index: number; readonly change: Partial<Chart> }
  | { readonly do: "removeChart"; readonly index: number };

export function applyEdit(definition: Definition, edit: Edit): Definition {
  const { elements } = definition;
  switch (edit.do) {
    case "changeView":
      return { ...definition, ...edit.change };
    case "addElement":
      return addElement(definition, edit.event, edit.name, edit.after);
    case "changeElement":
      return withElement(definition, edit.id, (element) => ({ ...element, ...edit.change }));
    case "duplicateElement": {
      const index = elements.findIndex(({ id }) => id === edit.id);
      const original = elements[index];
      if (!original) return definition;
      const copy = { ...original, id: freeElementId(elements), name: freeName(elements, original.name) };
      return { ...definition, elements: elements.toSpliced(index + 1, 0, copy) };
    }
    case "removeElement":
      return removeElement(definition, edit.id);
    case "connect":
      if (edit.from === edit.to || !elements.some(({ id }) => id === edit.to)) return definition;
      return withLinks(definition, edit.from, (links) =>
        links.some(({ id }) => id === edit.to) ? links : [...links, { id: edit.to }],
      );
    case "changeLink":
      return withLinks(definition, edit.from, (links) =>
        links.map((link) => (link.id === edit.to ? { ...link, ...edit.change } : link)),
      );
    case "disconnect":
      return withLinks(definition, edit.from, (links) => links.filter(({ id }) => id !== edit.to));
    case "addChart":
      return addChart(definition, edit.id);
    case "changeChart":
      return withCharts(definition, (charts) =>
        charts.map((chart, index) => (index === edit.index ? { ...chart, ...edit.change } : chart)),
      );
    case "removeChart":
      return withCharts(definition, (charts) => charts.filter((_, index) => index !== edit.index));
  }
}

function addElement(definition: Definition, event: string, name: string, after: string | undefined): Definition {
  const id = freeElementId(definition.elements);
  const attributes = { type: "Event" as const, id: event };
  const element = { id, name: freeName(definition.elements, name), attributes };
  const added = { ...definition, elements: [...definition.elements, element] };
  return after === undefined ? added : applyEdit(added, { do: "connect", from: after, to: id });
}

/** Removes an element with the links to it, the times from and to it, and what charts show of it. A chart that then shows nothing is removed too. */
function removeElement(definition: Definition, id: string): Definition {
  if (!definition.elements.some((element) => element.id === id)) return definition;
  const elements = definition.elements.flatMap((element) => {
    if (element.id === id) return [];
    if (!element.followedBy?.some((link) => link.id === id)) return [element];
    return [{ ...element, followedBy: element.followedBy.filter((link) => link.id !== id) }];
  });
  const charts = definition.charts?.flatMap((chart) => {
    const measured = chart.metrics.some(({ elementId }) => elementId === id);
    const grouped = chart.groupByAttributes?.some(({ elementId }) => elementId === id) ?? false;
    if (!measured && !grouped) return [chart];
    const metrics = chart.metrics.filter(({ elementId }) => elementId !== id);
    const groups = chart.groupByAttributes?.filter(({ elementId }) => elementId !== id);
    return metrics.length > 0 ? [{ ...chart, metrics, ...(groups && { groupByAttributes: groups }) }] : [];
  });
  const durations = definition.durations?.filter(({ fromId, toId }) => fromId !== id && toId !== id);
  return { ...definition, elements, ...(charts && { charts }), ...(durations && { durations }) };
}

function addChart(definition: Definition, id: string): Definition {
  const [first] = definition.elements;
  if (!first) return definition;
  const charts = definition.charts ?? [];
  const chart: Chart = {
    id,
    name: freeName(charts, "Customers by week"),
    groupByTime: "Week",
    metrics: [{ id: "1", elementId: first.id, aggregate: "CustomerCount" }],
  };
  return { ...definition, charts: [...charts, chart] };
}

function withElement(definition: Definition, id: string, change: (element: Element) => Element): Definition {
  return {
    ...definition,
    elements: definition.elements.map((element) => (element.id === id ? change(element) : element)),
  };
}

function withLinks(
  definition: Definition,
  id: string,
  change: (links: readonly Link[]) => readonly Link[],
): Definition {
  return withElement(definition, id, (element) => ({ ...element, followedBy: change(element.followedBy ?? []) }));
}

function withCharts(definition: Definition, change: (charts: readonly Chart[]) => readonly Chart[]): Definition {
  return { ...definition, charts: change(definition.charts ?? []) };
}

/** A name that no other has yet, ignoring case: "Order", then "Order 2". */
export function freeName(others: readonly { readonly name: string }[], name: string): string {
  const taken = new Set(others.map((other) => other.name.trim().toLowerCase()));
  const base = name.replace(/ \d{1,3}$/, "");
  for (let number = 1; ; number++) {
    const free = number === 1 ? name : `${base} ${number}`;
    if (!taken.has(free.trim().toLowerCase())) return free;
  }
}

function freeElementId(elements: readonly Element[]): string {
  return freeId(
    elements.flatMap(({ id, followedBy }) => [id, ...(followedBy ?? []).map((link) => link.id)]),
    "element-",
  );
}

/** An id that is not in use yet. */
export function freeId(taken: readonly string[], prefix = ""): string {
  let number = new Set(taken).size + 1;
  while (taken.includes(`${prefix}${number}`)) number++;
  return `${prefix}${number}`;
}

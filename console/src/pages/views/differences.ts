/** What changed between two versions of a view, in words. */

import type { Model } from "../../api/client";
import {
  type View,
  countedText,
  filterTexts,
  groupText,
  joinNote,
  metricText,
  timeFrame,
  timeLimit,
} from "../../journey/words";

export interface Difference {
  readonly kind: "added" | "removed" | "changed";
  /** What it is: "Element Order placed". */
  readonly subject: string;
  /** What it was and is, where that is not the whole subject. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/** A part of a view, with the words for each of its properties. */
interface Part {
  readonly subject: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** What changed from one version to another: the view itself, then its elements, links and charts. */
export function differences(from: View, to: View): Difference[] {
  return compared(parts(from), parts(to));
}

function compared(before: ReadonlyMap<string, Part>, after: ReadonlyMap<string, Part>): Difference[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])];
  return keys.flatMap((key) => {
    const [old, present] = [before.get(key), after.get(key)];
    if (!old) return present ? [{ kind: "added" as const, subject: present.subject }] : [];
    if (!present) return [{ kind: "removed" as const, subject: old.subject }];
    return Object.keys({ ...old.properties, ...present.properties }).flatMap((property): Difference[] => {
      const [was, is] = [old.properties[property] ?? "", present.properties[property] ?? ""];
      return was === is
        ? []
        : [{ kind: "changed", subject: `${present.subject}: ${property}`, before: was || "none", after: is || "none" }];
    });
  });
}

/** All parts of a view, by a key that stays the same between versions. */
function parts(view: View): Map<string, Part> {
  const elements = view.elements ?? [];
  const names = new Map(elements.map(({ id = "", name = "" }) => [id, name]));
  return new Map<string, Part>([
    ["view", { subject: "View", properties: viewProperties(view, names) }],
    ...elements.map((element) => [`element ${element.id ?? ""}`, elementPart(element)] as const),
    ...elements.flatMap((element) =>
      (element.followedBy ?? []).map((link) => [linkId(element, link), linkPart(element, link, names)] as const),
    ),
    ...(view.charts ?? []).map((chart) => [`chart ${chart.id ?? ""}`, chartPart(chart, names)] as const),
  ]);
}

function viewProperties(view: View, names: ReadonlyMap<string, string>): Record<string, string> {
  const name = (id: string) => names.get(id) ?? id;
  return {
    name: view.name ?? "",
    description: view.description ?? "",
    "time frame": timeFrame(view),
    counts: countedText(view),
    durations: (view.durations ?? []).map(({ fromId, toId }) => `from ${name(fromId)} to ${name(toId)}`).join(", "),
  };
}

function elementPart(element: Model<"JourneyViewElement">): Part {
  return {
    subject: `Element ${element.name ?? ""}`,
    properties: {
      name: element.name ?? "",
      "event type": element.attributes?.id ?? "",
      filter: filterTexts(element.filter).join(", and "),
    },
  };
}

function linkId(element: Model<"JourneyViewElement">, link: Model<"JourneyViewLink">): string {
  return `link ${JSON.stringify([element.id, link.id])}`;
}

function linkPart(
  element: Model<"JourneyViewElement">,
  link: Model<"JourneyViewLink">,
  names: ReadonlyMap<string, string>,
): Part {
  return {
    subject: `Link from ${element.name ?? ""} to ${names.get(link.id ?? "") ?? link.id ?? ""}`,
    properties: { "time limit": timeLimit(link) ?? "", events: joinNote(link) ?? "" },
  };
}

function chartPart(chart: Model<"JourneyViewChart">, names: ReadonlyMap<string, string>): Part {
  return {
    subject: `Chart ${chart.name ?? ""}`,
    properties: {
      name: chart.name ?? "",
      metrics: (chart.metrics ?? []).map((metric) => metricText(metric, names)).join("; "),
      groups: groupText(chart),
      "largest groups only": chart.groupByMax === undefined ? "" : String(chart.groupByMax),
      "kind of picture": chart.displayAttributes?.type ?? "",
    },
  };
}

/** A journey as the picture shows it: elements, the links between them, and the figures of both. */

import type { Model } from "../api/client";

/** A link to the element with this id. */
export interface GraphLink {
  readonly id: string;
  /** A few words on the link, such as its time limit: "within 7 days". */
  readonly note?: string | undefined;
}

export interface GraphElement {
  readonly id: string;
  readonly name: string;
  /** Where the events come from; the second line of the card. */
  readonly source?: string | undefined;
  /** The id of the event type, if the contact center's events are of it: the card has its icon. */
  readonly native?: string | undefined;
  readonly followedBy: readonly GraphLink[];
}

/** How many customers reached an element, and what became of them. The last four add up to the first. */
export interface ElementFigures {
  readonly participants: number;
  readonly completed: number;
  readonly flow: number;
  readonly active: number;
  readonly dropout: number;
}

/** How long customers took, in milliseconds. */
export type Duration = Model<"Duration">;

/** The figures of a view, by the id of the element, and of the links, by `linkKey`. */
export interface Figures {
  readonly elements: ReadonlyMap<string, ElementFigures>;
  readonly links: ReadonlyMap<string, number>;
  /** How long customers took along the links, by `linkKey`. Old results lack it. */
  readonly durations: ReadonlyMap<string, Duration>;
}

/** The key of a link in `Figures`. Ids may contain any character, so they are written as JSON. */
export function linkKey(from: string, to: string): string {
  return JSON.stringify([from, to]);
}

/** A link with both of its elements. */
export interface Connection {
  readonly from: GraphElement;
  readonly to: GraphElement;
  readonly link: GraphLink;
}

/** All links between elements that exist, in the order of the elements. A second link to the same element is left out. */
export function connections(elements: readonly GraphElement[]): Connection[] {
  const byId = new Map(elements.map((element) => [element.id, element]));
  return elements.flatMap((from) => {
    const seen = new Set<string>();
    return from.followedBy.flatMap((link) => {
      const to = byId.get(link.id);
      if (!to || to === from || seen.has(link.id)) return [];
      seen.add(link.id);
      return [{ from, to, link }];
    });
  });
}

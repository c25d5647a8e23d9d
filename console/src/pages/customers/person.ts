/** A person behind several identifiers: the identifiers, and the links that join them. Never to be confused with people who sign in. */

export interface Identifier {
  readonly externalSourceId: string;
  readonly value: string;
}

/** Identifiers are compared by this text. */
export function identifierKey({ externalSourceId, value }: Identifier): string {
  return JSON.stringify([externalSourceId, value]);
}

export function sameIdentifier(one: Identifier, other: Identifier): boolean {
  return identifierKey(one) === identifierKey(other);
}

/** The numbers of a person's identifiers, from 1, by key. Steps of the timeline name their identifier by it. */
export type Numbers = ReadonlyMap<string, number>;

export function numbersOf(identifiers: readonly Identifier[]): Numbers {
  return new Map(identifiers.map((one, index) => [identifierKey(one), index + 1]));
}

/** Colors that identifiers have in turn. */
const COLORS = 8;

export function colorOf(number: number): number {
  return ((number - 1) % COLORS) + 1;
}

/** Two identifiers that are linked. The order means nothing. */
export interface Pair {
  readonly from: Identifier;
  readonly to: Identifier;
}

/** A pair as a text that does not depend on its order. */
export function pairKey({ from, to }: Pair): string {
  return [identifierKey(from), identifierKey(to)].sort().join(" ");
}

/** The groups of identifiers that links join, after some links are gone. The groups and identifiers keep their order. */
export function groupsWithout<T extends Identifier>(
  identifiers: readonly T[],
  links: readonly Pair[],
  gone: readonly Pair[],
): T[][] {
  const without = new Set(gone.map(pairKey));
  const group = new Map(identifiers.map((one) => [identifierKey(one), identifierKey(one)]));
  const rootOf = (key: string): string => {
    const parent = group.get(key) ?? key;
    return parent === key ? key : rootOf(parent);
  };
  for (const link of links) {
    if (without.has(pairKey(link))) continue;
    const [from, to] = [identifierKey(link.from), identifierKey(link.to)];
    if (group.has(from) && group.has(to)) group.set(rootOf(from), rootOf(to));
  }
  const groups = new Map<string, T[]>();
  for (const one of identifiers) {
    const root = rootOf(identifierKey(one));
    groups.set(root, [...(groups.get(root) ?? []), one]);
  }
  return [...groups.values()];
}

/** The pairs of an identifier. */
export function linksOf<T extends Pair>(identifier: Identifier, links: readonly T[]): T[] {
  return links.filter(({ from, to }) => sameIdentifier(from, identifier) || sameIdentifier(to, identifier));
}

export function otherOf(identifier: Identifier, { from, to }: Pair): Identifier {
  return sameIdentifier(from, identifier) ? to : from;
}

/**
 * The link by which each identifier came to the person, by key: the first step to it on the shortest way from `start`.
 * `start` has none.
 */
export function waysFrom<T extends Pair>(start: Identifier, links: readonly T[]): Map<string, T> {
  const ways = new Map<string, T>();
  const reached = [start];
  for (const one of reached) {
    for (const link of linksOf(one, links)) {
      const other = otherOf(one, link);
      if (sameIdentifier(other, start) || ways.has(identifierKey(other))) continue;
      ways.set(identifierKey(other), link);
      reached.push(other);
    }
  }
  return ways;
}

interface Lived {
  readonly dateFirstEvent?: string;
  readonly dateLastEvent?: string;
}

/** Where the events of each identifier lie between the first and the last event of all: parts of 1, in their order. */
export function lifelines(
  identifiers: readonly Lived[],
): ({ readonly from: number; readonly to: number } | undefined)[] {
  const dates = identifiers.flatMap(({ dateFirstEvent, dateLastEvent }) =>
    dateFirstEvent === undefined || dateLastEvent === undefined
      ? []
      : [Date.parse(dateFirstEvent), Date.parse(dateLastEvent)],
  );
  const start = Math.min(...dates);
  const length = Math.max(...dates) - start;
  const part = (date: string) => (length > 0 ? (Date.parse(date) - start) / length : 0);
  return identifiers.map(({ dateFirstEvent, dateLastEvent }) =>
    dateFirstEvent === undefined || dateLastEvent === undefined
      ? undefined
      : { from: part(dateFirstEvent), to: length > 0 ? part(dateLastEvent) : 1 },
  );
}

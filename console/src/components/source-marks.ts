/** Which shape and color stand for each source of events. */

/** Shapes in a field of 16 by 16. Each fills about the same area. */
export const SHAPES = [
  "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2z",
  "M3 3h10v10H3z",
  "M8 1.5 15 14H1z",
  "M8 1l7 7-7 7-7-7z",
  "M6 1.5h4V6h4.5v4H10v4.5H6V10H1.5V6H6z",
  "M8 .8l2.1 4.9 5.3.4-4 3.5 1.2 5.2L8 12.1l-4.6 2.7 1.2-5.2-4-3.5 5.3-.4z",
  "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 3.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z",
  "M1 2h14L8 14.5z",
] as const;

/** A shape and a color: the numbers of an entry of SHAPES, and of a token `--series-N`. */
export interface Mark {
  readonly shape: number;
  readonly color: number;
}

/**
 * A mark for each source. Two sources have the same mark only if there are more than 64.
 *
 * A source keeps its mark while the set of sources stays the same. Pass all sources of the organization, so that each
 * looks the same on all pages. Up to eight sources differ in shape and in color.
 */
export function marksOf(sources: Iterable<string>): ReadonlyMap<string, Mark> {
  const marks = new Map<string, Mark>();
  const taken = new Set<number>();
  for (const source of [...new Set(sources)].sort()) {
    if (taken.size === SHAPES.length) taken.clear();
    let shape = hash(source) % SHAPES.length;
    while (taken.has(shape)) shape = (shape + 1) % SHAPES.length;
    taken.add(shape);
    const round = Math.floor(marks.size / SHAPES.length);
    marks.set(source, { shape, color: ((shape + round) % SHAPES.length) + 1 });
  }
  return marks;
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return value >>> 0;
}

/** Text from events, made safe to read: characters that hide or move their neighbors are named instead of obeyed. */

/** A part of a text. `hidden` parts stand for one character and name it, for example `U+202E`. */
export interface Segment {
  readonly text: string;
  readonly hidden: boolean;
}

/**
 * Control characters, lone surrogates, marks that turn the direction of text, and spaces of no width.
 * Tabs, line ends and joiners stay: texts need them.
 */
const HIDDEN = /(?![\t\n\r])\p{Cc}|\p{Cs}|[\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/** Texts of these characters alone need no care: they run from left to right, and can all be seen. */
const PLAIN = /^[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u058f]*$/;

/** Whether a text can be shown as it is. Most can, and long lists draw them several times as fast. */
export function isPlain(text: string): boolean {
  return PLAIN.test(text);
}

export function segments(text: string): Segment[] {
  const parts: Segment[] = [];
  let end = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > end) parts.push({ text: text.slice(end, match.index), hidden: false });
    parts.push({ text: codePoint(match[0]), hidden: true });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), hidden: false });
  return parts;
}

/** The beginning of a text, at most `limit` UTF-16 units long, which never ends within a character. */
export function beginning(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, limit);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

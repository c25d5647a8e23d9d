/** Texts of a picture: SVG does not wrap, so their widths are estimated. */

/** The width of a character in a proportional font, in em. */
function characterWidth(character: string): number {
  if (/[ilj.,:;'|!()[\]tfrI ]/.test(character)) return 0.34;
  if (/[mwMW@%–…]/.test(character)) return 0.92;
  if (/[\u1100-\uffff]|[\ud800-\udbff]/.test(character)) return 1.05;
  return /[A-Z0-9]/.test(character) ? 0.66 : 0.58;
}

/** The estimated width of a text, in pixels. */
export function textWidth(text: string, size: number): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width * size;
}

/** The text, cut with an ellipsis where it is wider. */
export function cut(text: string, width: number, size: number): string {
  if (textWidth(text, size) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (textWidth(`${kept}${character}…`, size) > width) break;
    kept += character;
  }
  return `${kept.trimEnd()}…`;
}

/** The text in at most `lines` lines, broken at spaces; a last line that is too long is cut. */
export function wrapped(text: string, width: number, size: number, lines: number): string[] {
  const words = text.split(/\s+/).filter(Boolean);
  const done: string[] = [];
  while (words.length > 0 && done.length < lines - 1) {
    let line = words.shift() ?? "";
    while (words[0] !== undefined && textWidth(`${line} ${words[0]}`, size) <= width) line += ` ${words.shift() ?? ""}`;
    done.push(cut(line, width, size));
  }
  if (words.length > 0) done.push(cut(words.join(" "), width, size));
  return done;
}

/** Headers as lines of text. */

export function headerText(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}

/** Headers as `Name: value` lines. */
export function readHeaders(text: string): { headers: Readonly<Record<string, string>>; problem?: string } {
  const lines = text.split("\n").filter((line) => line.trim());
  const wrong = lines.find((line) => !/^[^\s:]+\s*:/.test(line));
  if (wrong !== undefined) return { headers: {}, problem: `Write “Name: value”, not “${wrong.trim()}”.` };
  return {
    headers: Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
      }),
    ),
  };
}

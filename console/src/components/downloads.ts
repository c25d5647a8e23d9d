/** Files made in the browser. */

export function download(name: string, content: Blob | string, type = "text/plain"): void {
  const blob = typeof content === "string" ? new Blob([content], { type: `${type};charset=utf-8` }) : content;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name.replace(/[^\p{L}\p{N}._ -]+/gu, "-");
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 10_000);
}

/** Saves CSV of the API. The mark at its beginning tells Excel that the text is UTF-8. */
export function downloadCsv(name: string, text: string): void {
  download(`${name}.csv`, `\ufeff${text}`, "text/csv");
}

/** Tables of listings. */

import type { ComponentChildren } from "preact";

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  /** Numbers stand at the right. */
  readonly numeric?: boolean;
}

interface TableProps<T> {
  /** Read by screen readers, and shown with `captionShown`. */
  caption: string;
  captionShown?: boolean;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
}

/** The first column names the row. Wide tables scroll, also with the keyboard; on narrow screens each row is a block. */
export function Table<T>({ caption, captionShown = false, columns, rows, keyOf }: TableProps<T>) {
  const [name, ...others] = columns;
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reached by keyboard
    <div class="table" tabindex={0} role="region" aria-label={caption}>
      <table>
        <caption class={captionShown ? "" : "unseen"}>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" class={column.numeric ? "number" : ""}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {name && (
                <th scope="row" class={name.numeric ? "number" : ""}>
                  {name.cell(row)}
                </th>
              )}
              {others.map((column) => (
                <td key={column.title} data-title={column.title} class={column.numeric ? "number" : ""}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Rows of a listing that is loaded whole: filtered by a text, and shown page by page. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { TextField } from "../../components/forms";
import { setQuery, useRoute } from "../../routing";

const PAGE = 50;

/** The first rows, and a button for more of them. */
export function Paged<T>({
  rows,
  children,
}: {
  rows: readonly T[];
  children: (rows: readonly T[]) => ComponentChildren;
}) {
  const [size, setSize] = useState(PAGE);
  return (
    <>
      {children(rows.slice(0, size))}
      {rows.length > size && (
        <div>
          <button
            type="button"
            onClick={() => {
              setSize(size + PAGE);
            }}
          >
            Load more
          </button>
        </div>
      )}
    </>
  );
}

/** The text that the rows are filtered by; it is part of the address. */
export function useSearch(): { text: string; matches: (...texts: readonly (string | undefined)[]) => boolean } {
  const text = useRoute().query.get("q") ?? "";
  const wanted = text.trim().toLocaleLowerCase();
  return { text, matches: (...texts) => texts.some((one) => one?.toLocaleLowerCase().includes(wanted)) };
}

export function SearchField({ label }: { label: string }) {
  const { text } = useSearch();
  return (
    <TextField
      label={label}
      type="search"
      value={text}
      onValue={(value) => {
        setQuery({ q: value }, { replace: true });
      }}
    />
  );
}

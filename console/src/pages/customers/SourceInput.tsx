/** An input for the source of an identifier, which offers the sources that events have named. */

import { useId } from "preact/hooks";
import type { FieldProps } from "../../components/forms";
import type { IdentitySettings } from "./identifiers";

interface Props {
  control: Parameters<FieldProps["children"]>[0];
  source: string;
  known: IdentitySettings["knownSources"];
  placeholder?: string;
  onSource: (source: string) => void;
}

export function SourceInput({ control, source, known, placeholder, onSource }: Props) {
  const list = useId();
  return (
    <>
      <input
        {...control}
        list={list}
        value={source}
        maxLength={255}
        placeholder={placeholder}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        onInput={(event) => {
          onSource(event.currentTarget.value);
        }}
      />
      <datalist id={list}>
        {known.map(({ externalSourceId }) => (
          <option key={externalSourceId} value={externalSourceId} />
        ))}
      </datalist>
    </>
  );
}

/** A text of several lines to copy, such as a command. */

import { useState } from "preact/hooks";

export function CopyBlock({ label, text }: { label: string; text: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div class="field">
      <div class="row apart">
        <span class="small soft">{label}</span>
        <span class="row">
          <span role="status" class="small soft">
            {copied ? "Copied" : ""}
          </span>
          <button
            type="button"
            onClick={async () => {
              await navigator.clipboard.writeText(text);
              setCopied(true);
            }}
          >
            Copy<span class="unseen"> {label}</span>
          </button>
        </span>
      </div>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reached by keyboard */}
      <pre tabindex={0} role="region" aria-label={label}>
        {text}
      </pre>
    </div>
  );
}

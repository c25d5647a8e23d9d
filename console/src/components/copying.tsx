/** A value to copy, such as an address or a secret. */

import { useState } from "preact/hooks";

export function Copyable({ label, value }: { label: string; value: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div class="field">
      <span class="small soft">{label}</span>
      <div class="row">
        <code class="wrap-anywhere">{value}</code>
        <button
          type="button"
          onClick={async () => {
            await navigator.clipboard.writeText(value);
            setCopied(true);
          }}
        >
          Copy<span class="unseen"> {label}</span>
        </button>
        <span role="status" class="small soft">
          {copied ? "Copied" : ""}
        </span>
      </div>
    </div>
  );
}

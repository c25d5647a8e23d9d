/** Values to copy, such as an address or a secret. */

import { useEffect, useState } from "preact/hooks";

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

/** Copies the address of what the page shows. */
export function CopyLink() {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    const changed = () => {
      setCopied(false);
    };
    addEventListener("hashchange", changed);
    return () => {
      removeEventListener("hashchange", changed);
    };
  }, []);
  return (
    <>
      <button
        type="button"
        onClick={async () => {
          await navigator.clipboard.writeText(location.href);
          setCopied(true);
        }}
      >
        Copy link
      </button>
      <span role="status" class="small soft">
        {copied ? "Copied. Colleagues who sign in see the same." : ""}
      </span>
    </>
  );
}

/** Opens and closes the list of who is behind a figure. The address has the figure and its job. */

import { useCallback, useRef } from "preact/hooks";
import { parseWho, type Who, whoText } from "../../journey/who";
import { useMay } from "../../me";
import { setQuery, useRoute } from "../../routing";
import type { Shown } from "./shown";

interface OpenWho {
  readonly shown: Who | undefined;
  /** Whether the address names a figure that there is not. */
  readonly unknown: boolean;
  /** Undefined for readers who may not see who it is. */
  readonly open: ((who: Who) => void) | undefined;
  readonly close: () => void;
}

export function useWho({ outcome, newest }: Shown): OpenWho {
  const may = useMay("viewsCustomers:view");
  const { query } = useRoute();
  const who = may ? parseWho(query.get("who")) : undefined;
  const opener = useRef<Element | null>(null);
  const jobId = outcome?.job.id;
  const open = useCallback(
    (next: Who) => {
      const active = document.activeElement;
      // A number in the picture takes no focus. Its element does.
      opener.current = active instanceof HTMLButtonElement ? active : elementOf(next);
      setQuery({ who: whoText(next), job: jobId });
    },
    [jobId],
  );
  const close = () => {
    const back = opener.current?.isConnected ? opener.current : who && elementOf(who);
    setQuery({ who: undefined, job: jobId === newest ? undefined : jobId });
    if (back instanceof HTMLElement || back instanceof SVGElement) back.focus();
  };
  const unknown = may && query.has("who") && who === undefined;
  return { shown: who, unknown, open: may && jobId !== undefined ? open : undefined, close };
}

function elementOf(who: Who): Element | null {
  return who.kind === "group" ? null : document.querySelector(`[data-element="${CSS.escape(who.elementId)}"]`);
}

/** Asks before changes that are not saved are left. */

import { useEffect } from "preact/hooks";
import { go, guardUnsaved } from "../../routing";

const QUESTION = "Leave this page? What you changed is not saved.";

export function useUnsaved(dirty: boolean, question = QUESTION): void {
  useEffect(() => (dirty ? guardUnsaved(question) : undefined), [dirty, question]);
}

/** Goes on after saving, without the question. */
export function goOn(to: string, options?: { replace?: boolean }): void {
  guardUnsaved("");
  go(to, options);
}

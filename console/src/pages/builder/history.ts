/** Undo and redo. */

import type { Definition } from "./definition";
import { applyEdit, type Edit } from "./edits";

/** Steps that can be undone. */
export const MAX_STEPS = 200;

export interface History {
  readonly past: readonly Definition[];
  readonly present: Definition;
  readonly future: readonly Definition[];
  /** The field that the last edit was made in. Typing in one field is one step. */
  readonly field: string | undefined;
}

export type Action =
  | { readonly type: "edit"; readonly edit: Edit; readonly field?: string | undefined }
  | { readonly type: "undo" }
  | { readonly type: "redo" };

export function begin(present: Definition): History {
  return { past: [], present, future: [], field: undefined };
}

export function reduce(history: History, action: Action): History {
  const { past, present, future } = history;
  switch (action.type) {
    case "edit": {
      const changed = applyEdit(present, action.edit);
      if (changed === present) return history;
      const same = action.field !== undefined && action.field === history.field;
      const steps = same ? past : [...past, present].slice(-MAX_STEPS);
      return { past: steps, present: changed, future: [], field: action.field };
    }
    case "undo": {
      const before = past.at(-1);
      if (!before) return history;
      return { past: past.slice(0, -1), present: before, future: [present, ...future], field: undefined };
    }
    case "redo": {
      const [after, ...others] = future;
      if (!after) return history;
      return { past: [...past, present], present: after, future: others, field: undefined };
    }
  }
}

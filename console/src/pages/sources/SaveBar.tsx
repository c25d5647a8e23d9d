/** The end of a form with changes: what failed, the button that saves, and the one that discards. */

import { Failed } from "../../components/states";

interface Props {
  verb: string;
  dirty: boolean;
  running: boolean;
  error: unknown;
  /** What to know before saving. */
  status: string;
  onDiscard: () => void;
}

export function SaveBar({ verb, dirty, running, error, status, onDiscard }: Props) {
  if (!dirty && error === undefined) return null;
  return (
    <div class="save-bar stack tight">
      {error !== undefined && <Failed error={error} />}
      <div class="row">
        <button type="submit" class="primary" disabled={!dirty || running}>
          {verb}
        </button>
        <button type="button" onClick={onDiscard}>
          Discard changes
        </button>
        <span class="soft small" role="status">
          {status}
        </span>
      </div>
    </div>
  );
}

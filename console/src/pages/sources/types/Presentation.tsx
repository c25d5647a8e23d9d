/** How views show an event type: its name there, and its place in lists. */

import { useState } from "preact/hooks";
import { useAction } from "../../../api/loading";
import { Dialog } from "../../../components/dialogs";
import { TextField } from "../../../components/forms";
import { Failed } from "../../../components/states";
import { fieldProblems } from "../problems";

interface Props {
  title: string;
  verb: string;
  displayName: string;
  rank: number;
  act: (displayName: string, rank: number) => Promise<unknown>;
  onClose: () => void;
}

export function Presentation({ title, verb, displayName, rank, act, onClose }: Props) {
  const [name, setName] = useState(displayName);
  const [place, setPlace] = useState(String(rank));
  const action = useAction(act);
  const problems = fieldProblems(action.error);
  const wrongPlace = /^\d{1,6}$/.test(place) ? undefined : "Enter a whole number from 0 to 999,999.";
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="stack"
        onSubmit={async (event) => {
          event.preventDefault();
          if (!wrongPlace && (await action.run(name.trim(), Number(place)))) onClose();
        }}
      >
        <TextField
          label="Name in views"
          value={name}
          maxLength={100}
          required
          problem={problems.get("displayName")}
          onValue={setName}
        />
        <TextField
          label="Rank"
          hint="Lists of events begin with the smallest rank."
          value={place}
          problem={wrongPlace ?? problems.get("rank")}
          onValue={setPlace}
        />
        {action.error !== undefined && <Failed error={action.error} />}
        <div class="row">
          <button type="submit" class="primary" disabled={action.running || wrongPlace !== undefined || !name.trim()}>
            {verb}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

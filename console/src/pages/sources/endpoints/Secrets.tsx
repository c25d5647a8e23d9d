/** The secret of an endpoint: shown once, entered, and rotated. It is kept in memory only. */

import { useState } from "preact/hooks";
import { useAction } from "../../../api/loading";
import { Copyable } from "../../../components/copying";
import { Dialog } from "../../../components/dialogs";
import { Checkbox, TextField } from "../../../components/forms";
import { Failed } from "../../../components/states";
import { fieldProblems } from "../problems";
import { rotateSecret, type Sender } from "../requests";
import { SHORTEST_SECRET } from "./newEndpoint";

/** The secret that the API has just returned. */
export function NewSecret({ secret }: { secret: string }) {
  return (
    <div class="notice warn">
      <p>
        <strong>Copy the secret now.</strong> It is not shown again. If it is lost, rotate it.
      </p>
      <Copyable label="Secret" value={secret} />
    </div>
  );
}

interface EnterProps {
  endpointId: string;
  sender: Sender;
  /** Another secret is stored already. */
  replaces: boolean;
  onStored: () => void;
}

/** Stores the secret that the tool shows. */
export function EnterSecret({ endpointId, sender, replaces, onStored }: EnterProps) {
  const [secret, setSecret] = useState("");
  const [keep, setKeep] = useState(true);
  const action = useAction(async () => {
    await rotateSecret(endpointId, secret, !replaces || keep);
    setSecret("");
    onStored();
  });
  return (
    <form
      class="stack tight"
      autocomplete="off"
      onSubmit={async (event) => {
        event.preventDefault();
        await action.run();
      }}
    >
      <TextField
        label={`Secret of ${sender.title}`}
        hint={`${sender.secret.source} ${sender.secret.form ?? ""}`}
        type="password"
        autocomplete="off"
        maxLength={4096}
        value={secret}
        problem={fieldProblems(action.error).get("secret")}
        onValue={(value) => {
          setSecret(value);
          action.clear();
        }}
      />
      {replaces && <KeepPrevious checked={keep} onValue={setKeep} />}
      {action.error !== undefined && <Failed error={action.error} />}
      <div>
        <button type="submit" class="primary" disabled={secret.length < SHORTEST_SECRET || action.running}>
          Store secret
        </button>
      </div>
    </form>
  );
}

function KeepPrevious({ checked, onValue }: { checked: boolean; onValue: (checked: boolean) => void }) {
  return (
    <Checkbox
      label="Accept the previous secret as well, until the tool uses the new one"
      checked={checked}
      onValue={onValue}
    />
  );
}

interface RotateProps {
  endpointId: string;
  sender: Sender;
  onClose: () => void;
  onRotated: () => void;
}

/** Rotates the secret: a new one from here or from the tool, and then the end of the previous one. */
export function RotateSecret({ endpointId, sender, onClose, onRotated }: RotateProps) {
  const fromTool = sender.secret.generatedBySender;
  const [own, setOwn] = useState(fromTool);
  const [keep, setKeep] = useState(true);
  const [secret, setSecret] = useState<string>();
  const [done, setDone] = useState("");
  const generate = useAction(async () => {
    const rotated = await rotateSecret(endpointId, undefined, true);
    if (!keep) await rotateSecret(endpointId, undefined, false);
    setSecret(rotated.secret);
    onRotated();
  });
  const end = useAction(async () => {
    await rotateSecret(endpointId, undefined, false);
    setDone("Only the current secret is valid now.");
    onRotated();
  });
  return (
    <Dialog title="Rotate the secret" onClose={onClose}>
      {secret !== undefined ? (
        <NewSecret secret={secret} />
      ) : done ? (
        <p class="notice good">{done}</p>
      ) : (
        <>
          {!fromTool && (
            <fieldset>
              <legend>The new secret</legend>
              {[false, true].map((entered) => (
                <label key={String(entered)} class="choice">
                  <input
                    type="radio"
                    name="rotate"
                    checked={own === entered}
                    onChange={() => {
                      setOwn(entered);
                    }}
                  />
                  <span>{entered ? "Enter it" : "Let it be generated"}</span>
                </label>
              ))}
            </fieldset>
          )}
          {own ? (
            <EnterSecret
              endpointId={endpointId}
              sender={sender}
              replaces
              onStored={() => {
                setDone("The new secret is stored.");
                onRotated();
              }}
            />
          ) : (
            <>
              <KeepPrevious checked={keep} onValue={setKeep} />
              {generate.error !== undefined && <Failed error={generate.error} />}
              <div>
                <button type="button" class="primary" disabled={generate.running} onClick={() => generate.run()}>
                  Generate a secret
                </button>
              </div>
            </>
          )}
          <div class="notice">
            <p>Does the tool use the new secret already? Then end the previous one.</p>
            {end.error !== undefined && <Failed error={end.error} />}
            <button type="button" disabled={end.running} onClick={() => end.run()}>
              End the previous secret
            </button>
          </div>
        </>
      )}
      <div class="row">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

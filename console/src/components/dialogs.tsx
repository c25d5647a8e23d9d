/** Modal dialogs, with the browser's own element: it holds the focus, and Escape closes it. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useAction } from "../api/loading";
import { Failed } from "./states";

interface DialogProps {
  title: string;
  /** Escape was pressed, or the dialog was closed in another way. */
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement;
    element.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="stack">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  /** What happens, and what cannot be undone. */
  children: ComponentChildren;
  /** The verb on the button: "Delete view". */
  verb: string;
  danger?: boolean;
  act: () => Promise<unknown>;
  onClose: () => void;
}

/** Asks before something that cannot be undone. Stays open, with the error, when it fails. */
export function Confirm({ title, children, verb, danger = true, act, onClose }: ConfirmProps) {
  const action = useAction(act);
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      {action.error !== undefined && <Failed error={action.error} />}
      <div class="row">
        <button
          type="button"
          class={danger ? "danger" : "primary"}
          disabled={action.running}
          onClick={async () => {
            if (await action.run()) onClose();
          }}
        >
          {verb}
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </Dialog>
  );
}

interface FormDialogProps<Saved> {
  title: string;
  children: ComponentChildren;
  /** The verb on the button: "Save the changes". */
  verb: string;
  /** Why the form cannot be sent yet. */
  missing?: string | undefined;
  save: () => Promise<Saved>;
  onSaved: (saved: Saved) => void;
  onClose: () => void;
}

/** A form in a dialog. Stays open, with the error and what was entered, when saving fails. */
export function FormDialog<Saved>({ title, children, verb, missing, save, onSaved, onClose }: FormDialogProps<Saved>) {
  const action = useAction(async () => {
    onSaved(await save());
  });
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void action.run();
        }}
      >
        {children}
        {action.error !== undefined && <Failed error={action.error} />}
        <div class="row">
          <button type="submit" class="primary" disabled={action.running || missing !== undefined}>
            {verb}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          {missing !== undefined && <span class="soft small">{missing}</span>}
        </div>
      </form>
    </Dialog>
  );
}

/** Where the events of an endpoint go, and the options of its sender. */

import { useState } from "preact/hooks";
import { useAction } from "../../../api/loading";
import { Failed } from "../../../components/states";
import { fieldProblems } from "../problems";
import { type Configuration, type EndpointDescription, type Sender, updateEndpoint } from "../requests";
import { useUnsaved } from "../unsaved";
import { missingOptions } from "./newEndpoint";
import { OptionFields, type Options } from "./OptionFields";
import { TargetForm } from "./TargetForm";
import { targetProblem, toTarget, toTargetValues } from "./targets";

interface Props {
  endpoint: EndpointDescription;
  sender: Sender | undefined;
  configurations: readonly Configuration[];
  reload: () => void;
}

export function Settings({ endpoint, sender, configurations, reload }: Props) {
  const [target, setTarget] = useState(() => toTargetValues(endpoint));
  const [options, setOptions] = useState<Options>(endpoint.options as Options);
  const before = JSON.stringify([toTargetValues(endpoint), endpoint.options]);
  const dirty = JSON.stringify([target, options]) !== before;
  useUnsaved(dirty);
  const action = useAction(async () => {
    await updateEndpoint(endpoint.id, { ...toTarget(target), options });
    reload();
  });
  const problems = fieldProblems(action.error);
  const missing =
    targetProblem(target) || (sender && missingOptions(sender, options).length > 0 ? "Enter the options." : "");
  return (
    <form
      class="stack narrow"
      onSubmit={async (event) => {
        event.preventDefault();
        await action.run();
      }}
    >
      <TargetForm values={target} configurations={configurations} problems={problems} onChange={setTarget} />
      {sender && sender.options.length > 0 && (
        <fieldset>
          <legend>Options of {sender.title}</legend>
          <OptionFields sender={sender} values={options} problems={problems} onChange={setOptions} />
        </fieldset>
      )}
      {action.error !== undefined && <Failed error={action.error} />}
      <div class="row">
        <button type="submit" class="primary" disabled={!dirty || missing !== "" || action.running}>
          Save settings
        </button>
        <span class="soft small" role="status">
          {dirty ? missing || "Not saved yet." : ""}
        </span>
      </div>
    </form>
  );
}

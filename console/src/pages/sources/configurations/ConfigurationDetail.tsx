/** One configuration: its address, a command that sends an event, a check of events, and what depends on it. */

import { useState } from "preact/hooks";
import { useAction, useLoaded } from "../../../api/loading";
import { Copyable } from "../../../components/copying";
import { Dialog } from "../../../components/dialogs";
import { Checkbox, TextField } from "../../../components/forms";
import { PageLayout, WhenLoaded } from "../../../components/layout";
import { Failed } from "../../../components/states";
import { Time } from "../../../components/times";
import { useMay } from "../../../me";
import { address } from "../../../routing";
import { API } from "../../../session/config";
import { CopyBlock } from "../CopyBlock";
import { fieldProblems } from "../problems";
import {
  type Configuration,
  CONFIGURATIONS,
  deleteConfiguration,
  type Endpoint,
  type EventType,
  getConfiguration,
  getType,
  listEndpoints,
  updateConfiguration,
} from "../requests";
import { goOn } from "../unsaved";
import { curlCommand, sampleEvent } from "./sampleEvent";
import { ValidateEvents } from "./ValidateEvents";

interface Loaded {
  readonly configuration: Configuration;
  readonly type: EventType | undefined;
  readonly endpoints: readonly Endpoint[] | undefined;
}

export function ConfigurationDetail({ id }: { id: string }) {
  const maySeeTypes = useMay("externalEventsSchema:view");
  const maySeeEndpoints = useMay("webhooks:view");
  const loaded = useLoaded<Loaded>(id, async (signal) => {
    const [configuration, endpoints] = await Promise.all([
      getConfiguration(id, signal),
      maySeeEndpoints ? listEndpoints(signal) : undefined,
    ]);
    const type = maySeeTypes ? await getType(configuration.schemaId ?? "", signal) : undefined;
    return { configuration, type, endpoints: endpoints?.filter((one) => usesConfiguration(one, id)) };
  });
  const { data } = loaded;
  return (
    <PageLayout
      title={data?.configuration.name ?? "Configuration"}
      above={{ label: "Configurations", href: "#/sources/configurations" }}
      about={data?.configuration.description}
      actions={data && <Actions {...data} reload={loaded.reload} />}
    >
      <WhenLoaded loaded={loaded} what="the configuration">
        {(shown) => <Shown {...shown} />}
      </WhenLoaded>
    </PageLayout>
  );
}

function usesConfiguration(endpoint: Endpoint, id: string): boolean {
  return endpoint.configurationId === id || Object.values(endpoint.routing?.configurations ?? {}).includes(id);
}

function Shown({ configuration, type, endpoints }: Loaded) {
  const maySend = useMay("externalEventsEvent:add");
  const mayConnect = useMay("webhooks:add");
  const { id = "", schemaId = "", source, schemaActive, dateLastModified } = configuration;
  const url = `${API}${CONFIGURATIONS}/${id}/events`;
  return (
    <>
      {schemaActive === false && (
        <p class="notice warn">
          Its event type is disabled, so events are refused.{" "}
          <a href={address(["sources", "types", schemaId])}>Enable it</a> to receive events again.
        </p>
      )}
      <div class="cards">
        <section class="card" aria-label="Configuration">
          <dl class="facts">
            <dt>Event type</dt>
            <dd>
              <a class="wrap-anywhere" href={address(["sources", "types", schemaId])}>
                {type?.jsonSchema.title ?? schemaId}
              </a>
            </dd>
            <dt>Source</dt>
            <dd class="wrap-anywhere">{source}</dd>
            {dateLastModified && (
              <>
                <dt>Changed</dt>
                <dd>
                  <Time value={dateLastModified} />
                </dd>
              </>
            )}
          </dl>
          <Copyable label="Id of the configuration" value={id} />
        </section>
        {endpoints && (
          <section class="card" aria-label="Endpoints">
            <h2>Endpoints</h2>
            {endpoints.length === 0 ? (
              <p class="soft">
                No webhook delivers events to it. Your own programs can send them with the command below.
              </p>
            ) : (
              <ul class="uses">
                {endpoints.map((endpoint) => (
                  <li key={endpoint.id}>
                    <a class="wrap-anywhere" href={address(["sources", "endpoints", endpoint.id])}>
                      {endpoint.name}
                    </a>
                  </li>
                ))}
              </ul>
            )}
            {mayConnect && schemaActive && (
              <div>
                <a class="button" href={address(["sources", "endpoints", "new"], { configuration: id })}>
                  Connect a tool
                </a>
              </div>
            )}
          </section>
        )}
      </div>
      <section class="card" aria-label="Send events">
        <h2>Send events</h2>
        <p>
          Programs send up to 100 events in one request to this address, with the access token of an API client that has
          the permission <code>journey:externalEventsEvent:add</code>.
        </p>
        <Copyable label="Address" value={url} />
        {type && (
          <CopyBlock
            label="Command that sends an event"
            text={curlCommand(url, sampleEvent(type.jsonSchema, new Date()))}
          />
        )}
      </section>
      {maySend && type && <ValidateEvents configurationId={id} document={type.jsonSchema} />}
    </>
  );
}

function Actions({ configuration, endpoints, reload }: Loaded & { reload: () => void }) {
  const mayEdit = useMay("externalEventsConfiguration:edit");
  const mayDelete = useMay("externalEventsConfiguration:delete");
  const [dialog, setDialog] = useState<"rename" | "delete">();
  const close = () => {
    setDialog(undefined);
  };
  return (
    <>
      {mayEdit && (
        <button
          type="button"
          onClick={() => {
            setDialog("rename");
          }}
        >
          Rename
        </button>
      )}
      {mayDelete && (
        <button
          type="button"
          class="danger"
          onClick={() => {
            setDialog("delete");
          }}
        >
          Delete
        </button>
      )}
      {dialog === "rename" && <Rename configuration={configuration} reload={reload} onClose={close} />}
      {dialog === "delete" && <Delete configuration={configuration} endpoints={endpoints} onClose={close} />}
    </>
  );
}

interface RenameProps {
  configuration: Configuration;
  reload: () => void;
  onClose: () => void;
}

function Rename({ configuration, reload, onClose }: RenameProps) {
  const [name, setName] = useState(configuration.name ?? "");
  const [description, setDescription] = useState(configuration.description ?? "");
  const action = useAction(() => updateConfiguration(configuration.id ?? "", name.trim(), description));
  const problems = fieldProblems(action.error);
  return (
    <Dialog title="Rename configuration" onClose={onClose}>
      <form
        class="stack"
        onSubmit={async (event) => {
          event.preventDefault();
          if (!(await action.run())) return;
          reload();
          onClose();
        }}
      >
        <TextField
          label="Name"
          value={name}
          maxLength={100}
          required
          problem={problems.get("name")}
          onValue={setName}
        />
        <TextField
          label="Description"
          value={description}
          maxLength={500}
          problem={problems.get("description")}
          onValue={setDescription}
        />
        {action.error !== undefined && <Failed error={action.error} />}
        <div class="row">
          <button type="submit" class="primary" disabled={action.running || !name.trim()}>
            Save
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface DeleteProps {
  configuration: Configuration;
  endpoints: readonly Endpoint[] | undefined;
  onClose: () => void;
}

/** Asks before a configuration is deleted, and shows the endpoints that this would disable. */
function Delete({ configuration, endpoints = [], onClose }: DeleteProps) {
  const mayDisable = useMay("webhooks:edit");
  const [force, setForce] = useState(false);
  const action = useAction(() => deleteConfiguration(configuration.id ?? "", force));
  const used = endpoints.length > 0;
  return (
    <Dialog title={`Delete “${configuration.name ?? ""}”?`} onClose={onClose}>
      <p>Events can no longer be sent to its address. Stored events stay.</p>
      {used && (
        <div class="notice warn">
          <p>These endpoints deliver to it. Give them another configuration first, or disable them.</p>
          <ul class="uses">
            {endpoints.map((endpoint) => (
              <li key={endpoint.id}>
                <a href={address(["sources", "endpoints", endpoint.id])}>{endpoint.name}</a>
              </li>
            ))}
          </ul>
          {mayDisable ? (
            <Checkbox label="Disable these endpoints" checked={force} onValue={setForce} />
          ) : (
            <p>Ask somebody who may edit endpoints.</p>
          )}
        </div>
      )}
      {action.error !== undefined && <Failed error={action.error} />}
      <div class="row">
        <button
          type="button"
          class="danger"
          disabled={action.running || (used && !force)}
          onClick={async () => {
            if (await action.run()) goOn("#/sources/configurations");
          }}
        >
          Delete configuration
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </Dialog>
  );
}

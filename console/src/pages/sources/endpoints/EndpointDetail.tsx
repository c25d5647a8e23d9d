/** One endpoint: its state and problems, its deliveries, its mapping, a test of payloads, and its settings. */

import { useState } from "preact/hooks";
import { useAction, useLoaded } from "../../../api/loading";
import { Copyable } from "../../../components/copying";
import { Confirm, Dialog } from "../../../components/dialogs";
import { TextField } from "../../../components/forms";
import { PageLayout, WhenLoaded } from "../../../components/layout";
import { Failed } from "../../../components/states";
import { Time } from "../../../components/times";
import { useMay } from "../../../me";
import { address } from "../../../routing";
import {
  type Configuration,
  deleteEndpoint,
  type EndpointDescription,
  type EventType,
  getEndpoint,
  listConfigurations,
  listSenders,
  listTypes,
  type Sender,
  updateEndpoint,
} from "../requests";
import { Tabs } from "../../../components/tabs";
import { goOn } from "../unsaved";
import { Deliveries } from "./Deliveries";
import { MappingEditor } from "./MappingEditor";
import { EndpointProblems } from "./EndpointProblems";
import { PayloadTester } from "./PayloadTester";
import { EnterSecret, RotateSecret } from "./Secrets";
import { Settings } from "./Settings";
import { STATUS } from "./words";

interface Loaded {
  readonly endpoint: EndpointDescription;
  readonly sender: Sender | undefined;
  readonly configurations: readonly Configuration[];
  readonly types: readonly EventType[];
}

/** The configurations that an endpoint delivers to. */
export function targetsOf(endpoint: EndpointDescription): readonly string[] {
  return [endpoint.configurationId, ...Object.values(endpoint.routing?.configurations ?? {})].filter(
    (id) => id !== undefined,
  );
}

export function useEndpoint(id: string | null) {
  const maySee = {
    configurations: useMay("externalEventsConfiguration:view"),
    types: useMay("externalEventsSchema:view"),
  };
  return useLoaded<Loaded>(id, async (signal) => {
    const [endpoint, senders, configurations, types] = await Promise.all([
      getEndpoint(id ?? "", signal),
      listSenders(signal),
      maySee.configurations ? listConfigurations(signal) : [],
      maySee.types ? listTypes(signal) : [],
    ]);
    const own = configurations.filter((one) => targetsOf(endpoint).includes(one.id ?? ""));
    return {
      endpoint,
      sender: senders.find((one) => one.name === endpoint.sender),
      configurations,
      types: types.filter((type) => own.some((one) => one.schemaId === type.id)),
    };
  });
}

const PARTS = [
  { path: undefined, title: "Overview" },
  { path: "deliveries", title: "Deliveries" },
  { path: "mapping", title: "Mapping" },
  { path: "test", title: "Test a payload" },
  { path: "settings", title: "Settings" },
] as const;

export function EndpointDetail({ id, part }: { id: string; part: string | undefined }) {
  const mayEdit = useMay("webhooks:edit");
  const loaded = useEndpoint(id);
  const { data } = loaded;
  const status = data && STATUS[data.endpoint.status];
  const parts = PARTS.filter((one) => mayEdit || (one.path !== "test" && one.path !== "settings"));
  return (
    <PageLayout
      title={data?.endpoint.name ?? "Endpoint"}
      above={{ label: "Endpoints", href: "#/sources/endpoints" }}
      about={
        status && (
          <>
            <span class={`badge ${status.tone}`}>{status.label}</span> {data.sender?.title}. {status.about}
          </>
        )
      }
      actions={data && <Actions {...data} reload={loaded.reload} />}
    >
      <Tabs
        label="Endpoint"
        tabs={parts.map(({ path, title }) => ({
          title,
          href: address(["sources", "endpoints", id, ...(path ? [path] : [])]),
          current: part === path,
        }))}
      />
      <WhenLoaded loaded={loaded} what="the endpoint">
        {(shown) => <Part part={part} {...shown} reload={loaded.reload} />}
      </WhenLoaded>
    </PageLayout>
  );
}

function Part({ part, reload, ...data }: Loaded & { part: string | undefined; reload: () => void }) {
  const { endpoint, sender, configurations, types } = data;
  // A form belongs to the state that it was opened for.
  const key = endpoint.dateModified;
  if (part === "deliveries") return <Deliveries endpointId={endpoint.id} />;
  if (part === "mapping")
    return <MappingEditor key={key} endpoint={endpoint} sender={sender} types={types} reload={reload} />;
  if (part === "test") {
    return <PayloadTester endpointId={endpoint.id} sender={endpoint.sender} configurations={configurations} />;
  }
  if (part === "settings") {
    return <Settings key={key} endpoint={endpoint} sender={sender} configurations={configurations} reload={reload} />;
  }
  return <Overview {...data} reload={reload} />;
}

function Overview({ endpoint, sender, configurations, reload }: Loaded & { reload: () => void }) {
  const mayEdit = useMay("webhooks:edit");
  const nameOf = (id: string) => configurations.find((one) => one.id === id)?.name ?? id;
  const { routing } = endpoint;
  return (
    <>
      {endpoint.disabledReason === "configuration.deleted" && (
        <p class="notice warn">
          It was disabled because its configuration was deleted. Give it another one in its settings, and enable it.
        </p>
      )}
      {endpoint.status === "waitingForSecret" && sender && mayEdit && (
        <section class="card" aria-label="Secret">
          <h2>Store the secret</h2>
          <EnterSecret endpointId={endpoint.id} sender={sender} replaces={false} onStored={reload} />
        </section>
      )}
      <EndpointProblems endpoint={endpoint} />
      <div class="cards">
        <section class="card" aria-label="Endpoint">
          <Copyable label="Address to enter in the tool" value={endpoint.url} />
          <dl class="facts">
            <dt>Tool</dt>
            <dd>
              {sender?.title ?? endpoint.sender}
              {sender?.documentationUrl && (
                <>
                  {" "}
                  <a href={sender.documentationUrl} target="_blank" rel="noreferrer">
                    Its documentation
                  </a>
                </>
              )}
            </dd>
            {Object.entries(endpoint.options).map(([name, value]) => (
              <Fact key={name} name={name} value={String(value)} />
            ))}
            <dt>Created</dt>
            <dd>
              <Time value={endpoint.dateCreated} />
            </dd>
            <dt>Changed</dt>
            <dd>
              <Time value={endpoint.dateModified} />
            </dd>
          </dl>
          <div>
            <a class="button" href={address(["sources", "endpoints", endpoint.id, "setup"])}>
              Show the set-up
            </a>
          </div>
        </section>
        <section class="card" aria-label="Where its events go">
          <h2>Where its events go</h2>
          {routing ? (
            <>
              <p>
                By the result of <code class="wrap-anywhere">{routing.expression}</code>; other events are ignored.
              </p>
              <dl class="facts">
                {Object.entries(routing.configurations).map(([result, id]) => (
                  <Fact
                    key={result}
                    name={result}
                    value={<a href={address(["sources", "configurations", id])}>{nameOf(id)}</a>}
                  />
                ))}
              </dl>
            </>
          ) : (
            <a class="wrap-anywhere" href={address(["sources", "configurations", endpoint.configurationId ?? ""])}>
              {nameOf(endpoint.configurationId ?? "")}
            </a>
          )}
        </section>
      </div>
      <EffectiveMapping endpoint={endpoint} />
    </>
  );
}

function Fact({ name, value }: { name: string; value: preact.ComponentChildren }) {
  return (
    <>
      <dt class="wrap-anywhere">{name}</dt>
      <dd class="wrap-anywhere">{value}</dd>
    </>
  );
}

/** The mapping that results from the preset and the endpoint's own. */
function EffectiveMapping({ endpoint }: { endpoint: EndpointDescription }) {
  const { externalIds, attributes, ...parts } = endpoint.effectiveMapping as {
    externalIds?: readonly { externalSourceId: string; value: string }[];
    attributes?: Readonly<Record<string, string>>;
  };
  return (
    <section class="card" aria-label="Mapping in effect">
      <h2>Mapping in effect</h2>
      <dl class="facts mapping">
        {Object.entries(parts as Readonly<Record<string, string>>).map(([name, expression]) => (
          <Fact key={name} name={name} value={<code>{expression}</code>} />
        ))}
        {(externalIds ?? []).map((one, index) => (
          <Fact
            key={index}
            name={`identifier ${index + 1}`}
            value={
              <code>
                {one.externalSourceId}: {one.value}
              </code>
            }
          />
        ))}
        {Object.entries(attributes ?? {}).map(([name, expression]) => (
          <Fact key={name} name={name} value={<code>{expression}</code>} />
        ))}
      </dl>
    </section>
  );
}

function Actions({ endpoint, sender, reload }: Loaded & { reload: () => void }) {
  const mayEdit = useMay("webhooks:edit");
  const mayDelete = useMay("webhooks:delete");
  const [dialog, setDialog] = useState<"rename" | "rotate" | "disable" | "delete">();
  const close = () => {
    setDialog(undefined);
  };
  const enable = useAction(async () => {
    await updateEndpoint(endpoint.id, { enabled: true });
    reload();
  });
  const opens = (name: typeof dialog) => () => {
    setDialog(name);
  };
  return (
    <>
      {mayEdit && (
        <>
          <button type="button" onClick={opens("rename")}>
            Rename
          </button>
          {sender?.secret.needed && endpoint.status !== "waitingForSecret" && (
            <button type="button" onClick={opens("rotate")}>
              Rotate secret
            </button>
          )}
          {endpoint.enabled ? (
            <button type="button" onClick={opens("disable")}>
              Disable
            </button>
          ) : (
            <button type="button" class="primary" disabled={enable.running} onClick={() => enable.run()}>
              Enable
            </button>
          )}
        </>
      )}
      {mayDelete && (
        <button type="button" class="danger" onClick={opens("delete")}>
          Delete
        </button>
      )}
      {enable.error !== undefined && <Failed error={enable.error} />}
      {dialog === "rename" && <Rename endpoint={endpoint} reload={reload} onClose={close} />}
      {dialog === "rotate" && sender && (
        <RotateSecret endpointId={endpoint.id} sender={sender} onRotated={reload} onClose={close} />
      )}
      {dialog === "disable" && (
        <Confirm
          title={`Disable “${endpoint.name}”?`}
          verb="Disable endpoint"
          act={async () => {
            await updateEndpoint(endpoint.id, { enabled: false });
            reload();
          }}
          onClose={close}
        >
          <p>Deliveries are answered with 404, and nothing of them is stored. Many tools give up after a while.</p>
        </Confirm>
      )}
      {dialog === "delete" && (
        <Confirm
          title={`Delete “${endpoint.name}”?`}
          verb="Delete endpoint"
          act={async () => {
            await deleteEndpoint(endpoint.id);
            goOn("#/sources/endpoints");
          }}
          onClose={close}
        >
          <p>
            Its address and its secret become invalid, and its failures cannot be replayed any more. Stored events stay.
            To stop deliveries for a while, disable it instead.
          </p>
        </Confirm>
      )}
    </>
  );
}

function Rename({
  endpoint,
  reload,
  onClose,
}: {
  endpoint: EndpointDescription;
  reload: () => void;
  onClose: () => void;
}) {
  const [name, setName] = useState(endpoint.name);
  const action = useAction(() => updateEndpoint(endpoint.id, { name: name.trim() }));
  return (
    <Dialog title="Rename endpoint" onClose={onClose}>
      <form
        class="stack"
        onSubmit={async (event) => {
          event.preventDefault();
          if (!(await action.run())) return;
          reload();
          onClose();
        }}
      >
        <TextField label="Name" value={name} maxLength={100} required onValue={setName} />
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

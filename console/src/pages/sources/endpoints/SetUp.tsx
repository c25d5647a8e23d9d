/**
 * The guided set-up of an endpoint: choose the tool, say where its events go, create the endpoint, set the tool up,
 * test a payload, and see the first delivery arrive.
 *
 * The steps after the creation have an address of their own, so that they can be opened again later. The secret is
 * kept in memory and shown until the reader leaves.
 */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAction, useLoaded } from "../../../api/loading";
import { Copyable } from "../../../components/copying";
import { TextField } from "../../../components/forms";
import { PageLayout, WhenLoaded } from "../../../components/layout";
import { Empty, Failed } from "../../../components/states";
import { byName } from "../../../formats";
import { useMay } from "../../../me";
import { address, setQuery, useRoute } from "../../../routing";
import { ConfigurationForm } from "../configurations/ConfigurationForm";
import { fieldProblems } from "../problems";
import {
  type Configuration,
  createEndpoint,
  type EventType,
  listConfigurations,
  listSenders,
  listTypes,
  type Sender,
} from "../requests";
import { goOn, useUnsaved } from "../unsaved";
import { useEndpoint } from "./EndpointDetail";
import { EndpointProblems } from "./EndpointProblems";
import { FirstDelivery } from "./FirstDelivery";
import { missingOptions, OptionFields, type Options } from "./OptionFields";
import { PayloadTester } from "./PayloadTester";
import { EnterSecret, NewSecret } from "./Secrets";
import { TargetForm } from "./TargetForm";
import { targetProblem, toTarget, toTargetValues } from "./targets";
import { STATUS } from "./words";

export function SetUp({ id }: { id: string | undefined }) {
  const mayAdd = useMay("webhooks:add");
  const [secret, setSecret] = useState<{ endpointId: string; text: string }>();
  const { query } = useRoute();
  const chosen = query.get("sender");
  if (id !== undefined) {
    return <Connect id={id} secret={secret?.endpointId === id ? secret.text : undefined} />;
  }
  return (
    <PageLayout
      title="Connect a tool"
      above={{ label: "Endpoints", href: "#/sources/endpoints" }}
      about="The tool delivers its webhooks to an address of yours, and each delivery becomes events."
    >
      {!mayAdd ? (
        <Empty title="You may not connect tools">
          <p>Ask an administrator for the role integrator.</p>
        </Empty>
      ) : (
        <Create
          chosen={chosen}
          configurationId={query.get("configuration") ?? ""}
          typeId={query.get("type") ?? ""}
          onCreated={(endpointId, text) => {
            if (text !== undefined) setSecret({ endpointId, text });
            goOn(address(["sources", "endpoints", endpointId, "setup"]), { replace: true });
          }}
        />
      )}
    </PageLayout>
  );
}

interface CreateProps {
  chosen: string | null;
  configurationId: string;
  /** An event type to create a configuration for. */
  typeId: string;
  onCreated: (endpointId: string, secret: string | undefined) => void;
}

function Create({ chosen, configurationId, typeId, onCreated }: CreateProps) {
  const maySeeTypes = useMay("externalEventsSchema:view");
  const loaded = useLoaded("setup", async (signal) => {
    const [senders, configurations, types] = await Promise.all([
      listSenders(signal),
      listConfigurations(signal),
      maySeeTypes ? listTypes(signal) : [],
    ]);
    return { senders, configurations, types };
  });
  return (
    <WhenLoaded loaded={loaded} what="the tools">
      {({ senders, configurations, types }) => {
        const sender = senders.find((one) => one.name === chosen);
        return sender ? (
          <CreateForm
            key={sender.name}
            sender={sender}
            configurations={configurations}
            types={types}
            configurationId={configurationId}
            typeId={typeId}
            reload={loaded.reload}
            onCreated={onCreated}
          />
        ) : (
          <ChooseSender senders={senders} />
        );
      }}
    </WhenLoaded>
  );
}

function ChooseSender({ senders }: { senders: readonly Sender[] }) {
  const { query } = useRoute();
  const [text, setText] = useState("");
  const wanted = text.trim().toLocaleLowerCase();
  // Tools by name come first, and the ones for any tool last.
  const general = ["standard", "cloudevents", "hmac"];
  const rank = (sender: Sender) => general.indexOf(sender.name) + 1;
  const shown = [...senders]
    .sort((one, other) => rank(one) - rank(other) || byName(one.title, other.title))
    .filter((one) => `${one.title} ${one.sends}`.toLocaleLowerCase().includes(wanted));
  return (
    <section class="stack" aria-label="Choose the tool">
      <div class="row apart toolbar">
        <h2>1. Which tool sends the events?</h2>
        <div class="filters">
          <TextField label="Search tools" type="search" value={text} onValue={setText} />
        </div>
      </div>
      {shown.length === 0 ? (
        <Empty title="No tool matches">
          <p>Any tool that signs its body with an HMAC can be connected as well.</p>
          <button
            type="button"
            onClick={() => {
              setText("");
            }}
          >
            Show all tools
          </button>
        </Empty>
      ) : (
        <ul class="senders">
          {shown.map((sender) => (
            <li key={sender.name}>
              <a
                class="sender"
                href={address(["sources", "endpoints", "new"], {
                  sender: sender.name,
                  configuration: query.get("configuration") ?? undefined,
                })}
              >
                <span class="mark" aria-hidden="true">
                  {sender.title.slice(0, 1)}
                </span>
                <span>
                  <strong>{sender.title}</strong>
                  <span class="soft small">{sender.sends}</span>
                </span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

interface CreateFormProps {
  sender: Sender;
  configurations: readonly Configuration[];
  types: readonly EventType[];
  configurationId: string;
  typeId: string;
  reload: () => void;
  onCreated: (endpointId: string, secret: string | undefined) => void;
}

function CreateForm({ sender, configurations, types, configurationId, typeId, reload, onCreated }: CreateFormProps) {
  const mayConfigure = useMay("externalEventsConfiguration:add");
  const mayDefine = useMay("externalEventsSchema:add");
  const [name, setName] = useState(sender.title);
  const only = configurations.length === 1 ? configurations[0]?.id : undefined;
  const [target, setTarget] = useState(() => toTargetValues({ configurationId: configurationId || (only ?? "") }));
  const [options, setOptions] = useState<Options>({});
  const [configuring, setConfiguring] = useState(configurations.length === 0 || typeId !== "");
  const zoned = needsTimeZone(sender);
  const [timeZone, setTimeZone] = useState(() => new Intl.DateTimeFormat().resolvedOptions().timeZone);
  const choice = secretChoices(sender);
  const [own, setOwn] = useState(false);
  const [secret, setSecret] = useState("");
  const key = useRef(crypto.randomUUID());
  const action = useAction(async () => {
    const entered = own && secret ? secret : undefined;
    const created = await createEndpoint(
      {
        name: name.trim(),
        sender: sender.name,
        ...toTarget(target),
        options,
        mapping: zoned ? { timeZone: timeZone.trim() } : {},
        ...(entered === undefined ? {} : { secret: entered }),
      },
      key.current,
    );
    // A secret that the reader entered is known to the reader: it is not shown again.
    onCreated(created.id, entered === undefined ? created.secret : undefined);
  });
  const dirty = name !== sender.title || secret !== "" || Object.keys(options).length > 0;
  useUnsaved(dirty && !action.running);
  const problems = fieldProblems(action.error);
  const changed =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      set(value);
      action.clear();
      key.current = crypto.randomUUID();
    };
  const typeOf = (id: string) =>
    types.find((type) => configurations.some((one) => one.id === id && one.schemaId === type.id));
  const missing =
    targetProblem(target) ||
    (missingOptions(sender, options).length > 0 ? `Enter ${missingOptions(sender, options).join(" and ")}.` : "") ||
    (own && secret.length < 8 ? "Enter the secret. It has at least 8 characters." : "") ||
    (name.trim() ? "" : "Enter a name.") ||
    (zoned && !timeZone.trim() ? "Enter the time zone." : "");
  return (
    <div class="stack narrow">
      <div class="row apart">
        <h2>1. {sender.title}</h2>
        <button
          type="button"
          onClick={() => {
            setQuery({ sender: undefined });
          }}
        >
          Choose another tool
        </button>
      </div>
      <p class="soft">{sender.sends}</p>
      <section class="card" aria-label="Where the events go">
        <h2>2. Where do the events go?</h2>
        <p class="soft wrap-anywhere">
          A delivery of {sender.title} can fill these fields: {sender.attributes.join(", ")}. Fields that the event type
          does not have are left out.
        </p>
        {mayDefine && (
          <div>
            <a class="button" href={address(["sources", "types", "new"], { sender: sender.name })}>
              Create an event type with these fields
            </a>
          </div>
        )}
        {configuring ? (
          mayConfigure && types.some((type) => type.enabled) ? (
            <ConfigurationForm
              types={types}
              typeId={typeId}
              name={types.find((type) => type.id === typeId)?.jsonSchema.title ?? ""}
              source={sender.title}
              onCreated={(created) => {
                setTarget(toTargetValues({ configurationId: created.id ?? "" }));
                setConfiguring(false);
                reload();
              }}
              {...(configurations.length > 0 && {
                onCancel: () => {
                  setConfiguring(false);
                },
              })}
            />
          ) : (
            <p class="notice warn">There is no {mayConfigure ? "event type" : "configuration"} yet.</p>
          )
        ) : (
          <>
            <TargetForm
              values={target}
              configurations={configurations}
              problems={problems}
              onChange={changed(setTarget)}
            />
            <Unfilled sender={sender} type={typeOf(target.several ? "" : target.configurationId)} />
            {mayConfigure && (
              <div>
                <button
                  type="button"
                  onClick={() => {
                    setConfiguring(true);
                  }}
                >
                  Create configuration
                </button>
              </div>
            )}
          </>
        )}
      </section>
      <form
        class="stack"
        autocomplete="off"
        onSubmit={async (event) => {
          event.preventDefault();
          if (!missing) await action.run();
        }}
      >
        <section class="card" aria-label="The endpoint">
          <h2>3. The endpoint</h2>
          <TextField
            label="Name of the endpoint"
            value={name}
            maxLength={100}
            required
            problem={problems.get("name")}
            onValue={changed(setName)}
          />
          <OptionFields sender={sender} values={options} problems={problems} onChange={changed(setOptions)} />
          {zoned && (
            <TextField
              label="Time zone of its dates"
              hint={`The dates of ${sender.title} have none. For example Europe/Berlin.`}
              value={timeZone}
              problem={problems.get("mapping.timeZone")}
              required
              onValue={changed(setTimeZone)}
            />
          )}
          <div class="stack tight">
            <h3>Secret</h3>
            <p>{sender.secret.source}</p>
            {choice.length > 1 && (
              <fieldset>
                <legend>Where it comes from</legend>
                {choice.map((one) => (
                  <label key={one.label} class="choice">
                    <input
                      type="radio"
                      name="secret"
                      checked={own === one.own}
                      onChange={() => {
                        changed(setOwn)(one.own);
                      }}
                    />
                    <span>{one.label}</span>
                  </label>
                ))}
              </fieldset>
            )}
            {own && (
              <TextField
                label="Secret"
                hint={sender.secret.form}
                type="password"
                autocomplete="off"
                maxLength={4096}
                value={secret}
                problem={problems.get("secret")}
                onValue={changed(setSecret)}
              />
            )}
          </div>
        </section>
        {action.error !== undefined && <Failed error={action.error} />}
        <div class="row">
          <button type="submit" class="primary" disabled={missing !== "" || action.running}>
            Create endpoint
          </button>
          <span class="soft small" role="status">
            {missing}
          </span>
        </div>
      </form>
    </div>
  );
}

/** The required fields of the event type that the preset does not fill. */
function Unfilled({ sender, type }: { sender: Sender; type: EventType | undefined }) {
  const unfilled = (type?.jsonSchema.required ?? []).filter((name) => !sender.attributes.includes(name));
  if (!type || unfilled.length === 0) return null;
  return (
    <p class="notice warn wrap-anywhere">
      {type.jsonSchema.title} requires {unfilled.join(", ")}, which the preset of {sender.title} does not fill. Map
      {unfilled.length === 1 ? " it" : " them"} after the endpoint is created; until then, its events become failures.
    </p>
  );
}

/** Whether the dates of a sender have no time zone, so that the endpoint must name it. */
function needsTimeZone(sender: Sender): boolean {
  const { dateFormat, timeZone } = sender.mapping as { dateFormat?: string; timeZone?: string };
  return timeZone === undefined && dateFormat !== undefined && dateFormat.includes("%") && !/%z/i.test(dateFormat);
}

interface SecretChoice {
  readonly own: boolean;
  readonly label: string;
}

/** Who the secret can come from. */
function secretChoices(sender: Sender): readonly SecretChoice[] {
  if (!sender.secret.needed) return [];
  if (sender.secret.generatedBySender) {
    return [
      { own: false, label: `${sender.title} shows it after it knows the address: enter it in the next step` },
      { own: true, label: "It is known already: enter it now" },
    ];
  }
  return [
    { own: false, label: "Generate it here: it is shown once, and you enter it in the tool" },
    { own: true, label: "Enter your own, or the one that the tool shows" },
  ];
}

/** The endpoint exists: what to do in the tool, a test, and the first delivery. */
function Connect({ id, secret }: { id: string; secret: string | undefined }) {
  const loaded = useEndpoint(id);
  const mayEdit = useMay("webhooks:edit");
  const [stored, setStored] = useState(false);
  useUnsaved(
    secret !== undefined && !stored,
    "Leave this page? The secret is not shown again. Copy it first, if you have not.",
  );
  const { data } = loaded;
  const waiting = data?.endpoint.status === "waitingForSecret";
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (secret !== undefined) heading.current?.focus();
  }, [secret]);
  return (
    <PageLayout
      title={data ? `Set up ${data.endpoint.name}` : "Set up the tool"}
      above={{ label: "Endpoints", href: "#/sources/endpoints" }}
      about={
        data && (
          <>
            <span class={`badge ${STATUS[data.endpoint.status].tone}`}>{STATUS[data.endpoint.status].label}</span>{" "}
            {STATUS[data.endpoint.status].about}
          </>
        )
      }
      actions={
        <a class="button" href={address(["sources", "endpoints", id])}>
          Go to the endpoint
        </a>
      }
    >
      <WhenLoaded loaded={loaded} what="the endpoint">
        {({ endpoint, sender, configurations }) => (
          <div class="stack">
            <EndpointProblems endpoint={endpoint} />
            <section class="card" aria-label="Address and secret">
              <h2 ref={heading} tabindex={-1}>
                1. Copy the address{secret !== undefined && " and the secret"}
              </h2>
              <Copyable label="Address" value={endpoint.url} />
              {secret !== undefined && !stored && endpoint.sender === "salesforce" && (
                <Copyable
                  label="Address with the secret"
                  value={`${endpoint.url}?secret=${encodeURIComponent(secret)}`}
                />
              )}
              {secret !== undefined && !stored && (
                <>
                  <NewSecret secret={secret} />
                  <div>
                    <button
                      type="button"
                      onClick={() => {
                        setStored(true);
                      }}
                    >
                      I have copied the secret
                    </button>
                  </div>
                </>
              )}
              {secret === undefined && sender?.secret.needed && !waiting && (
                <p class="soft small">
                  The secret was shown when it was created. If it is lost, rotate it on the page of the endpoint.
                </p>
              )}
            </section>
            <div class="cards">
              {sender && (
                <section class="card" aria-label={`Set up ${sender.title}`}>
                  <h2>2. Set up {sender.title}</h2>
                  <Steps>
                    {sender.steps.map((step) => (
                      <li key={step}>{step}</li>
                    ))}
                  </Steps>
                  {sender.documentationUrl && (
                    <p class="small">
                      <a href={sender.documentationUrl} target="_blank" rel="noreferrer">
                        Documentation of {sender.title}
                      </a>
                    </p>
                  )}
                  {waiting && mayEdit && (
                    <EnterSecret endpointId={endpoint.id} sender={sender} replaces={false} onStored={loaded.reload} />
                  )}
                </section>
              )}
              <section class="card" aria-label="The first delivery">
                <h2>3. See the first delivery arrive</h2>
                <FirstDelivery endpointId={endpoint.id} />
              </section>
            </div>
            {mayEdit && (
              <section class="card" aria-label="Test a payload">
                <h2>4. See what a payload becomes</h2>
                <p class="soft">
                  Test a payload of the tool without waiting for it. If a field is missing,{" "}
                  <a href={address(["sources", "endpoints", id, "mapping"])}>change the mapping</a>.
                </p>
                <PayloadTester endpointId={endpoint.id} sender={endpoint.sender} configurations={configurations} />
              </section>
            )}
          </div>
        )}
      </WhenLoaded>
    </PageLayout>
  );
}

function Steps({ children }: { children: ComponentChildren }) {
  return <ol class="steps">{children}</ol>;
}

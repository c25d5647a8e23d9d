/** One event type: its fields, its versions, where it is used, and its state. */

import { useState } from "preact/hooks";
import { useAction, useLoaded } from "../../../api/loading";
import { Confirm } from "../../../components/dialogs";
import { PageLayout, WhenLoaded } from "../../../components/layout";
import { Failed } from "../../../components/states";
import { useMay } from "../../../me";
import { address } from "../../../routing";
import {
  activateType,
  deleteType,
  type EventType,
  getLimits,
  getType,
  type Limits,
  listCoreTypes,
  listSummaries,
  listTypes,
  type Summary,
  updateType,
} from "../requests";
import { Tabs } from "../../../components/tabs";
import { goOn } from "../unsaved";
import { type Kind, kindsOf } from "./kinds";
import { Presentation } from "./Presentation";
import { SchemaEditor } from "./SchemaEditor";
import { stateOf } from "./states";
import { TypeUse } from "./TypeUse";
import { Versions } from "./Versions";

interface Loaded {
  readonly type: EventType;
  readonly limits: Limits;
  readonly kinds: readonly Kind[];
  readonly others: readonly EventType[];
  readonly summary: Summary | undefined;
}

export function TypeDetail({ id, part }: { id: string; part: string | undefined }) {
  const maySeeStates = useMay("externalEvents:view");
  const loaded = useLoaded<Loaded>(id, async (signal) => {
    const [type, limits, coreTypes, types, summaries] = await Promise.all([
      getType(id, signal),
      getLimits(signal),
      listCoreTypes(signal),
      listTypes(signal),
      maySeeStates ? listSummaries(signal) : [],
    ]);
    return {
      type,
      limits,
      kinds: kindsOf(coreTypes),
      others: types.filter((one) => one.id !== id),
      summary: summaries.find((one) => one.schemaId === id),
    };
  });
  const { data } = loaded;
  const state = data && stateOf(data.type, data.summary);
  return (
    <PageLayout
      title={data?.type.jsonSchema.title ?? "Event type"}
      above={{ label: "Event types", href: "#/sources/types" }}
      about={
        state && (
          <>
            <span class={`badge ${state.tone}`}>{state.label}</span> Version {data.type.version}. {state.about}
          </>
        )
      }
      actions={data && <Actions type={data.type} summary={data.summary} reload={loaded.reload} />}
    >
      <Tabs
        label="Event type"
        tabs={[
          { title: "Fields", href: address(["sources", "types", id]), current: part === undefined },
          { title: "Versions", href: address(["sources", "types", id, "versions"]), current: part === "versions" },
          { title: "Use", href: address(["sources", "types", id, "use"]), current: part === "use" },
        ]}
      />
      <WhenLoaded loaded={loaded} what="the event type">
        {(shown) =>
          part === "versions" ? (
            <Versions type={shown.type} />
          ) : part === "use" ? (
            <TypeUse type={shown.type} summary={shown.summary} reload={loaded.reload} />
          ) : (
            <Fields {...shown} reload={loaded.reload} />
          )
        }
      </WhenLoaded>
    </PageLayout>
  );
}

function Fields({ type, limits, kinds, others, reload }: Loaded & { reload: () => void }) {
  const mayEdit = useMay("externalEventsSchema:edit");
  return (
    <SchemaEditor
      // Another version is another form: what was entered belongs to the version that it was entered for.
      key={type.version}
      document={type.jsonSchema}
      saved={type.jsonSchema}
      limits={limits}
      kinds={kinds}
      otherTitles={others.filter((one) => one.enabled).map((one) => one.jsonSchema.title)}
      verb={`Save version ${type.version + 1}`}
      readOnly={!mayEdit}
      onSave={async (document) => {
        await updateType(type.id, type.version, { document });
        reload();
      }}
    />
  );
}

function Actions({ type, summary, reload }: { type: EventType; summary: Summary | undefined; reload: () => void }) {
  const mayEdit = useMay("externalEventsSchema:edit");
  const mayDelete = useMay("externalEventsSchema:delete");
  const mayActivate = useMay("externalEvents:activate");
  const [dialog, setDialog] = useState<"activate" | "disable" | "delete">();
  const close = () => {
    setDialog(undefined);
  };
  const enable = useAction(async () => {
    await updateType(type.id, type.version, { enabled: true });
    reload();
  });
  const takeOver = useAction(async () => {
    await activateType(type.id);
    reload();
  });
  const name = type.jsonSchema.title;
  const updated = type.enabled && (summary?.dateFirstActivated ?? "") !== "" && summary?.systemStatus === "Updated";
  return (
    <>
      {mayActivate && type.enabled && summary?.systemStatus === "New" && (
        <button
          type="button"
          class="primary"
          onClick={() => {
            setDialog("activate");
          }}
        >
          Activate for views
        </button>
      )}
      {mayActivate && updated && (
        <button type="button" class="primary" disabled={takeOver.running} onClick={() => takeOver.run()}>
          Take over version {type.version}
        </button>
      )}
      {mayEdit &&
        (type.enabled ? (
          <button
            type="button"
            onClick={() => {
              setDialog("disable");
            }}
          >
            Disable
          </button>
        ) : (
          <button type="button" class="primary" disabled={enable.running} onClick={() => enable.run()}>
            Enable
          </button>
        ))}
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
      {enable.error !== undefined && <Failed error={enable.error} />}
      {takeOver.error !== undefined && <Failed error={takeOver.error} />}
      {dialog === "activate" && (
        <Presentation
          title={`Activate “${name}” for views`}
          verb="Activate for views"
          displayName={name}
          rank={0}
          act={async (displayName, rank) => {
            await activateType(type.id, displayName, rank);
            reload();
          }}
          onClose={close}
        />
      )}
      {dialog === "disable" && (
        <Confirm
          title={`Disable “${name}”?`}
          verb="Disable event type"
          act={async () => {
            await updateType(type.id, type.version, { enabled: false });
            reload();
          }}
          onClose={close}
        >
          <p>
            Its events are refused, and views no longer offer it. Stored events stay. Deliveries of its endpoints become
            failures, which can be replayed after it is enabled again.
          </p>
        </Confirm>
      )}
      {dialog === "delete" && (
        <Confirm
          title={`Delete “${name}”?`}
          verb="Delete event type"
          act={async () => {
            await deleteType(type.id);
            goOn("#/sources/types");
          }}
          onClose={close}
        >
          <p>
            All its versions are deleted. This cannot be undone. An event type that a configuration was ever created for
            can have events, so it can only be disabled.
          </p>
        </Confirm>
      )}
    </>
  );
}

/** Where an event type is used: in views, by configurations, and by the endpoints of those. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useLoaded } from "../../../api/loading";
import { Copyable } from "../../../components/copying";
import { WhenLoaded } from "../../../components/layout";
import { Time } from "../../../components/times";
import { byName } from "../../../formats";
import { useMay } from "../../../me";
import { address } from "../../../routing";
import { listConfigurations, listEndpoints, listViewsOf, presentType, type EventType, type Summary } from "../requests";
import { Presentation } from "./Presentation";

export function TypeUse({
  type,
  summary,
  reload,
}: {
  type: EventType;
  summary: Summary | undefined;
  reload: () => void;
}) {
  const maySee = {
    configurations: useMay("externalEventsConfiguration:view"),
    endpoints: useMay("webhooks:view"),
    views: useMay("views:view"),
  };
  const mayAdd = useMay("externalEventsConfiguration:add");
  const loaded = useLoaded(type.id, async (signal) => {
    const [configurations, endpoints, views] = await Promise.all([
      maySee.configurations ? listConfigurations(signal) : [],
      maySee.endpoints ? listEndpoints(signal) : [],
      maySee.views ? listViewsOf(type.id, signal) : [],
    ]);
    const own = configurations.filter((one) => one.schemaId === type.id);
    const ids = new Set(own.map((one) => one.id));
    const uses = (endpoint: (typeof endpoints)[number]) =>
      [endpoint.configurationId, ...Object.values(endpoint.routing?.configurations ?? {})].some((id) => ids.has(id));
    return { configurations: own, endpoints: endpoints.filter(uses), views };
  });
  return (
    <div class="stack">
      {summary && <InViews type={type} summary={summary} reload={reload} />}
      <WhenLoaded loaded={loaded} what="the use of the event type">
        {({ configurations, endpoints, views }) => (
          <div class="cards">
            {maySee.configurations && (
              <Uses
                title="Configurations"
                none="No configuration binds it to a source, so no events of it can be sent."
                items={configurations.map((one) => ({
                  id: one.id ?? "",
                  name: one.name ?? "",
                  about: `Source ${one.source ?? ""}`,
                  href: address(["sources", "configurations", one.id ?? ""]),
                }))}
                action={
                  mayAdd &&
                  type.enabled && (
                    <a class="button" href={address(["sources", "configurations", "new"], { type: type.id })}>
                      Create configuration
                    </a>
                  )
                }
              />
            )}
            {maySee.endpoints && (
              <Uses
                title="Endpoints"
                none="No endpoint of a webhook makes events of it."
                items={endpoints.map((one) => ({
                  id: one.id,
                  name: one.name,
                  about: one.sender,
                  href: address(["sources", "endpoints", one.id]),
                }))}
              />
            )}
            {maySee.views && (
              <Uses
                title="Views"
                none="No view has an element of it."
                items={views.map((one) => ({ ...one, about: "", href: address(["views", one.id]) }))}
              />
            )}
          </div>
        )}
      </WhenLoaded>
      <Copyable label="Id of the event type" value={type.id} />
    </div>
  );
}

/** How views show the event type, once it was activated. */
function InViews({ type, summary, reload }: { type: EventType; summary: Summary; reload: () => void }) {
  const mayEdit = useMay("externalEvents:edit");
  const [editing, setEditing] = useState(false);
  if (!summary.dateFirstActivated) {
    return <p class="notice">Views cannot use this event type yet. Activate it, and it is offered in the builder.</p>;
  }
  return (
    <section class="card" aria-label="In views">
      <div class="row apart">
        <h2>In views</h2>
        {mayEdit && (
          <button
            type="button"
            onClick={() => {
              setEditing(true);
            }}
          >
            Change
          </button>
        )}
      </div>
      <dl class="facts">
        <dt>Name</dt>
        <dd class="wrap-anywhere">{summary.displayName}</dd>
        <dt>Rank</dt>
        <dd>{summary.rank}</dd>
        <dt>First activated</dt>
        <dd>
          <Time value={summary.dateFirstActivated} />
        </dd>
      </dl>
      {editing && (
        <Presentation
          title="Change how views show it"
          verb="Save"
          displayName={summary.displayName ?? type.jsonSchema.title}
          rank={summary.rank ?? 0}
          act={async (displayName, rank) => {
            await presentType(type.id, displayName, rank);
            reload();
          }}
          onClose={() => {
            setEditing(false);
          }}
        />
      )}
    </section>
  );
}

interface Use {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly href: string;
}

function Uses({
  title,
  none,
  items,
  action,
}: {
  title: string;
  none: string;
  items: readonly Use[];
  action?: ComponentChildren;
}) {
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      {items.length === 0 ? (
        <p class="soft">{none}</p>
      ) : (
        <ul class="uses">
          {[...items]
            .sort((one, other) => byName(one.name, other.name))
            .map((item) => (
              <li key={item.id}>
                <a class="wrap-anywhere" href={item.href}>
                  {item.name}
                </a>
                {item.about && <span class="soft small"> {item.about}</span>}
              </li>
            ))}
        </ul>
      )}
      {action && <div>{action}</div>}
    </section>
  );
}

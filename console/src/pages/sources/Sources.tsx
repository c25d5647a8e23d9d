/** Sources of events: event types, configurations, and the endpoints of webhooks. */

import "./sources.css";
import type { ComponentChildren } from "preact";
import type { Model } from "../../api/client";
import { PageLayout } from "../../components/layout";
import { Empty } from "../../components/states";
import { useMe } from "../../me";
import { address } from "../../routing";
import type { PageProps } from "../pages";
import { ConfigurationDetail } from "./configurations/ConfigurationDetail";
import { ConfigurationList } from "./configurations/ConfigurationList";
import { NewConfiguration } from "./configurations/NewConfiguration";
import { EndpointDetail } from "./endpoints/EndpointDetail";
import { EndpointList } from "./endpoints/EndpointList";
import { SetUp } from "./endpoints/SetUp";
import { IdentifierSources } from "./identifiers/IdentifierSources";
import { Tabs } from "../../components/tabs";
import { NewType } from "./types/NewType";
import { TypeDetail } from "./types/TypeDetail";
import { TypeList } from "./types/TypeList";

interface Area {
  readonly path: string;
  readonly title: string;
  readonly permission: Model<"Permission">;
}

const AREAS: readonly Area[] = [
  { path: "types", title: "Event types", permission: "journey:externalEventsSchema:view" },
  { path: "configurations", title: "Configurations", permission: "journey:externalEventsConfiguration:view" },
  { path: "endpoints", title: "Endpoints", permission: "journey:webhooks:view" },
  { path: "identifiers", title: "Identifiers", permission: "journey:customers:view" },
];

export default function Sources({ rest }: PageProps) {
  const { permissions } = useMe();
  const areas = AREAS.filter((area) => permissions.includes(area.permission));
  const [path = areas[0]?.path ?? "types", ...inArea] = rest;
  const area = AREAS.find((one) => one.path === path);
  if (!area) {
    return (
      <Empty title="There is no such page">
        <a href="#/sources">Go to the sources</a>
      </Empty>
    );
  }
  if (!areas.includes(area)) {
    return (
      <Empty title={`You may not see ${area.title.toLowerCase()}`}>
        <p>
          It needs the permission <code>{area.permission}</code>. Ask an administrator for another role.
        </p>
      </Empty>
    );
  }
  return shown(path, inArea, <AreaTabs areas={areas} current={path} />);
}

function shown(area: string, [id, ...more]: readonly string[], tabs: ComponentChildren) {
  if (area === "types") {
    if (id === undefined) return <InTabs title="Event types" tabs={tabs} children={<TypeList />} />;
    return id === "new" ? <NewType /> : <TypeDetail key={id} id={id} part={more[0]} />;
  }
  if (area === "configurations") {
    if (id === undefined) return <InTabs title="Configurations" tabs={tabs} children={<ConfigurationList />} />;
    return id === "new" ? <NewConfiguration /> : <ConfigurationDetail key={id} id={id} />;
  }
  if (area === "identifiers") return <InTabs title="Identifiers" tabs={tabs} children={<IdentifierSources />} />;
  if (id === undefined) return <InTabs title="Endpoints" tabs={tabs} children={<EndpointList />} />;
  // The set-up stays mounted when the endpoint exists: it shows the secret, which the API shows only once.
  if (id === "new" || more[0] === "setup") return <SetUp id={id === "new" ? undefined : id} />;
  return <EndpointDetail key={id} id={id} part={more[0]} />;
}

function InTabs({ title, tabs, children }: { title: string; tabs: ComponentChildren; children: ComponentChildren }) {
  return (
    <PageLayout title="Sources" about={ABOUT[title]}>
      {tabs}
      {children}
    </PageLayout>
  );
}

const ABOUT: Readonly<Record<string, string>> = {
  "Event types": "An event type says which fields an event has. Everything else is built on it.",
  Configurations: "A configuration binds an event type to a source and is the address that receives its events.",
  Identifiers: "Identifiers that link make one customer of a person whom each system knows by another name.",
  Endpoints: "An endpoint receives the webhooks of a tool, and makes events of them.",
};

function AreaTabs({ areas, current }: { areas: readonly Area[]; current: string }) {
  const tabs = areas.map(({ path, title }) => ({ title, href: address(["sources", path]), current: path === current }));
  return <Tabs label="Sources" tabs={tabs} />;
}

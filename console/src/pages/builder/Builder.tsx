/**
 * Builds a view: a new one at `#/builder`, the next version of a saved one at `#/builder/VIEW_ID`, and one of a path at
 * `#/builder?paths=JOB_ID&path=EVENT_TYPE_IDS`.
 */

import { useRef } from "preact/hooks";
import { api, call } from "../../api/client";
import { useLoaded } from "../../api/loading";
import { PageLayout, WhenLoaded } from "../../components/layout";
import { useMay } from "../../me";
import { address, useRoute } from "../../routing";
import type { PageProps } from "../pages";
import { type EventDefinitions, eventDefinitions } from "./attributes";
import { type Definition, EMPTY, fromView } from "./definition";
import { Editor } from "./editor";
import { parseExactly } from "./exact";
import { loadViewOfPath, type Origin, originOf } from "./origin";

/** What the builder starts from. */
interface Start {
  readonly events: EventDefinitions;
  readonly definition: Definition;
  readonly version: number | undefined;
}

export default function Builder({ rest }: PageProps) {
  const viewId = rest[0];
  const mayCount = useMay("usage:view");
  const origin = originOf(useRoute().query);
  const opened = viewId ?? (origin && JSON.stringify(origin));
  // A new view gets its address when it is saved; the editor then goes on as it is.
  const shown = useRef({ turn: 0, opened, saved: undefined as string | undefined });
  if (shown.current.opened !== opened) {
    const { turn, saved } = shown.current;
    shown.current = { turn: opened === saved ? turn : turn + 1, opened, saved: undefined };
  }
  const loaded = useLoaded(`builder ${shown.current.turn}`, (signal) => load(viewId, origin, mayCount, signal));
  const above =
    viewId === undefined && origin
      ? { label: "Paths", href: address(["paths", origin.pathJobId], { path: origin.path }) }
      : { label: "Views", href: "#/views" };
  if (loaded.data === undefined) {
    return (
      <PageLayout title={viewId === undefined ? "New view" : "Edit view"} above={above}>
        <WhenLoaded loaded={loaded} what="the builder">
          {() => null}
        </WhenLoaded>
      </PageLayout>
    );
  }
  return (
    <Editor
      key={shown.current.turn}
      events={loaded.data.events}
      start={loaded.data.definition}
      viewId={viewId}
      version={loaded.data.version}
      isMade={viewId === undefined && origin !== undefined}
      above={viewId === undefined ? above : { label: "View", href: address(["views", viewId]) }}
      onSaved={(id) => {
        shown.current.saved = id;
      }}
    />
  );
}

async function load(
  viewId: string | undefined,
  origin: Origin | undefined,
  mayCount: boolean,
  signal: AbortSignal,
): Promise<Start> {
  const [{ entities = [] }, activity, view] = await Promise.all([
    call(api.GET("/api/v2/journey/views/eventdefinitions", { signal })),
    // Without the numbers of events the builder works as well.
    mayCount ? call(api.GET("/api/v2/journey/activity", { signal })).catch(() => undefined) : undefined,
    viewId !== undefined ? loadView(viewId, signal) : origin && loadViewOfPath(origin, signal),
  ]);
  return {
    events: eventDefinitions(entities, activity),
    definition: view ? fromView(view) : EMPTY,
    version: view?.version,
  };
}

async function loadView(viewId: string, signal: AbortSignal): Promise<{ version?: number }> {
  const params = { path: { viewId } };
  const text = await call(api.GET("/api/v2/journey/views/{viewId}", { params, parseAs: "text", signal }));
  return parseExactly(text) as { version?: number };
}

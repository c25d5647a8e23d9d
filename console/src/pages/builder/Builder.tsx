/** Builds a view: a new one at `#/builder`, the next version of a saved one at `#/builder/VIEW_ID`. */

import { useRef } from "preact/hooks";
import { api, call } from "../../api/client";
import { useLoaded } from "../../api/loading";
import { PageLayout, WhenLoaded } from "../../components/layout";
import type { PageProps } from "../pages";
import { type EventDefinitions, eventDefinitions } from "./attributes";
import { type Definition, EMPTY, fromView } from "./definition";
import { Editor } from "./editor";
import { parseExactly } from "./exact";

/** What the builder starts from. */
interface Start {
  readonly events: EventDefinitions;
  readonly definition: Definition;
  readonly version: number | undefined;
}

export default function Builder({ rest }: PageProps) {
  const viewId = rest[0];
  // A new view gets its address when it is saved; the editor then goes on as it is.
  const shown = useRef({ turn: 0, viewId, saved: undefined as string | undefined });
  if (shown.current.viewId !== viewId) {
    const { turn, saved } = shown.current;
    shown.current = { turn: viewId === saved ? turn : turn + 1, viewId, saved: undefined };
  }
  const loaded = useLoaded(`builder ${shown.current.turn}`, (signal) => load(viewId, signal));
  if (loaded.data === undefined) {
    return (
      <PageLayout title={viewId === undefined ? "New view" : "Edit view"} above={{ label: "Views", href: "#/views" }}>
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
      onSaved={(id) => {
        shown.current.saved = id;
      }}
    />
  );
}

async function load(viewId: string | undefined, signal: AbortSignal): Promise<Start> {
  const listing = call(api.GET("/api/v2/journey/views/eventdefinitions", { signal }));
  if (viewId === undefined) {
    return { events: eventDefinitions((await listing).entities ?? []), definition: EMPTY, version: undefined };
  }
  const params = { path: { viewId } };
  const request = api.GET("/api/v2/journey/views/{viewId}", { params, parseAs: "text", signal });
  const [{ entities = [] }, text] = await Promise.all([listing, call(request)]);
  const view = parseExactly(text) as { version?: number };
  return { events: eventDefinitions(entities), definition: fromView(view), version: view.version };
}

/** The builder's state: the definition with undo and redo, what is selected, problems, and saving. */

import "./builder.css";
import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { type Action as Act, useAction } from "../../api/loading";
import { ApiProblem } from "../../api/problem";
import { PageLayout } from "../../components/layout";
import { Failed } from "../../components/states";
import { count } from "../../formats";
import { JourneyGraph } from "../../journey/graph";
import type { GraphElement } from "../../journey/model";
import { useMay } from "../../me";
import { address, go, guardUnsaved, setQuery, useRoute } from "../../routing";
import type { EventDefinitions } from "./attributes";
import { type Building, BuildingContext, focusAt, shownName, useBuilding } from "./building";
import { Charts } from "./charts";
import { canConnect, type Definition, toBody } from "./definition";
import { AddElement, ElementForm, ElementList, FirstEvent } from "./elements";
import { begin, type History, reduce } from "./history";
import { MadeOfPath } from "./origin";
import { findProblems, isWithin, placeOf, type Problem, refusedProblems, valueAt } from "./problems";
import { linkNote } from "./sentences";
import { Settings } from "./settings";

interface Props {
  events: EventDefinitions;
  start: Definition;
  /** The view that is edited; undefined while a new view is not saved. */
  viewId: string | undefined;
  version: number | undefined;
  /** The start was made of something else, and can be saved as it is. */
  isMade: boolean;
  /** The page that the builder was opened from. */
  above: { label: string; href: string };
  onSaved: (viewId: string) => void;
}

interface Saved {
  readonly viewId: string;
  readonly version: number;
  readonly definition: Definition;
}

export function Editor({ events, start, viewId, version, isMade, above, onSaved }: Props) {
  const [history, dispatch] = useReducer(reduce, start, begin);
  const definition = history.present;
  const root = useRef<HTMLDivElement>(null);
  const place = usePlace(definition, root);
  const saving = useSaving(definition, viewId);
  const { saved } = saving;
  const checks = useProblems(definition, events, saving.action.error);
  const changed = definition !== (saved?.definition ?? start);
  const dirty = changed || (isMade && !saved);
  const [told, setTold] = useState("");
  useGuard(changed);
  useUndoKeys(dispatch);
  useEffect(() => {
    if (!saved || saved.viewId === viewId) return;
    onSaved(saved.viewId);
    go(address(["builder", saved.viewId], place.shown), { replace: true });
  }, [saved]);

  const building: Building = {
    definition,
    events,
    problems: checks.shown,
    edit: (edit, field) => {
      setTold("");
      dispatch({ type: "edit", edit, field });
    },
    select: place.select,
    focus: place.focus,
  };
  const save = async () => {
    setTold("");
    if (checks.check()) await saving.action.run();
    else root.current?.querySelector<HTMLElement>(".problems a")?.focus();
  };
  useEffect(() => {
    const [first] = checks.refused;
    if (first) place.show(first.path);
  }, [checks.refused]);

  const title = definition.name.trim() || (viewId === undefined ? "New view" : "View");
  const elementIndex = definition.elements.findIndex(({ id }) => id === place.selected);
  const element = definition.elements[elementIndex];
  return (
    <BuildingContext.Provider value={building}>
      <PageLayout
        title={title}
        above={above}
        actions={<Actions history={history} dispatch={dispatch} saving={saving.action} dirty={dirty} onSave={save} />}
      >
        <div class="builder building stack" ref={root}>
          <Saved saved={dirty ? undefined : saved} />
          {isMade && !saved && <MadeOfPath />}
          <SaveError error={saving.action.error} onSave={save} />
          <Summary problems={checks.shown} definition={definition} onShow={place.show} />
          {definition.elements.length === 0 ? (
            <FirstEvent />
          ) : (
            <>
              <Picture title={title} problems={checks.shown} selected={element?.id} onTell={setTold} />
              <p class="told small" role="status">
                {told}
              </p>
              <div class="row apart bar">
                <Parts current={place.part} definition={definition} onPart={place.showPart} />
                {place.part === "elements" && <AddElement selected={element} />}
              </div>
            </>
          )}
          {definition.elements.length > 0 &&
            (place.part === "view" ? (
              <Settings />
            ) : place.part === "charts" ? (
              <Charts />
            ) : element ? (
              <ElementForm key={element.id} element={element} index={elementIndex} />
            ) : (
              <div data-path="elements" tabindex={-1}>
                <ElementList />
              </div>
            ))}
          {version !== undefined && !saved && (
            <p class="soft small">Saving makes version {version + 1} of this view. Earlier versions stay.</p>
          )}
        </div>
      </PageLayout>
    </BuildingContext.Provider>
  );
}

// -- what surrounds the forms ------------------------------------------------------------------------------------------

interface ActionsProps {
  history: History;
  dispatch: (action: { type: "undo" } | { type: "redo" }) => void;
  saving: Act<[]>;
  dirty: boolean;
  onSave: () => Promise<void>;
}

function Actions({ history, dispatch, saving, dirty, onSave }: ActionsProps) {
  return (
    <>
      <button
        type="button"
        disabled={history.past.length === 0}
        aria-keyshortcuts="Control+Z"
        onClick={() => {
          dispatch({ type: "undo" });
        }}
      >
        Undo
      </button>
      <button
        type="button"
        disabled={history.future.length === 0}
        aria-keyshortcuts="Control+Shift+Z"
        onClick={() => {
          dispatch({ type: "redo" });
        }}
      >
        Redo
      </button>
      <button type="button" class="primary" disabled={saving.running || !dirty} onClick={onSave}>
        {saving.running ? "Saving …" : "Save view"}
      </button>
    </>
  );
}

/** After saving: what to do next. */
function Saved({ saved }: { saved: Saved | undefined }) {
  const mayCompute = useMay("viewsJobs:add");
  const notice = useRef<HTMLDivElement>(null);
  const computing = useAction(async () => {
    if (!saved) return;
    const { viewId, version } = saved;
    await call(
      api.POST("/api/v2/journey/views/{viewId}/versions/{version}/jobs", { params: { path: { viewId, version } } }),
    );
    go(address(["views", viewId]));
  });
  useEffect(() => {
    if (!saved) return undefined;
    // After the shell has put the focus on the page, when the address of a new view is shown.
    const timer = setTimeout(() => {
      notice.current?.querySelector<HTMLElement>("button, a")?.focus();
    }, 50);
    return () => {
      clearTimeout(timer);
    };
  }, [saved]);
  return (
    <div ref={notice} role="status">
      {saved && (
        <div class="notice good">
          <p>
            <strong>Version {saved.version} is saved.</strong>{" "}
            {mayCompute ? "Compute it to see its figures." : "Its figures are shown once it is computed."}
          </p>
          {computing.error !== undefined && <Failed error={computing.error} />}
          <div class="row">
            {mayCompute && (
              <button
                type="button"
                class="primary"
                disabled={computing.running}
                onClick={() => {
                  void computing.run();
                }}
              >
                Compute now
              </button>
            )}
            <a class="button" href={address(["views", saved.viewId])}>
              Open the view
            </a>
          </div>
        </div>
      )}
    </div>
  );
}

/** An error that names no field. Nothing is lost: saving can be repeated. */
function SaveError({ error, onSave }: { error: unknown; onSave: () => Promise<void> }) {
  if (error === undefined || (error instanceof ApiProblem && error.details.length > 0)) return null;
  return (
    <Failed
      error={error}
      retry={() => {
        void onSave();
      }}
    />
  );
}

interface SummaryProps {
  problems: readonly Problem[];
  definition: Definition;
  onShow: (path: string) => void;
}

function Summary({ problems, definition, onShow }: SummaryProps) {
  if (problems.length === 0) return null;
  return (
    <section class="notice bad problems" aria-labelledby="problems">
      <h2 id="problems">{count(problems.length, "problem")} to fix before the view can be saved</h2>
      <ul>
        {problems.map(({ path, message }) => (
          <li key={`${path} ${message}`}>
            <a
              href={location.hash}
              onClick={(event) => {
                event.preventDefault();
                onShow(path);
              }}
            >
              {placeOf(path, definition)}: {message}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

const PARTS = ["elements", "charts", "view"] as const;
type Part = (typeof PARTS)[number];

interface PartsProps {
  current: Part;
  definition: Definition;
  onPart: (part: Part) => void;
}

function Parts({ current, definition, onPart }: PartsProps) {
  const labels: Readonly<Record<Part, string>> = {
    elements: `Elements (${definition.elements.length})`,
    charts: `Charts (${definition.charts?.length ?? 0})`,
    view: "Settings",
  };
  return (
    <div class="parts" role="group" aria-label="Parts of the view">
      {PARTS.map((part) => (
        <button
          key={part}
          type="button"
          aria-pressed={part === current}
          onClick={() => {
            onPart(part);
          }}
        >
          {labels[part]}
        </button>
      ))}
    </div>
  );
}

interface PictureProps {
  title: string;
  problems: readonly Problem[];
  selected: string | undefined;
  onTell: (text: string) => void;
}

/** The journey as it is built. A link that would lead back is refused, and said so. */
function Picture({ title, problems, selected, onTell }: PictureProps) {
  const { definition, events, edit, select } = useBuilding();
  const elements = useMemo(
    () =>
      definition.elements.map((element, index): GraphElement => {
        const wrong = problems.filter(({ path }) => isWithin(path, `elements[${index}]`)).length;
        const source = events.get(element.attributes.id)?.name ?? "An event that is not active";
        return {
          id: element.id,
          name: shownName(element),
          source: wrong > 0 ? `⚠ ${count(wrong, "problem")}` : source,
          native: events.get(element.attributes.id)?.native ? element.attributes.id : undefined,
          followedBy: (element.followedBy ?? []).map((link) => ({ id: link.id, note: linkNote(link) })),
        };
      }),
    [definition.elements, events, problems],
  );
  return (
    <div class="picture">
      <JourneyGraph
        elements={elements}
        label={`Journey ${title}`}
        selected={selected}
        onSelect={select}
        onConnect={(from, to) => {
          const name = (id: string) => definition.elements.find((one) => one.id === id)?.name ?? id;
          if (!canConnect(definition.elements, from, to)) {
            onTell(`“${name(from)}” is not connected to “${name(to)}”: it is already, or the link would lead back.`);
            return;
          }
          edit({ do: "connect", from, to });
          select(from);
          onTell(`“${name(from)}” is connected to “${name(to)}”.`);
        }}
      />
    </div>
  );
}

// -- behavior ----------------------------------------------------------------------------------------------------------

/** What is shown beside the picture. It is part of the address. */
function usePlace(definition: Definition, root: { current: HTMLElement | null }) {
  const { query } = useRoute();
  const [target, setTarget] = useState<{ readonly path: string }>();
  const selected = query.get("element") ?? undefined;
  const part: Part = PARTS.find((one) => one === query.get("part")) ?? "elements";
  useEffect(() => {
    if (target && root.current && focusAt(root.current, target.path)) setTarget(undefined);
  }, [target, selected, part, definition]);
  const focus = (path: string) => {
    setTarget({ path });
  };
  const showPart = (chosen: Part) => {
    setQuery({ part: chosen === "elements" ? undefined : chosen, element: undefined }, { replace: true });
  };
  const select = (id: string | undefined) => {
    setQuery({ element: id, part: undefined }, { replace: true });
  };
  return {
    shown: { element: selected, part: part === "elements" ? undefined : part },
    selected,
    part,
    focus,
    showPart,
    select,
    /** Shows the field at a path, and puts the focus on it. */
    show: (path: string) => {
      const [, list, index] = /^(elements|charts)(?:\[(\d+)\])?/.exec(path) ?? [];
      if (list === "elements") select(index === undefined ? undefined : definition.elements[Number(index)]?.id);
      else showPart(list === "charts" ? "charts" : "view");
      focus(path);
    },
  };
}

function useSaving(definition: Definition, viewId: string | undefined) {
  const [saved, setSaved] = useState<Saved>();
  const action = useAction(async () => {
    const body = toBody(definition);
    const id = saved?.viewId ?? viewId;
    const view = await call(
      id === undefined
        ? api.POST("/api/v2/journey/views", { body })
        : api.POST("/api/v2/journey/views/{viewId}/versions", { params: { path: { viewId: id } }, body }),
    );
    setSaved({ viewId: view.id ?? "", version: view.version ?? 1, definition });
  });
  return { saved, action };
}

/** The problems, from the first attempt to save on. One that the API names is gone when its field changes. */
function useProblems(definition: Definition, events: EventDefinitions, error: unknown) {
  const [checked, setChecked] = useState(false);
  const found = useMemo(() => findProblems(definition, events), [definition, events]);
  const refused = useMemo(() => {
    if (!(error instanceof ApiProblem)) return [];
    return refusedProblems(error).map((one) => ({ ...one, value: valueAt(definition, one.path) }));
  }, [error]);
  const left = refused.filter(({ path, value }) => valueAt(definition, path) === value);
  return {
    shown: [
      ...(checked ? found : []),
      ...left.filter(({ path }) => !checked || !found.some((one) => one.path === path)),
    ],
    refused,
    /** Shows the problems from now on. Returns whether there are none. */
    check: () => {
      setChecked(true);
      return found.length === 0;
    },
  };
}

function useGuard(dirty: boolean): void {
  useEffect(
    () => (dirty ? guardUnsaved("Leave the builder? What you changed since the last save is lost.") : undefined),
    [dirty],
  );
}

function useUndoKeys(dispatch: (action: { type: "undo" } | { type: "redo" }) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector("dialog[open]")) return;
      const key = event.key.toLowerCase();
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      dispatch({ type: key === "y" || event.shiftKey ? "redo" : "undo" });
    };
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("keydown", onKey);
    };
  }, []);
}

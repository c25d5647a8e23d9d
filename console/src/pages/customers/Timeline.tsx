/** The events of a customer by day. Only those in sight are in the document, however many were loaded. */

import { type Dispatch, type StateUpdater, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Listed } from "../../api/loading";
import type { Marks } from "../../components/source-mark";
import { Failed } from "../../components/states";
import { offsetsOf, rowAt, useWindow } from "../../components/windowing";
import { count, day, number } from "../../formats";
import type { Numbers } from "./person";
import { neighbor, type Row, rowsOf } from "./rows";
import type { Step } from "./requests";
import { ConversationRow, EventRow, type Handlers } from "./TimelineRows";

/** Heights of rows in rem; the style sheet gives days the first, and the others what the timeline sets. */
const DAY_HEIGHT = 3;
const ROW_HEIGHT = 3.75;
/** On narrow screens the identifier of an event stands in a line of its own. */
const TALL_ROW_HEIGHT = 5;
const NARROW = matchMedia("(max-width: 40rem)");
/** Rows before the end of those loaded at which the next page is loaded. */
const AHEAD = 30;

interface Props {
  events: readonly Step[];
  listed: Listed<Step>;
  /** The number of all events, if no filter leaves some out. */
  total: number | undefined;
  marks: Marks;
  /** The numbers of the person's identifiers; undefined if there is only one. */
  numbers: Numbers | undefined;
}

export function Timeline({ events, listed, total, marks, numbers }: Props) {
  const list = useRef<HTMLDivElement>(null);
  // What is open: conversations, and events with the heights of their details.
  const [conversations, setConversations] = useState<ReadonlySet<string>>(new Set());
  const [opened, setOpened] = useState<ReadonlyMap<string, number>>(new Map());
  const rows = useMemo(() => rowsOf(events, conversations), [events, conversations]);
  const narrow = useNarrow();
  const rowHeight = numbers && narrow ? TALL_ROW_HEIGHT : ROW_HEIGHT;
  const offsets = useMemo(() => {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return offsetsOf(rows.map((row) => rem * (row.kind === "day" ? DAY_HEIGHT : rowHeight) + detailsOf(row, opened)));
  }, [rows, opened, rowHeight]);
  const { first, end, top } = useWindow(list, offsets);
  const [focused, setFocused] = useState<number>();
  useMoreInSight(end >= rows.length - AHEAD, listed, events.length);
  const seenFirst = Math.max(rowAt(offsets, top), 0);
  const reached = focused ?? neighbor(rows, seenFirst - 1, 1);
  const on = useHandlers(rows, { setOpened, setConversations, setFocused });
  return (
    <div class="stack">
      <div class="timeline" style={{ "--row-height": `${rowHeight}rem` }}>
        <p class="timeline-day" aria-hidden="true">
          {rows[seenFirst] && day(`${rows[seenFirst].day}T12:00:00`)}
        </p>
        <div
          ref={list}
          class={numbers ? "timeline-rows with-identifiers" : "timeline-rows"}
          style={{ height: `${offsets[rows.length] ?? 0}px` }}
          onFocusOut={(event) => {
            if (!list.current?.contains(event.relatedTarget as Node | null)) setFocused(undefined);
          }}
        >
          {drawn(first, end, reached, rows.length).map((index) => {
            const row = rows[index];
            if (!row) return null;
            const place = {
              index,
              top: offsets[index] ?? 0,
              reached: index === reached,
              focused: index === focused,
              numbers,
              on,
            };
            switch (row.kind) {
              case "day":
                return (
                  <h3 key={`${row.day} ${row.number}`} class="day" style={{ top: `${place.top}px` }}>
                    {day(`${row.day}T12:00:00`)}
                  </h3>
                );
              case "conversation":
                return (
                  <ConversationRow
                    key={row.conversation.key}
                    conversation={row.conversation}
                    open={row.open}
                    {...place}
                  />
                );
              case "event":
                return (
                  <EventRow
                    key={row.event.id}
                    event={row.event}
                    number={row.number}
                    total={total}
                    marks={marks}
                    within={row.within !== undefined}
                    open={opened.has(row.event.id)}
                    {...place}
                  />
                );
            }
          })}
        </div>
      </div>
      <End listed={listed} shown={events.length} total={total} />
    </div>
  );
}

/** The height of the details of an event that is open, in pixels. */
function detailsOf(row: Row<Step>, opened: ReadonlyMap<string, number>): number {
  return row.kind === "event" ? (opened.get(row.event.id) ?? 0) : 0;
}

function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(NARROW.matches);
  useEffect(() => {
    const look = () => {
      setNarrow(NARROW.matches);
    };
    NARROW.addEventListener("change", look);
    return () => {
      NARROW.removeEventListener("change", look);
    };
  }, []);
  return narrow;
}

/** What is shown of all, and the button for those who do not scroll. */
function End({ listed, shown, total }: { listed: Listed<Step>; shown: number; total: number | undefined }) {
  return (
    <div class="row" aria-busy={listed.loading}>
      {listed.error !== undefined && <Failed error={listed.error} retry={listed.reload} />}
      {listed.more && (
        <button type="button" aria-disabled={listed.loading} onClick={listed.loadMore}>
          Load more events
        </button>
      )}
      <span class="soft small" role="status">
        {total !== undefined
          ? `${number(shown)} of ${count(total, "event")} loaded`
          : `${count(shown, "event")} loaded`}
        {!listed.more && !listed.loading && listed.error === undefined && ", these are all"}
      </span>
    </div>
  );
}

/** Loads the next page while the end of the loaded rows is near, until one fails. */
function useMoreInSight(near: boolean, listed: Listed<unknown>, shown: number): void {
  useEffect(() => {
    if (near && listed.more && !listed.loading && listed.error === undefined) listed.loadMore();
  }, [near, listed.more, listed.loading, listed.error, shown]);
}

/** The rows to draw: those in sight, and the one that the keyboard reaches. */
function drawn(first: number, end: number, reached: number, rows: number): number[] {
  const indexes = Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);
  if (reached < first && reached >= 0) return [reached, ...indexes];
  if (reached >= end && reached < rows) return [...indexes, reached];
  return indexes;
}

/** Where a key leads from an event; undefined for keys that do not move. */
function destination(key: string, rows: readonly Row<Step>[], from: number): number | undefined {
  switch (key) {
    case "ArrowDown":
      return neighbor(rows, from, 1);
    case "ArrowUp":
      return neighbor(rows, from, -1);
    case "Home":
      return neighbor(rows, -1, 1);
    case "End":
      return neighbor(rows, rows.length, -1);
    case "ArrowLeft":
      return conversationAbove(rows, from);
    default:
      return undefined;
  }
}

/** The conversation that an event stands below. */
function conversationAbove(rows: readonly Row<Step>[], from: number): number | undefined {
  const row = rows[from];
  if (row?.kind !== "event" || !row.within) return undefined;
  const { key } = row.within;
  const index = rows.findIndex((one) => one.kind === "conversation" && one.conversation.key === key);
  return index < 0 ? undefined : index;
}

interface Setters {
  readonly setOpened: Dispatch<StateUpdater<ReadonlyMap<string, number>>>;
  readonly setConversations: Dispatch<StateUpdater<ReadonlySet<string>>>;
  readonly setFocused: Dispatch<StateUpdater<number | undefined>>;
}

function useHandlers(rows: readonly Row<Step>[], { setOpened, setConversations, setFocused }: Setters): Handlers {
  const latest = useRef(rows);
  latest.current = rows;
  return useMemo(() => {
    const toggle = (key: string) => {
      setConversations((before) => {
        const after = new Set(before);
        if (!after.delete(key)) after.add(key);
        return after;
      });
    };
    return {
      toggle,
      height: (id, height) => {
        setOpened((before) => {
          if (before.get(id) === height) return before;
          const after = new Map(before);
          if (height === undefined) after.delete(id);
          else after.set(id, height);
          return after;
        });
      },
      focus: setFocused,
      key: (event, index) => {
        const row = latest.current[index];
        const to = destination(event.key, latest.current, index);
        if (to !== undefined) setFocused(to);
        else if (row?.kind === "conversation" && event.key === (row.open ? "ArrowLeft" : "ArrowRight")) {
          toggle(row.conversation.key);
        } else return;
        event.preventDefault();
      },
    };
  }, []);
}

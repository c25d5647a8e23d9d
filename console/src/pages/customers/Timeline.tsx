/** The events of a customer by day. Only those in sight are in the document, however many were loaded. */

import { memo } from "preact/compat";
import { type Dispatch, type StateUpdater, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Model } from "../../api/client";
import type { Listed } from "../../api/loading";
import { Attributes, AttributesInBrief, Text } from "../../components/content";
import { type Marks, SourceMark, SourceName } from "../../components/source-mark";
import { Failed } from "../../components/states";
import { Time } from "../../components/times";
import { offsetsOf, rowAt, useWindow } from "../../components/windowing";
import { count, day, number } from "../../formats";
import { useMay } from "../../me";
import { address } from "../../routing";
import { neighbor, type Row, rowsOf } from "./rows";

type Event = Model<"CustomerEvent">;

/** Heights of rows in rem; customers.css gives the rows these heights. */
const DAY_HEIGHT = 3;
const EVENT_HEIGHT = 3.75;
/** The height of an opened event until it is measured, in pixels. */
const DETAILS_HEIGHT = 200;
/** Rows before the end of those loaded at which the next page is loaded. */
const AHEAD = 30;

interface Props {
  events: readonly Event[];
  listed: Listed<Event>;
  /** The number of all events, if no filter leaves some out. */
  total: number | undefined;
  marks: Marks;
}

export function Timeline({ events, listed, total, marks }: Props) {
  const list = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => rowsOf(events), [events]);
  const [opened, setOpened] = useState<ReadonlyMap<string, number>>(new Map());
  const offsets = useMemo(() => {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return offsetsOf(rows.map((row) => rem * rowHeight(row) + (row.event ? (opened.get(row.event.id) ?? 0) : 0)));
  }, [rows, opened]);
  const { first, end, top } = useWindow(list, offsets);
  const [focused, setFocused] = useState<number>();
  useMoreInSight(end >= rows.length - AHEAD, listed, events.length);
  const seenFirst = Math.max(rowAt(offsets, top), 0);
  const reached = focused ?? neighbor(rows, seenFirst - 1, 1);
  const on = useHandlers(rows, setOpened, setFocused);
  return (
    <div class="stack">
      <div class="timeline">
        <p class="timeline-day" aria-hidden="true">
          {rows[seenFirst] && day(`${rows[seenFirst].day}T12:00:00`)}
        </p>
        <div
          ref={list}
          class="timeline-rows"
          style={{ height: `${offsets[rows.length] ?? 0}px` }}
          onFocusOut={(event) => {
            if (!list.current?.contains(event.relatedTarget as Node | null)) setFocused(undefined);
          }}
        >
          {drawn(first, end, reached, rows.length).map((index) => {
            const row = rows[index];
            if (!row) return null;
            if (!row.event) {
              return (
                <h3 key={`${row.day} ${row.number}`} class="day" style={{ top: `${offsets[index] ?? 0}px` }}>
                  {day(`${row.day}T12:00:00`)}
                </h3>
              );
            }
            const { event } = row;
            return (
              <EventRow
                key={event.id}
                event={event}
                index={index}
                number={row.number}
                total={total}
                marks={marks}
                top={offsets[index] ?? 0}
                reached={index === reached}
                focused={index === focused}
                open={opened.has(event.id)}
                on={on}
              />
            );
          })}
        </div>
      </div>
      <End listed={listed} shown={events.length} total={total} />
    </div>
  );
}

/** What is shown of all, and the button for those who do not scroll. */
function End({ listed, shown, total }: { listed: Listed<Event>; shown: number; total: number | undefined }) {
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

function rowHeight(row: Row<unknown>): number {
  return row.event ? EVENT_HEIGHT : DAY_HEIGHT;
}

/** The rows to draw: those in sight, and the one that the keyboard reaches. */
function drawn(first: number, end: number, reached: number, rows: number): number[] {
  const indexes = Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);
  if (reached < first && reached >= 0) return [reached, ...indexes];
  if (reached >= end && reached < rows) return [...indexes, reached];
  return indexes;
}

/** Where a key leads from an event; undefined for keys that do not move. */
function destination(key: string, rows: readonly Row<unknown>[], from: number): number | undefined {
  switch (key) {
    case "ArrowDown":
      return neighbor(rows, from, 1);
    case "ArrowUp":
      return neighbor(rows, from, -1);
    case "Home":
      return neighbor(rows, -1, 1);
    case "End":
      return neighbor(rows, rows.length, -1);
    default:
      return undefined;
  }
}

/** What rows tell the timeline. The object stays the same, so that rows that only move are not drawn again. */
interface Handlers {
  readonly height: (id: string, height: number | undefined) => void;
  readonly focus: (index: number) => void;
  readonly key: (event: KeyboardEvent, index: number) => void;
}

function useHandlers(
  rows: readonly Row<Event>[],
  setOpened: Dispatch<StateUpdater<ReadonlyMap<string, number>>>,
  setFocused: Dispatch<StateUpdater<number | undefined>>,
): Handlers {
  const latest = useRef(rows);
  latest.current = rows;
  return useMemo(
    () => ({
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
        const to = destination(event.key, latest.current, index);
        if (to === undefined) return;
        event.preventDefault();
        setFocused(to);
      },
    }),
    [],
  );
}

interface EventProps {
  event: Event;
  /** The row of the timeline. */
  index: number;
  /** Counts the events from 1. */
  number: number;
  total: number | undefined;
  marks: Marks;
  /** Pixels from the top of the timeline. */
  top: number;
  /** Whether the Tab key reaches this event; from it, the arrow keys reach the others. */
  reached: boolean;
  focused: boolean;
  open: boolean;
  on: Handlers;
}

const EventRow = memo(function EventRow({
  event,
  index,
  marks,
  top,
  reached,
  focused,
  open,
  on,
  ...props
}: EventProps) {
  const row = useRef<HTMLElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    if (focused && !row.current?.contains(document.activeElement)) button.current?.focus();
  }, [focused]);
  return (
    <article
      ref={row}
      class="event"
      style={{ top: `${top}px` }}
      aria-posinset={props.number}
      aria-setsize={props.total ?? -1}
      aria-label={event.eventName}
      onFocusIn={() => {
        on.focus(index);
      }}
    >
      <button
        ref={button}
        type="button"
        tabindex={reached ? 0 : -1}
        aria-expanded={open}
        onClick={() => {
          on.height(event.id, open ? undefined : DETAILS_HEIGHT);
        }}
        onKeyDown={(pressed) => {
          on.key(pressed, index);
        }}
      >
        <SourceMark marks={marks} source={event.source} />
        <span class="event-head">
          <Time value={event.dateCreated} show="time" />
          <strong>
            <Text value={event.eventName} limit={80} />
          </strong>
          <span class="soft">
            <Text value={event.source} limit={60} />
          </span>
        </span>
        <span class="event-brief small">
          <AttributesInBrief attributes={event.attributes} />
        </span>
      </button>
      {open && <Details event={event} marks={marks} on={on} />}
    </article>
  );
});

function Details({ event, marks, on }: { event: Event; marks: Marks; on: Handlers }) {
  const element = useRef<HTMLDivElement>(null);
  const mayEdit = useMay("externalEventsConfiguration:view");
  useLayoutEffect(() => {
    if (!element.current) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      const height = entry?.borderBoxSize[0]?.blockSize;
      if (height !== undefined) on.height(event.id, Math.ceil(height));
    });
    observer.observe(element.current);
    return () => {
      observer.disconnect();
    };
  }, []);
  return (
    <div ref={element} class="event-details">
      <Attributes attributes={event.attributes} caption="Attributes of the event" />
      <dl class="customer-facts small">
        <dt>Happened</dt>
        <dd>
          <Time value={event.dateCreated} />
        </dd>
        <dt>Received</dt>
        <dd>
          <Time value={event.dateReceived} />
        </dd>
        <dt>Source</dt>
        <dd>
          {mayEdit ? (
            <a href={address(["sources", "configurations", event.configurationId])}>
              <SourceName marks={marks} source={event.source} />
            </a>
          ) : (
            <SourceName marks={marks} source={event.source} />
          )}
        </dd>
        <dt>Event id</dt>
        <dd class="wrap-anywhere">
          <Text value={event.id} />
        </dd>
      </dl>
    </div>
  );
}

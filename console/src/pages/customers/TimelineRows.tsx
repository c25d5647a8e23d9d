/** The rows of a timeline that open: events, and conversations with the contact center. */

import type { ComponentChildren } from "preact";
import { memo } from "preact/compat";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { Attributes, AttributesInBrief, Text } from "../../components/content";
import { CONTACT_CENTER, NATIVE, vendorName } from "../../components/native";
import { NativeIcon } from "../../components/native-icon";
import { type Marks, SourceMark, SourceName } from "../../components/source-mark";
import { Time } from "../../components/times";
import { count, duration, number } from "../../formats";
import { useMay } from "../../me";
import { address } from "../../routing";
import { summaryOf } from "./conversation";
import { IdentifierNumber, IdentifierTag } from "./IdentifierTag";
import { type Identifier, identifierKey, type Numbers } from "./person";
import type { Step } from "./requests";
import type { Conversation } from "./rows";

/** The height of an opened event until it is measured, in pixels. */
const DETAILS_HEIGHT = 200;

/** What rows tell the timeline. The object stays the same, so that rows that only move are not drawn again. */
export interface Handlers {
  readonly height: (id: string, height: number | undefined) => void;
  readonly toggle: (conversation: string) => void;
  readonly focus: (index: number) => void;
  readonly key: (event: KeyboardEvent, index: number) => void;
}

interface RowProps {
  /** The row of the timeline. */
  index: number;
  /** Pixels from the top of the timeline. */
  top: number;
  /** Whether the Tab key reaches this row; from it, the arrow keys reach the others. */
  reached: boolean;
  focused: boolean;
  open: boolean;
  /** The numbers of the person's identifiers; undefined if there is only one. */
  numbers: Numbers | undefined;
  on: Handlers;
}

interface EventProps extends RowProps {
  event: Step;
  /** Counts the events from 1. */
  number: number;
  total: number | undefined;
  marks: Marks;
  /** Whether the event stands below its conversation. */
  within: boolean;
}

export const EventRow = memo(function EventRow(props: EventProps) {
  const { event, marks, open, on, numbers, within } = props;
  const native = event.configurationId === NATIVE;
  return (
    <Opening
      {...props}
      class={within ? "event within" : "event"}
      label={event.eventName}
      position={{ "aria-posinset": props.number, "aria-setsize": props.total ?? -1 }}
      onToggle={() => {
        on.height(event.id, open ? undefined : DETAILS_HEIGHT);
      }}
      details={open && <Details event={event} marks={marks} on={on} />}
    >
      {native ? <NativeIcon type={event.schemaId} /> : <SourceMark marks={marks} source={event.source} />}
      <span class="event-head">
        <Time value={event.dateCreated} show="time" />
        <strong>
          <Text value={event.eventName} limit={80} />
        </strong>
        <span class="soft">
          {native ? <NativeSource source={event.source} /> : <Text value={event.source} limit={60} />}
        </span>
      </span>
      <span class="event-brief small">
        <AttributesInBrief attributes={native ? inBrief(event, within) : event.attributes} />
      </span>
      {numbers && <IdentifierTag identifier={event.identifier} numbers={numbers} />}
    </Opening>
  );
});

/** Attributes of native events that say nothing in a line: the vendor stands beside it, and ids are for machines. */
const LEFT_OUT: ReadonlySet<string> = new Set(["vendor", "conversationId", "participantId", "sessionId", "provider"]);
/** What the row of a conversation says about all of its events. */
const IN_COMMON: ReadonlySet<string> = new Set(["mediaType", "messageType", "direction"]);

/** The attributes of a native event that tell it from others. */
function inBrief({ attributes }: Step, within: boolean): Step["attributes"] {
  return Object.fromEntries(
    Object.entries(attributes).filter(([name]) => !LEFT_OUT.has(name) && !(within && IN_COMMON.has(name))),
  );
}

/** A vendor of a contact center; the icon before it is explained to those who do not see it. */
function NativeSource({ source }: { source: string }) {
  return (
    <>
      <Text value={vendorName(source)} limit={60} />
      <span class="unseen">, {CONTACT_CENTER.toLowerCase()}</span>
    </>
  );
}

interface ConversationProps extends RowProps {
  conversation: Conversation<Step>;
}

/** Events of one conversation, closed or opened: how long it took, and what happened. */
export const ConversationRow = memo(function ConversationRow(props: ConversationProps) {
  const { conversation, on, numbers } = props;
  const summary = useMemo(() => summaryOf(conversation.events), [conversation.events]);
  const events = count(conversation.events.length, "event");
  const identifiers = numbers ? identifiersOf(conversation.events) : [];
  return (
    <Opening
      {...props}
      class="conversation"
      label={`${summary.title}, ${events}`}
      onToggle={() => {
        on.toggle(conversation.key);
      }}
    >
      <NativeIcon />
      <span class="event-head">
        <Time value={summary.start} show="time" />
        <strong>{summary.title}</strong>
        <span class="soft">
          {summary.length > 0 && `${duration(summary.length)}, `}
          {events}, {conversation.parts > 1 && `one of ${number(conversation.parts)} parts, `}
          <NativeSource source={conversation.events[0]?.source ?? ""} />
        </span>
      </span>
      <span class="event-brief conversation-parts small">
        {summary.parts.map((part, index) => (
          <span key={index} class="conversation-part">
            <NativeIcon type={part.type} />
            <span>
              <Text value={part.text} />
            </span>
          </span>
        ))}
        {summary.parts.length === 0 && <span class="soft">{namesOf(conversation.events)}</span>}
      </span>
      {numbers && identifiers.length === 1 && identifiers[0] && (
        <IdentifierTag identifier={identifiers[0]} numbers={numbers} />
      )}
      {numbers && identifiers.length > 1 && (
        <span class="identifier-tag">
          <span class="soft">identifiers</span>
          {identifiers.map((one) => (
            <IdentifierNumber key={identifierKey(one)} number={numbers.get(identifierKey(one)) ?? 0} />
          ))}
        </span>
      )}
    </Opening>
  );
});

function identifiersOf(events: readonly Step[]): Identifier[] {
  const found = new Map(events.map(({ identifier }) => [identifierKey(identifier), identifier]));
  return [...found.values()];
}

function namesOf(events: readonly Step[]): string {
  return [...new Set(events.map(({ eventName }) => eventName))].join(", ");
}

interface OpeningProps extends Omit<RowProps, "numbers"> {
  class: string;
  label: string;
  position?: { "aria-posinset": number; "aria-setsize": number };
  onToggle: () => void;
  children: ComponentChildren;
  details?: ComponentChildren;
}

/** A row that is one button: it opens and closes, and takes the focus that the arrow keys move. */
function Opening({ index, top, reached, focused, open, on, ...props }: OpeningProps) {
  const row = useRef<HTMLElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    if (focused && !row.current?.contains(document.activeElement)) button.current?.focus();
  }, [focused]);
  return (
    <article
      ref={row}
      class={props.class}
      style={{ top: `${top}px` }}
      aria-label={props.label}
      {...props.position}
      onFocusIn={() => {
        on.focus(index);
      }}
    >
      <button
        ref={button}
        type="button"
        tabindex={reached ? 0 : -1}
        aria-expanded={open}
        onClick={props.onToggle}
        onKeyDown={(pressed) => {
          on.key(pressed, index);
        }}
      >
        {props.children}
      </button>
      {props.details}
    </article>
  );
}

function Details({ event, marks, on }: { event: Step; marks: Marks; on: Handlers }) {
  const element = useRef<HTMLDivElement>(null);
  const native = event.configurationId === NATIVE;
  const maySee = useMay("externalEventsConfiguration:view") && !native;
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
          {native ? (
            <span class="source-name">
              <NativeIcon />
              {vendorName(event.source)}, {CONTACT_CENTER.toLowerCase()}
            </span>
          ) : maySee ? (
            <a href={address(["sources", "configurations", event.configurationId])}>
              <SourceName marks={marks} source={event.source} />
            </a>
          ) : (
            <SourceName marks={marks} source={event.source} />
          )}
        </dd>
        <dt>Identifier</dt>
        <dd class="wrap-anywhere">
          <Text value={event.identifier.externalSourceId} /> <Text value={event.identifier.value} />
        </dd>
        <dt>Event id</dt>
        <dd class="wrap-anywhere">
          <Text value={event.id} />
        </dd>
      </dl>
    </div>
  );
}

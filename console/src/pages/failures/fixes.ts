/** What to do about a failure, by its reason: the advice, and the place in the console where to follow it. */

import type { Model } from "../../api/client";
import type { operations } from "../../api/schema";
import { NATIVE } from "../../components/native";
import { address } from "../../routing";

export type Reason = NonNullable<NonNullable<operations["listFailures"]["parameters"]["query"]>["reason"]>;

/**
 * Where a cause is fixed. A mapping belongs to an endpoint: events that come in over the API lead to their
 * configuration instead. `log` is for operators, who read it outside the console.
 */
type Place = "mapping" | "schema" | "configuration" | "log";

interface Fix {
  /** The reason in the words of the reader. */
  readonly title: string;
  /** What to do. `delivery` is the advice for webhook deliveries, where it differs. */
  readonly advice: string;
  readonly delivery?: string;
  readonly place: Place;
}

const BY_REASON: Record<Reason, Fix> = {
  "invalid.event": {
    title: "Not an event",
    advice: "Send a JSON object with id, dateCreated, the customer’s identifier and attributes.",
    delivery: "Let the mapping make an object of each payload. Check its expression for the list of events first.",
    place: "mapping",
  },
  "missing.date": {
    title: "No date",
    advice: "Send the time at which the event happened as dateCreated, with a time zone.",
    delivery: "Point the mapping’s dateCreated at the field that holds the date. If there is none, use received().",
    place: "mapping",
  },
  "invalid.date": {
    title: "Date not readable",
    advice: "Send dateCreated as ISO 8601 with a time zone, such as 2026-01-31T09:30:00Z.",
    delivery: "Tell the mapping in which form the tool writes dates: set its dateFormat and its timeZone.",
    place: "mapping",
  },
  "date.in.future": {
    title: "Date in the future",
    advice: "Check the clock and the time zone of the system that sends the event.",
    delivery: "Check the mapping’s timeZone and dateFormat; often a local time was read as UTC.",
    place: "mapping",
  },
  "missing.identifier": {
    title: "No customer",
    advice: "Send at least one identifier of the customer: externalSourceId and its value.",
    delivery:
      "Point the mapping’s customer at a field that every payload has. Events that have no customer can be left out with a routing.",
    place: "mapping",
  },
  "invalid.identifier": {
    title: "Identifier not allowed",
    advice: "Send the identifier as a text that is not empty, with the name of its source.",
    delivery: "Let the mapping’s customer find one text or number, not a list or an object.",
    place: "mapping",
  },
  "missing.id": {
    title: "No id",
    advice: "Send an id with each event that is the same when the event is sent again.",
    delivery: "Point the mapping’s id at the tool’s own id of the event. If there is none, use digest() of its fields.",
    place: "mapping",
  },
  "invalid.id": {
    title: "Id not allowed",
    advice: "Send the id as a text of allowed length and characters; the message says which.",
    delivery: "Let the mapping’s id find one text or number. digest() makes an id of anything.",
    place: "mapping",
  },
  "event.too.large": {
    title: "Event too large",
    advice: "Send fewer or shorter attributes: those that journey views need.",
    delivery: "Map fewer attributes, or shorter ones: those that journey views need.",
    place: "mapping",
  },
  "too.many.attributes": {
    title: "Too many attributes",
    advice: "Send only the attributes that the event type defines and journey views need.",
    delivery: "Map only the attributes that journey views need.",
    place: "mapping",
  },
  "unknown.attribute": {
    title: "Attribute not in the event type",
    advice: "Add the attribute to the event type, or stop sending it. Names count upper and lower case.",
    delivery: "Add the attribute to the event type, or remove it from the endpoint’s mapping.",
    place: "schema",
  },
  "missing.attribute": {
    title: "Required attribute missing",
    advice: "Send the attribute with every event, or let the event type require it no more.",
    delivery: "Map the attribute to a field that every payload has, or let the event type require it no more.",
    place: "schema",
  },
  "invalid.attribute": {
    title: "Value not allowed",
    advice: "Compare the value with the attribute’s kind and limits. Send another value, or widen the limits.",
    delivery:
      "Compare the value with the attribute’s kind and limits. Convert it in the mapping, for example with to_number(), or widen the limits.",
    place: "schema",
  },
  "event.conflict": {
    title: "Another event has this id",
    advice: "A stored event with this id differs in the fields named below. Give each event an id of its own.",
    delivery:
      "A stored event with this id differs in the fields named below. Point the mapping’s id at a field that no two events share.",
    place: "mapping",
  },
  "internal.error": {
    title: "Server error",
    advice: "Nothing is wrong with the event. Replay it. If it fails again, give an operator the failure’s id.",
    place: "log",
  },
  "invalid.payload": {
    title: "Payload not readable",
    advice:
      "The body is not in the form that the sender uses. Compare what was delivered with the sender’s documentation.",
    delivery:
      "The body is not in the form that this endpoint’s sender uses, or its list of events is elsewhere. Check the endpoint’s sender and the mapping’s events.",
    place: "mapping",
  },
  "invalid.mapping": {
    title: "Mapping failed",
    advice: "An expression of the mapping could not be worked out for this payload. Test it with what was delivered.",
    place: "mapping",
  },
  "configuration.gone": {
    title: "Configuration deleted or event type disabled",
    advice: "Enable the event type again, or give the endpoint another configuration. Then replay.",
    place: "configuration",
  },
  "projection.failed": {
    title: "Not added to the journey",
    advice:
      "The event is stored, but its journey lacks it. An operator finds the cause in the log, and repairs the journey.",
    place: "log",
  },
  "event.changed": {
    title: "Stored event was changed",
    advice:
      "Somebody changed a stored event by hand; below is the event as it was. An operator can write it back, and repairs the journey.",
    place: "log",
  },
  "event.removed": {
    title: "Stored event was deleted",
    advice: "Somebody deleted a stored event by hand; below is the event. Send it again if it should not be missing.",
    place: "log",
  },
};

export interface SuggestedFix {
  readonly title: string;
  readonly advice: string;
  /** Where to follow the advice; the likeliest place first. */
  readonly links: readonly [Link, ...Link[]];
}

interface Link {
  readonly label: string;
  readonly href: string;
}

type About = Pick<Model<"ListedFailure">, "reason" | "endpointId" | "configurationId">;

/** Reasons that are about stored events: nothing can be sent again. */
export const NOT_REPLAYABLE: ReadonlySet<string> = new Set(["projection.failed", "event.changed", "event.removed"]);

/** A reason in words; reasons that a newer API may add stand for themselves. */
export function reasonTitle(reason: string): string {
  return fixOf(reason)?.title ?? reason;
}

/** What to do about a failure. `schemaId` is the event type of its configuration, if it is known. */
export function suggestedFix(failure: About, schemaId?: string): SuggestedFix {
  const fix = fixOf(failure.reason);
  const advice = failure.endpointId === undefined ? fix?.advice : (fix?.delivery ?? fix?.advice);
  return {
    title: reasonTitle(failure.reason),
    advice: advice ?? "The message says what is wrong.",
    links: links(fix?.place ?? "configuration", failure, schemaId),
  };
}

function links(
  place: Place,
  { reason, endpointId, configurationId }: About,
  schemaId: string | undefined,
): SuggestedFix["links"] {
  const configuration = {
    label: "Open the configuration",
    href: address(["sources", "configurations", configurationId]),
  };
  const mapping = endpointId && {
    label: "Open the endpoint’s mapping",
    href: address(["sources", "endpoints", endpointId, "mapping"]),
  };
  const type = schemaId && { label: "Open the event type", href: address(["sources", "types", schemaId]) };
  // Nobody in the organization defines what the contact center sends.
  switch (configurationId === NATIVE ? "log" : place) {
    case "schema":
      return type ? (mapping ? [type, mapping] : [type]) : [mapping || configuration];
    case "mapping":
      return [mapping || configuration];
    case "configuration":
      return endpointId
        ? [{ label: "Open the endpoint", href: address(["sources", "endpoints", endpointId]) }, configuration]
        : [configuration];
    case "log":
      return [{ label: "See all failures with this reason", href: address(["failures"], { reason, status: "all" }) }];
  }
}

function fixOf(reason: string): Fix | undefined {
  return Object.hasOwn(BY_REASON, reason) ? BY_REASON[reason as Reason] : undefined;
}

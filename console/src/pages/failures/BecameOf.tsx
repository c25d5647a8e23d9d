/** What ingest or a mapping made of what was delivered, with the problem at its field. */

import type { Model } from "../../api/client";
import { Attributes, Text, Value } from "../../components/content";
import { count, number } from "../../formats";
import { reasonTitle } from "./fixes";
import { attributeOf, isObject, ownFieldOf } from "./fields";

type Failure = Model<"Failure">;

export function BecameOf({ failure }: { failure: Failure }) {
  if (!failure.delivery) {
    return isObject(failure.payload) ? (
      <MadeEvent
        event={failure.payload}
        problem={{ field: failure.fieldName, message: failure.message, reason: failure.reason }}
      />
    ) : (
      <p>It is no object, so no event could be made of it.</p>
    );
  }
  const events = failure.events ?? [];
  if (events.length === 0) {
    return (
      <p>
        No event could be made of it: <Text value={failure.message} />
      </p>
    );
  }
  const others = (failure.eventsRefused ?? events.length) - events.length;
  return (
    <>
      {events.map((mapped, index) => (
        <Mapped key={index} mapped={mapped} place={index + 1} of={events.length} />
      ))}
      {others > 0 && <p class="soft">{count(others, "more event was", "more events were")} refused.</p>}
    </>
  );
}

function Mapped({ mapped, place, of }: { mapped: Model<"MappedEvent">; place: number; of: number }) {
  const problem = mapped.errorMessage
    ? { field: mapped.fieldName, message: mapped.errorMessage, reason: mapped.errorCode ?? "" }
    : undefined;
  return (
    <div class="stack tight">
      {of > 1 && (
        <h3>
          Event {number(place)} of {number(of)}
        </h3>
      )}
      {mapped.event ? (
        <MadeEvent event={mapped.event} problem={problem} />
      ) : (
        <p>
          The mapping made no event. <Text value={mapped.errorMessage ?? ""} />
        </p>
      )}
    </div>
  );
}

interface MadeProps {
  event: Readonly<Record<string, unknown>>;
  problem: { field: string | undefined; message: string; reason: string } | undefined;
}

/** An event: its own fields, then its attributes. A problem stands at the field that has it. */
function MadeEvent({ event: { attributes, ...fields }, problem }: MadeProps) {
  const attribute = attributeOf(problem?.field);
  const own = ownFieldOf(problem?.field);
  // A name that the API does not show, because it may hold anything, is in no row.
  const atAttribute =
    attribute !== undefined &&
    isObject(attributes) &&
    (attribute in attributes || problem?.reason === "missing.attribute");
  const atField = atAttribute || (own !== undefined && own !== "attributes");
  const rows = Object.entries(fields);
  if (atField && own !== undefined && !(own in fields)) rows.unshift([own, undefined]);
  return (
    <div class="stack tight made-event">
      {problem && (
        <p>
          <span class="badge bad">{reasonTitle(problem.reason)}</span> {!atField && <Text value={problem.message} />}
        </p>
      )}
      <dl class="small">
        {rows.map(([name, value]) => (
          <div key={name} class={name === own ? "with-problem" : ""}>
            <dt>
              <Text value={name} limit={100} />
            </dt>
            <dd>
              {value === undefined ? <span class="soft">missing</span> : <Value value={value} />}
              {name === own && problem && (
                <p class="problem">
                  <Text value={problem.message} />
                </p>
              )}
            </dd>
          </div>
        ))}
      </dl>
      {isObject(attributes) ? (
        <Attributes
          attributes={attributes}
          caption="Attributes of the event"
          problem={atAttribute && problem ? { name: attribute, message: problem.message } : undefined}
        />
      ) : (
        attributes !== undefined && <Value value={attributes} />
      )}
    </div>
  );
}

/** What became of the deliveries to an endpoint. */

import { useState } from "preact/hooks";
import { useAction, useListing, useLoaded } from "../../../api/loading";
import { cursorPage } from "../../../api/pages";
import { Copyable } from "../../../components/copying";
import { Dialog } from "../../../components/dialogs";
import { Select } from "../../../components/forms";
import { WhenListed, WhenLoaded } from "../../../components/layout";
import { Empty, Failed } from "../../../components/states";
import { Table } from "../../../components/tables";
import { Time } from "../../../components/times";
import { count, number } from "../../../formats";
import { useMay } from "../../../me";
import { address, setQuery, useRoute } from "../../../routing";
import { type Delivery, getDelivery, listDeliveries, replayDelivery } from "../requests";
import { OUTCOMES, outcomeOf, reasonOf } from "./words";

const PAGE_SIZE = 25;

export function Deliveries({ endpointId }: { endpointId: string }) {
  const { query } = useRoute();
  const outcome = query.get("outcome") ?? "";
  const chosen = query.get("delivery");
  const listed = useListing<Delivery>(`${endpointId}|${outcome}`, async (cursor, signal) =>
    cursorPage(
      await listDeliveries(endpointId, { outcome: outcome || undefined, cursor, pageSize: PAGE_SIZE }, signal),
    ),
  );
  return (
    <div class="stack">
      <div class="row apart toolbar">
        <div class="row filters">
          <Select
            label="Outcome"
            value={outcome}
            placeholder="All outcomes"
            options={Object.entries(OUTCOMES).map(([value, { label }]) => ({ value, label }))}
            onValue={(value) => {
              setQuery({ outcome: value });
            }}
          />
        </div>
        <button type="button" onClick={listed.reload}>
          Refresh
        </button>
      </div>
      <WhenListed
        listed={listed}
        what="deliveries"
        empty={
          <Empty title={outcome ? "No delivery with this outcome" : "Nothing was delivered yet"}>
            <p>Deliveries of the last 14 days are listed here.</p>
            {outcome ? (
              <button
                type="button"
                onClick={() => {
                  setQuery({ outcome: undefined });
                }}
              >
                Show all deliveries
              </button>
            ) : (
              <a class="button" href={address(["sources", "endpoints", endpointId, "setup"])}>
                See how to set the tool up
              </a>
            )}
          </Empty>
        }
      >
        {(items) => (
          <Table
            caption="Deliveries"
            rows={items}
            keyOf={(one) => one.id}
            columns={[
              {
                title: "Received",
                cell: (one) => (
                  <a href={address(["sources", "endpoints", endpointId, "deliveries"], { outcome, delivery: one.id })}>
                    <Time value={one.dateReceived} />
                  </a>
                ),
              },
              { title: "Outcome", cell: (one) => <Outcome delivery={one} /> },
              { title: "Stored", numeric: true, cell: (one) => number(one.created) },
              { title: "Stored before", numeric: true, cell: (one) => number(one.duplicate) },
              { title: "Refused", numeric: true, cell: (one) => number(one.failed) },
              { title: "Bytes", numeric: true, cell: (one) => number(one.bytes) },
              { title: "Time", numeric: true, cell: (one) => `${number(one.durationMs)} ms` },
            ]}
          />
        )}
      </WhenListed>
      {chosen && (
        <DeliveryDialog
          endpointId={endpointId}
          deliveryId={chosen}
          onClose={() => {
            setQuery({ delivery: undefined });
          }}
          onReplayed={listed.reload}
        />
      )}
    </div>
  );
}

function Outcome({ delivery }: { delivery: Delivery }) {
  const { label, tone, about } = outcomeOf(delivery);
  return (
    <span class={`badge ${tone}`} title={reasonOf(delivery) ?? about}>
      {label}
    </span>
  );
}

interface DialogProps {
  endpointId: string;
  deliveryId: string;
  onClose: () => void;
  onReplayed: () => void;
}

function DeliveryDialog({ endpointId, deliveryId, onClose, onReplayed }: DialogProps) {
  const loaded = useLoaded(deliveryId, (signal) => getDelivery(endpointId, deliveryId, signal));
  return (
    <Dialog title="Delivery" onClose={onClose}>
      <WhenLoaded loaded={loaded} what="the delivery">
        {(delivery) => (
          <Shown
            endpointId={endpointId}
            delivery={delivery}
            onReplayed={() => {
              loaded.reload();
              onReplayed();
            }}
          />
        )}
      </WhenLoaded>
      <div class="row">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function Shown({
  endpointId,
  delivery,
  onReplayed,
}: {
  endpointId: string;
  delivery: Delivery;
  onReplayed: () => void;
}) {
  const maySeeFailures = useMay("externalEventsFailures:view");
  const mayReplay = useMay("externalEventsFailures:edit");
  const [replayed, setReplayed] = useState<{ resolved: boolean; message: string }>();
  const replay = useAction(async () => {
    const failure = await replayDelivery(endpointId, delivery.id);
    const resolved = failure.status === "resolved";
    setReplayed({ resolved, message: resolved ? "Its events are stored now." : failure.message });
    onReplayed();
  });
  const { about } = outcomeOf(delivery);
  return (
    <div class="stack">
      <p>
        <Outcome delivery={delivery} /> {reasonOf(delivery) ?? about}
      </p>
      <dl class="facts">
        <dt>Received</dt>
        <dd>
          <Time value={delivery.dateReceived} />{" "}
          <span class="soft">
            (<Time value={delivery.dateReceived} show="relative" />)
          </span>
        </dd>
        <dt>Events</dt>
        <dd>
          {count(delivery.created, "event")} stored, {number(delivery.duplicate)} stored before,{" "}
          {number(delivery.failed)} refused, {number(delivery.ignored)} ignored
        </dd>
        <dt>Size and time</dt>
        <dd>
          {count(delivery.bytes, "byte")}, {number(delivery.durationMs)} ms
        </dd>
      </dl>
      {delivery.senderDeliveryId && (
        <Copyable label="Id of the delivery in the tool" value={delivery.senderDeliveryId} />
      )}
      {delivery.failureId && (
        <div class="row">
          {maySeeFailures && (
            <a class="button" href={address(["failures", delivery.failureId])}>
              Show the failure
            </a>
          )}
          {mayReplay && (
            <button type="button" class="primary" disabled={replay.running} onClick={() => replay.run()}>
              Replay delivery
            </button>
          )}
        </div>
      )}
      {replay.error !== undefined && <Failed error={replay.error} />}
      {replayed && (
        <p class={`notice ${replayed.resolved ? "good" : "bad"}`} role="status">
          {replayed.resolved ? replayed.message : `Events are still refused. ${replayed.message}`}
        </p>
      )}
    </div>
  );
}

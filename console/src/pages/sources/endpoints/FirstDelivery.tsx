/** Waits for the next delivery to an endpoint, and shows what became of it as it arrives. */

import { useEffect, useState } from "preact/hooks";
import { Failed } from "../../../components/states";
import { Time } from "../../../components/times";
import { count } from "../../../formats";
import { useMay } from "../../../me";
import { address } from "../../../routing";
import { type Delivery, listDeliveries } from "../requests";
import { delayBefore, PATIENCE } from "./backoff";
import { outcomeOf, reasonOf } from "./words";

const SHOWN = 5;

interface Arrivals {
  readonly arrived: readonly Delivery[];
  readonly error: unknown;
  readonly waiting: boolean;
  readonly goOn: () => void;
}

/** Asks for deliveries with growing pauses, again soon while one is queued, and not while the page is hidden. */
function useArrivals(endpointId: string): Arrivals {
  const [arrived, setArrived] = useState<readonly Delivery[]>([]);
  const [error, setError] = useState<unknown>();
  const [waiting, setWaiting] = useState(true);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    let attempt = 0;
    const end = Date.now() + PATIENCE;
    const again = () => {
      if (Date.now() > end) setWaiting(false);
      else timer = window.setTimeout(() => void ask(), delayBefore(attempt));
    };
    const ask = async () => {
      if (document.hidden) return;
      try {
        const { entities } = await listDeliveries(endpointId, { pageSize: SHOWN }, abort.signal);
        if (abort.signal.aborted) return;
        setError(undefined);
        setArrived(entities);
        attempt = entities[0]?.outcome === "queued" ? 0 : attempt + 1;
      } catch (problem) {
        if (abort.signal.aborted) return;
        setError(problem);
        attempt += 1;
      }
      again();
    };
    const seen = () => {
      if (document.hidden) return;
      clearTimeout(timer);
      attempt = 0;
      void ask();
    };
    document.addEventListener("visibilitychange", seen);
    void ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [endpointId, turn]);
  return {
    arrived,
    error,
    waiting,
    goOn: () => {
      setWaiting(true);
      setTurn(turn + 1);
    },
  };
}

export function FirstDelivery({ endpointId }: { endpointId: string }) {
  const { arrived, error, waiting, goOn } = useArrivals(endpointId);
  const maySeeFailures = useMay("externalEventsFailures:view");
  return (
    <div class="stack tight">
      <div aria-live="polite" class="stack tight">
        {arrived.map((delivery) => (
          <Arrival key={delivery.id} endpointId={endpointId} delivery={delivery} maySeeFailures={maySeeFailures} />
        ))}
        {waiting && (
          <p class="loading">
            {arrived.length > 0 ? "Waiting for more deliveries …" : "Waiting for the first delivery …"}
          </p>
        )}
      </div>
      {error !== undefined && <Failed error={error} />}
      {!waiting && (
        <div class="row">
          <span class="soft">Nothing more has arrived for a while.</span>
          <button type="button" onClick={goOn}>
            Go on waiting
          </button>
        </div>
      )}
    </div>
  );
}

interface ArrivalProps {
  endpointId: string;
  delivery: Delivery;
  maySeeFailures: boolean;
}

function Arrival({ endpointId, delivery, maySeeFailures }: ArrivalProps) {
  const { label, tone, about } = outcomeOf(delivery);
  return (
    <div class={`notice arrival ${tone}`}>
      <p>
        <span class={`badge ${tone}`}>{label}</span>{" "}
        <a href={address(["sources", "endpoints", endpointId, "deliveries"], { delivery: delivery.id })}>
          A delivery arrived at <Time value={delivery.dateReceived} show="time" />
        </a>
      </p>
      <p>
        {reasonOf(delivery) ?? about} {delivery.created > 0 && `${count(delivery.created, "event")} stored.`}{" "}
        {delivery.duplicate > 0 && `${count(delivery.duplicate, "event")} stored before.`}
      </p>
      {delivery.failureId && maySeeFailures && (
        <a href={address(["failures", delivery.failureId])}>See why events were refused</a>
      )}
    </div>
  );
}

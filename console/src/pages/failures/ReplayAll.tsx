/** Replays all failures that match the filters, in steps of bounded time, with progress. */

import { useRef, useState } from "preact/hooks";
import { api, call, type Model } from "../../api/client";
import { Dialog } from "../../components/dialogs";
import { Failed } from "../../components/states";
import { count, number } from "../../formats";
import { type Filters, period } from "./filters";
import { reasonTitle } from "./fixes";
import { NOTHING, type Progress, replayAll, type ReplayFilter } from "./replaying";

interface Props {
  filters: Filters;
  /** Whether there is anything to replay. */
  offered: boolean;
  /** How many failures match, if that is known. */
  open: number | undefined;
  onDone: () => void;
}

export function ReplayAll({ filters, offered, open, onDone }: Props) {
  const [asked, setAsked] = useState(false);
  const run = useReplay(filters, onDone);
  if (filters.source) {
    return (
      offered && (
        <p class="soft small">To replay many at once, choose a configuration or an endpoint in place of a source.</p>
      )
    );
  }
  return (
    <div class="stack tight">
      {(offered || run.running) && (
        <div>
          <button
            type="button"
            class="primary"
            aria-disabled={run.running}
            onClick={() => {
              if (!run.running) setAsked(true);
            }}
          >
            Replay all that match
          </button>
        </div>
      )}
      {asked && (
        <Dialog
          title="Replay failures"
          onClose={() => {
            setAsked(false);
          }}
        >
          <p>
            {open === undefined
              ? "All open failures that match the filters are processed again"
              : `${count(open, "open failure matches", "open failures match")} the filters. They are processed again`}
            , with the present mappings, event types and configurations. What is stored already is not stored twice, and
            what fails again stays open.
          </p>
          <div class="row">
            <button
              type="button"
              class="primary"
              onClick={() => {
                setAsked(false);
                void run.start();
              }}
            >
              Replay failures
            </button>
            <button
              type="button"
              onClick={() => {
                setAsked(false);
              }}
            >
              Cancel
            </button>
          </div>
        </Dialog>
      )}
      {run.progress && (
        <Outcome progress={run.progress} running={run.running} stopped={run.stopped} onStop={run.stop} />
      )}
      {run.error !== undefined && <Failed error={run.error} />}
    </div>
  );
}

function useReplay(filters: Filters, onDone: () => void) {
  const [progress, setProgress] = useState<Progress>();
  const [running, setRunning] = useState(false);
  const [stopped, setStopped] = useState(false);
  const [error, setError] = useState<unknown>();
  const stopping = useRef(false);
  const start = async () => {
    stopping.current = false;
    setStopped(false);
    setRunning(true);
    setError(undefined);
    setProgress(NOTHING);
    try {
      for await (const now of replayAll(filterOf(filters), new Date().toISOString(), send)) {
        setProgress(now);
        if (now.complete || !isStopped()) continue;
        setStopped(true);
        break;
      }
    } catch (problem) {
      setError(problem);
    } finally {
      setRunning(false);
      onDone();
    }
  };
  const isStopped = () => stopping.current;
  const stop = () => {
    stopping.current = true;
  };
  return { progress, running, stopped, error, start, stop };
}

function send(filter: ReplayFilter): Promise<Model<"ReplayResult">> {
  return call(api.POST("/api/v2/journey/externalevents/failures/replay", { body: filter }));
}

function filterOf(filters: Filters): ReplayFilter {
  const { from = null, to = null } = period(filters);
  return {
    configurationId: filters.configurationId || null,
    endpointId: filters.endpointId || null,
    reason: filters.reason || null,
    from,
    to,
    cursor: null,
  };
}

interface OutcomeProps {
  progress: Progress;
  running: boolean;
  stopped: boolean;
  onStop: () => void;
}

function Outcome({ progress, running, stopped, onStop }: OutcomeProps) {
  const { replayed, created, duplicate, failed, ignored, failedReasons, remaining } = progress;
  const [stopping, setStopping] = useState(false);
  return (
    <div class={`notice ${running ? "" : failed > 0 || stopped ? "warn" : "good"}`}>
      <div role="status" class="stack tight">
        <h2>{running ? "Replaying …" : stopped ? "Replay stopped" : "Replay done"}</h2>
        <p>
          {count(replayed, "failure")} replayed: {number(created)} stored, {number(duplicate)} stored before,{" "}
          {number(failed)} failed again, {number(ignored)} ignored by the routing.
          {remaining > 0 && ` ${number(remaining)}${remaining === 1000 ? " or more" : ""} remain.`}
        </p>
      </div>
      {running && <progress aria-label="Progress of the replay" {...progressValue(replayed, remaining)} />}
      {failedReasons.length > 0 && (
        <ul class="plain-list" aria-label="Why failures failed again">
          {failedReasons.map((one) => (
            <li key={one.reason}>
              {number(one.count)} × {reasonTitle(one.reason)}
            </li>
          ))}
        </ul>
      )}
      {running && (
        <button
          type="button"
          aria-disabled={stopping}
          onClick={() => {
            setStopping(true);
            onStop();
          }}
        >
          {stopping ? "Stopping after this step …" : "Stop the replay"}
        </button>
      )}
    </div>
  );
}

function progressValue(replayed: number, remaining: number): { value?: number; max?: number } {
  return remaining > 0 ? { value: replayed, max: replayed + remaining } : {};
}

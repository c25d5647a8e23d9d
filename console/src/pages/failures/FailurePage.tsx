/** One failure: what was delivered, what became of it, how to fix it, and its replays. */

import { useMemo } from "preact/hooks";
import { api, call, type Model } from "../../api/client";
import { useAction, useLoaded } from "../../api/loading";
import { ApiProblem } from "../../api/problem";
import { LongText, Text } from "../../components/content";
import { download } from "../../components/downloads";
import { PageLayout, WhenLoaded } from "../../components/layout";
import { configurationName, useConfigurations, useEndpoints } from "../../components/names";
import { CONTACT_CENTER, NATIVE } from "../../components/native";
import { SourceName, useSourceMarks } from "../../components/source-mark";
import { Empty, Failed } from "../../components/states";
import { Time } from "../../components/times";
import { indented } from "../../components/values";
import { number } from "../../formats";
import { useMay } from "../../me";
import { address, useRoute } from "../../routing";
import { BecameOf } from "./BecameOf";
import { bytesOf, deliveredBody } from "./delivered";
import { StatusBadge } from "./FailureList";
import { filterQuery, filtersOf } from "./filters";
import { NOT_REPLAYABLE, reasonTitle, suggestedFix } from "./fixes";

type Failure = Model<"Failure">;

export function FailurePage({ id }: { id: string }) {
  const { query } = useRoute();
  const loaded = useLoaded(id, (signal) =>
    call(
      api.GET("/api/v2/journey/externalevents/failures/{failureId}", { params: { path: { failureId: id } }, signal }),
    ),
  );
  const above = { label: "Failures", href: address(["failures"], filterQuery(filtersOf(query))) };
  if (loaded.error instanceof ApiProblem && loaded.error.status === 404) {
    return (
      <PageLayout title="Failure" above={above}>
        <Empty title="There is no such failure">
          <p>Failures are deleted 30 days after their last attempt.</p>
        </Empty>
      </PageLayout>
    );
  }
  return (
    <PageLayout title={loaded.data ? reasonTitle(loaded.data.reason) : "Failure"} above={above}>
      <WhenLoaded loaded={loaded} what="the failure">
        {(failure) => <Shown failure={failure} reload={loaded.reload} />}
      </WhenLoaded>
    </PageLayout>
  );
}

function Shown({ failure, reload }: { failure: Failure; reload: () => void }) {
  return (
    <>
      <Facts failure={failure} />
      <Suggestion failure={failure} reload={reload} />
      <div class="side-by-side">
        <section class="card" aria-label="What was delivered">
          <h2>What was delivered</h2>
          {failure.delivery ? (
            <Delivered delivery={failure.delivery} id={failure.id} />
          ) : (
            <Sent payload={failure.payload} />
          )}
        </section>
        <section class="card" aria-label="What became of it">
          <h2>What became of it</h2>
          <BecameOf failure={failure} />
        </section>
      </div>
      <Replays replays={failure.replays} />
    </>
  );
}

function Facts({ failure }: { failure: Failure }) {
  const configuration = configurationName(useConfigurations(), failure.configurationId);
  const endpoint = useEndpoints().get(failure.endpointId ?? "");
  const marks = useSourceMarks([failure.source]);
  return (
    <dl class="failure-facts">
      <div>
        <dt>Status</dt>
        <dd>
          <StatusBadge status={failure.status} />
        </dd>
      </div>
      <div>
        <dt>Source</dt>
        <dd>
          <SourceName marks={marks} source={failure.source} />
        </dd>
      </div>
      {failure.endpointId && (
        <div>
          <dt>Endpoint</dt>
          <dd>
            <a href={address(["sources", "endpoints", failure.endpointId])}>
              <Text value={endpoint?.name ?? "a deleted endpoint"} limit={80} />
            </a>
          </dd>
        </div>
      )}
      <div>
        <dt>Configuration</dt>
        <dd>
          {failure.configurationId === NATIVE ? (
            CONTACT_CENTER
          ) : (
            <a href={address(["sources", "configurations", failure.configurationId])}>
              <Text value={configuration ?? "a deleted configuration"} limit={80} />
            </a>
          )}
        </dd>
      </div>
      <div>
        <dt>First attempt</dt>
        <dd>
          <Time value={failure.dateFirstFailed} />
        </dd>
      </div>
      <div>
        <dt>Last attempt</dt>
        <dd>
          <Time value={failure.dateLastFailed} />
        </dd>
      </div>
    </dl>
  );
}

/** The problem, what to do about it, and the replay once that is done. */
function Suggestion({ failure, reload }: { failure: Failure; reload: () => void }) {
  const configuration = useConfigurations().get(failure.configurationId);
  const mayReplay = useMay("externalEventsFailures:edit");
  const fix = suggestedFix(failure, configuration?.schemaId);
  const replay = useAction(async () => {
    await call(
      api.POST("/api/v2/journey/externalevents/failures/{failureId}/replay", {
        params: { path: { failureId: failure.id } },
      }),
    );
    reload();
  });
  const open = failure.status === "open";
  const latest = failure.replays.at(-1);
  return (
    <div class={`notice ${open ? "bad" : "good"}`}>
      <p class="wrap-anywhere">
        <strong>
          <Text value={failure.message} />
        </strong>
        {failure.fieldName && (
          <>
            {" "}
            Field: <code>{failure.fieldName}</code>
          </>
        )}
      </p>
      {failure.differingFields && <p>Fields that differ: {failure.differingFields.join(", ")}.</p>}
      {open ? (
        <>
          <p>{fix.advice}</p>
          <div class="row">
            {fix.links.map((link) => (
              <a key={link.href} class="button" href={link.href}>
                {link.label}
              </a>
            ))}
            {mayReplay && !NOT_REPLAYABLE.has(failure.reason) && (
              <button
                type="button"
                class="primary"
                aria-disabled={replay.running}
                onClick={() => {
                  void replay.run();
                }}
              >
                {replay.running ? "Replaying …" : "Replay this failure"}
              </button>
            )}
          </div>
        </>
      ) : (
        <p>It was replayed, and is resolved.</p>
      )}
      <p role="status" class="small">
        {latest && !replay.running && (
          <>
            Last replay: {outcomeText(latest)} (<Time value={latest.date} show="relative" />)
          </>
        )}
      </p>
      {replay.error !== undefined && <Failed error={replay.error} />}
    </div>
  );
}

function Delivered({ delivery, id }: { delivery: Model<"FailedDelivery">; id: string }) {
  const body = useMemo(() => deliveredBody(delivery), [delivery]);
  const headers = Object.entries(delivery.headers);
  return (
    <>
      <p class="soft small">
        Received <Time value={delivery.dateReceived} />, {number(body.bytes)} bytes of {body.form}.
      </p>
      <h3>Headers</h3>
      {headers.length === 0 ? (
        <p class="soft">No headers were kept.</p>
      ) : (
        <table class="headers small">
          <caption class="unseen">Headers of the delivery</caption>
          <thead class="unseen">
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Value</th>
            </tr>
          </thead>
          <tbody>
            {headers.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">
                  <Text value={name} limit={200} />
                </th>
                <td>
                  <LongText value={value} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p class="soft small">Headers that can hold a secret or a signature are not kept.</p>
      <div class="row apart">
        <h3>Body</h3>
        <button
          type="button"
          class="plain"
          onClick={() => {
            download(`delivery-${id}.${body.form === "JSON" ? "json" : "txt"}`, new Blob([bytesOf(delivery)]));
          }}
        >
          Download the body
        </button>
      </div>
      {body.text === undefined ? (
        <p class="soft">The body is not text in UTF-8. Download it to look at it.</p>
      ) : body.text === "" ? (
        <p class="soft">The body is empty.</p>
      ) : (
        <Code text={body.text} label="Body of the delivery" />
      )}
    </>
  );
}

/** An event that was sent to the API, or a stored event. */
function Sent({ payload }: { payload: unknown }) {
  const text = JSON.stringify(payload ?? null);
  return <Code text={indented(text) ?? text} label="Event as it was sent" />;
}

function Code({ text, label }: { text: string; label: string }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reached by keyboard
    <pre class="delivered" tabindex={0} role="region" aria-label={label}>
      <LongText value={text} />
    </pre>
  );
}

function Replays({ replays }: { replays: readonly Model<"FailureReplay">[] }) {
  if (replays.length === 0) return null;
  return (
    <section class="stack tight" aria-label="Replays">
      <h2>Replays</h2>
      <ol class="plain-list">
        {[...replays].reverse().map((replay) => (
          <li key={replay.date}>
            <Time value={replay.date} />: {outcomeText(replay)}
          </li>
        ))}
      </ol>
    </section>
  );
}

const OUTCOMES = {
  created: "stored",
  duplicate: "was stored before",
  failed: "failed again",
  ignored: "the routing ignores it",
} as const;

function outcomeText(replay: Model<"FailureReplay">): string {
  const { outcome, reason, created, duplicate, failed, ignored } = replay;
  const parts = [
    created && `${number(created)} stored`,
    duplicate && `${number(duplicate)} stored before`,
    failed && `${number(failed)} failed`,
    ignored && `${number(ignored)} ignored`,
  ].filter(Boolean);
  return (
    OUTCOMES[outcome] +
    (reason ? ` (${reasonTitle(reason).toLowerCase()})` : "") +
    (parts.length > 0 ? `; events: ${parts.join(", ")}` : "")
  );
}

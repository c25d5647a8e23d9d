/** The steps after an endpoint was created: what to do in the tool, a test, and the first delivery. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Copyable } from "../../../components/copying";
import { PageLayout, WhenLoaded } from "../../../components/layout";
import { useMay } from "../../../me";
import { address } from "../../../routing";
import type { EndpointDescription, Sender } from "../requests";
import { useUnsaved } from "../unsaved";
import { useEndpoint } from "./EndpointDetail";
import { EndpointProblems } from "./EndpointProblems";
import { FirstDelivery } from "./FirstDelivery";
import { PayloadTester } from "./PayloadTester";
import { EnterSecret, NewSecret } from "./Secrets";
import { STATUS } from "./words";

/** `secret` is the one that was generated a moment ago. */
export function Connect({ id, secret }: { id: string; secret: string | undefined }) {
  const loaded = useEndpoint(id);
  const mayEdit = useMay("webhooks:edit");
  const status = loaded.data && STATUS[loaded.data.endpoint.status];
  return (
    <PageLayout
      title={loaded.data ? `Set up ${loaded.data.endpoint.name}` : "Set up the tool"}
      above={{ label: "Endpoints", href: "#/sources/endpoints" }}
      about={
        status && (
          <>
            <span class={`badge ${status.tone}`}>{status.label}</span> {status.about}
          </>
        )
      }
      actions={
        <a class="button" href={address(["sources", "endpoints", id])}>
          Go to the endpoint
        </a>
      }
    >
      <WhenLoaded loaded={loaded} what="the endpoint">
        {({ endpoint, sender, configurations }) => (
          <div class="stack">
            <EndpointProblems endpoint={endpoint} />
            <AddressAndSecret endpoint={endpoint} sender={sender} secret={secret} />
            <div class="cards">
              {sender && <ToolSteps endpoint={endpoint} sender={sender} onStored={loaded.reload} />}
              <section class="card" aria-label="The first delivery">
                <h2>3. See the first delivery arrive</h2>
                <FirstDelivery endpointId={endpoint.id} />
              </section>
            </div>
            {mayEdit && (
              <section class="card" aria-label="Test a payload">
                <h2>4. See what a payload becomes</h2>
                <p class="soft">
                  Test a payload of the tool without waiting for it. If a field is missing,{" "}
                  <a href={address(["sources", "endpoints", id, "mapping"])}>change the mapping</a>.
                </p>
                <PayloadTester endpointId={endpoint.id} sender={endpoint.sender} configurations={configurations} />
              </section>
            )}
          </div>
        )}
      </WhenLoaded>
    </PageLayout>
  );
}

interface AddressProps {
  endpoint: EndpointDescription;
  sender: Sender | undefined;
  secret: string | undefined;
}

function AddressAndSecret({ endpoint, sender, secret }: AddressProps) {
  const [copied, setCopied] = useState(false);
  const shown = copied ? undefined : secret;
  useUnsaved(shown !== undefined, "Leave this page? The secret is not shown again. Copy it first, if you have not.");
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (secret !== undefined) heading.current?.focus();
  }, [secret]);
  return (
    <section class="card" aria-label="Address and secret">
      <h2 ref={heading} tabindex={-1}>
        1. Copy the address{secret !== undefined && " and the secret"}
      </h2>
      <Copyable label="Address" value={endpoint.url} />
      {shown !== undefined && (
        <>
          {endpoint.sender === "salesforce" && (
            <Copyable label="Address with the secret" value={`${endpoint.url}?secret=${encodeURIComponent(shown)}`} />
          )}
          <NewSecret secret={shown} />
          <div>
            <button
              type="button"
              onClick={() => {
                setCopied(true);
              }}
            >
              I have copied the secret
            </button>
          </div>
        </>
      )}
      {secret === undefined && sender?.secret.needed && endpoint.status !== "waitingForSecret" && (
        <p class="soft small">
          The secret was shown when it was created. If it is lost, rotate it on the page of the endpoint.
        </p>
      )}
    </section>
  );
}

interface StepsProps {
  endpoint: EndpointDescription;
  sender: Sender;
  onStored: () => void;
}

/** What to do in the tool, and the field for the secret that it shows. */
function ToolSteps({ endpoint, sender, onStored }: StepsProps) {
  const mayEdit = useMay("webhooks:edit");
  return (
    <section class="card" aria-label={`Set up ${sender.title}`}>
      <h2>2. Set up {sender.title}</h2>
      <ol class="steps">
        {sender.steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      {sender.documentationUrl && (
        <p class="small">
          <a href={sender.documentationUrl} target="_blank" rel="noreferrer">
            Documentation of {sender.title}
          </a>
        </p>
      )}
      {endpoint.status === "waitingForSecret" && mayEdit && (
        <EnterSecret endpointId={endpoint.id} sender={sender} replaces={false} onStored={onStored} />
      )}
    </section>
  );
}

/**
 * The guided set-up of an endpoint: choose the tool, say where its events go, create the endpoint, set the tool up,
 * test a payload, and see the first delivery arrive.
 *
 * The steps after the creation have an address of their own, so that they can be opened again later. The secret is
 * kept in memory and shown until the reader leaves.
 */

import { useState } from "preact/hooks";
import { useLoaded } from "../../../api/loading";
import { PageLayout, WhenLoaded } from "../../../components/layout";
import { Empty } from "../../../components/states";
import { useMay } from "../../../me";
import { address, useRoute } from "../../../routing";
import { listConfigurations, listSenders, listTypes } from "../requests";
import { goOn } from "../unsaved";
import { ChooseSender } from "./ChooseSender";
import { Connect } from "./Connect";
import { CreateEndpoint } from "./CreateEndpoint";

export function SetUp({ id }: { id: string | undefined }) {
  const mayAdd = useMay("webhooks:add");
  const [secret, setSecret] = useState<{ endpointId: string; text: string }>();
  if (id !== undefined) {
    return <Connect id={id} secret={secret?.endpointId === id ? secret.text : undefined} />;
  }
  return (
    <PageLayout
      title="Connect a tool"
      above={{ label: "Endpoints", href: "#/sources/endpoints" }}
      about="The tool delivers its webhooks to an address of yours, and each delivery becomes events."
    >
      {mayAdd ? (
        <Create
          onCreated={(endpointId, text) => {
            if (text !== undefined) setSecret({ endpointId, text });
            goOn(address(["sources", "endpoints", endpointId, "setup"]), { replace: true });
          }}
        />
      ) : (
        <Empty title="You may not connect tools">
          <p>Ask an administrator for the role integrator.</p>
        </Empty>
      )}
    </PageLayout>
  );
}

/** The choice of the tool, and then the form of its endpoint. The tool is part of the address. */
function Create({ onCreated }: { onCreated: (endpointId: string, secret: string | undefined) => void }) {
  const maySeeTypes = useMay("externalEventsSchema:view");
  const { query } = useRoute();
  const loaded = useLoaded("setup", async (signal) => {
    const [senders, configurations, types] = await Promise.all([
      listSenders(signal),
      listConfigurations(signal),
      maySeeTypes ? listTypes(signal) : [],
    ]);
    return { senders, configurations, types };
  });
  return (
    <WhenLoaded loaded={loaded} what="the tools">
      {({ senders, configurations, types }) => {
        const sender = senders.find((one) => one.name === query.get("sender"));
        return sender ? (
          <CreateEndpoint
            key={sender.name}
            sender={sender}
            configurations={configurations}
            types={types}
            configurationId={query.get("configuration") ?? ""}
            typeId={query.get("type") ?? ""}
            reload={loaded.reload}
            onCreated={onCreated}
          />
        ) : (
          <ChooseSender senders={senders} configurationId={query.get("configuration") ?? ""} />
        );
      }}
    </WhenLoaded>
  );
}

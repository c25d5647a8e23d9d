/** Creates an event type. */

import { useLoaded } from "../../../api/loading";
import { PageLayout, WhenLoaded } from "../../../components/layout";
import { Empty } from "../../../components/states";
import { useMay } from "../../../me";
import { address, useRoute } from "../../../routing";
import { createType, getLimits, listCoreTypes, listSenders, listTypes } from "../requests";
import { goOn } from "../unsaved";
import { typeForSender } from "./fromSender";
import { kindsOf } from "./kinds";
import { SchemaEditor } from "./SchemaEditor";
import { NEW_DOCUMENT } from "./schemaForm";

export function NewType() {
  const mayAdd = useMay("externalEventsSchema:add");
  // With a sender, the event type fits its deliveries, and the set-up of the sender goes on after it.
  const name = useRoute().query.get("sender");
  const loaded = useLoaded(mayAdd ? `new type|${name ?? ""}` : null, async (signal) => {
    const [limits, coreTypes, types, senders] = await Promise.all([
      getLimits(signal),
      listCoreTypes(signal),
      listTypes(signal),
      name === null ? [] : listSenders(signal),
    ]);
    const sender = senders.find((one) => one.name === name);
    return {
      limits,
      kinds: kindsOf(coreTypes),
      titles: types.map((type) => type.jsonSchema.title),
      proposal: sender && typeForSender(sender),
    };
  });
  return (
    <PageLayout
      title="Create an event type"
      above={{ label: "Event types", href: "#/sources/types" }}
      about="Name the event, such as “Order placed”, and the fields that each event of it can have."
    >
      {mayAdd ? (
        <WhenLoaded loaded={loaded} what="the kinds of fields">
          {({ limits, kinds, titles, proposal }) => (
            <SchemaEditor
              document={NEW_DOCUMENT}
              proposal={proposal}
              limits={limits}
              kinds={kinds}
              otherTitles={titles}
              verb="Create event type"
              onSave={async (document) => {
                const created = await createType(document);
                goOn(
                  name === null
                    ? address(["sources", "types", created.id])
                    : address(["sources", "endpoints", "new"], { sender: name, type: created.id }),
                );
              }}
            />
          )}
        </WhenLoaded>
      ) : (
        <Empty title="You may not create event types">
          <p>Ask an administrator for the role integrator.</p>
        </Empty>
      )}
    </PageLayout>
  );
}

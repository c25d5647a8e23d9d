/** Creates an event type. */

import { useLoaded } from "../../../api/loading";
import { PageLayout, WhenLoaded } from "../../../components/layout";
import { Empty } from "../../../components/states";
import { useMay } from "../../../me";
import { address } from "../../../routing";
import { createType, getLimits, listCoreTypes, listTypes } from "../requests";
import { goOn } from "../unsaved";
import { kindsOf } from "./kinds";
import { SchemaEditor } from "./SchemaEditor";
import { NEW_DOCUMENT } from "./schemaForm";

export function NewType() {
  const mayAdd = useMay("externalEventsSchema:add");
  const loaded = useLoaded(mayAdd ? "new type" : null, async (signal) => {
    const [limits, coreTypes, types] = await Promise.all([getLimits(signal), listCoreTypes(signal), listTypes(signal)]);
    return { limits, kinds: kindsOf(coreTypes), titles: types.map((type) => type.jsonSchema.title) };
  });
  return (
    <PageLayout
      title="Create an event type"
      above={{ label: "Event types", href: "#/sources/types" }}
      about="Name the event, such as “Order placed”, and the fields that each event of it can have."
    >
      {mayAdd ? (
        <WhenLoaded loaded={loaded} what="the kinds of fields">
          {({ limits, kinds, titles }) => (
            <SchemaEditor
              document={NEW_DOCUMENT}
              limits={limits}
              kinds={kinds}
              otherTitles={titles}
              verb="Create event type"
              onSave={async (document) => {
                const created = await createType(document);
                goOn(address(["sources", "types", created.id]));
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

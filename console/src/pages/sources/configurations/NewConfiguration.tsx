/** Creates a configuration. */

import { useLoaded } from "../../../api/loading";
import { PageLayout, WhenLoaded } from "../../../components/layout";
import { Empty } from "../../../components/states";
import { useMay } from "../../../me";
import { address, useRoute } from "../../../routing";
import { listTypes } from "../requests";
import { goOn } from "../unsaved";
import { ConfigurationForm } from "./ConfigurationForm";

export function NewConfiguration() {
  const mayAdd = useMay("externalEventsConfiguration:add");
  const typeId = useRoute().query.get("type") ?? "";
  const loaded = useLoaded(mayAdd ? "types" : null, listTypes);
  return (
    <PageLayout
      title="Create a configuration"
      above={{ label: "Configurations", href: "#/sources/configurations" }}
      about="It binds an event type to a source, and is the address that events are sent to."
    >
      {!mayAdd ? (
        <Empty title="You may not create configurations">
          <p>Ask an administrator for the role integrator.</p>
        </Empty>
      ) : (
        <WhenLoaded loaded={loaded} what="event types">
          {(types) =>
            types.some((type) => type.enabled) ? (
              <ConfigurationForm
                types={types}
                typeId={typeId}
                onCreated={(created) => {
                  goOn(address(["sources", "configurations", created.id ?? ""]));
                }}
              />
            ) : (
              <Empty title="There is no event type yet">
                <p>A configuration needs one.</p>
                <a class="button primary" href="#/sources/types/new">
                  Create event type
                </a>
              </Empty>
            )
          }
        </WhenLoaded>
      )}
    </PageLayout>
  );
}

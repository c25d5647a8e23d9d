/** The contact center's event types, which nobody in the organization defines or changes. */

import { api, call } from "../../../api/client";
import { useLoaded } from "../../../api/loading";
import { WhenLoaded } from "../../../components/layout";
import { CONTACT_CENTER } from "../../../components/native";
import { NativeIcon } from "../../../components/native-icon";
import { Table } from "../../../components/tables";
import { useMay } from "../../../me";

export function NativeTypes() {
  const may = useMay("eventDefinition:view");
  const loaded = useLoaded(may ? "definitions" : null, async (signal) => {
    const { entities = [] } = await call(api.GET("/api/v2/journey/views/eventdefinitions", { signal }));
    return entities.filter(({ source }) => source === "Native");
  });
  if (!may || loaded.data?.length === 0) return null;
  return (
    <section class="stack tight native-types" aria-labelledby="native-types">
      <h2 id="native-types" class="with-icon">
        <NativeIcon />
        {CONTACT_CENTER}
      </h2>
      <p class="soft">
        Calls, chats and messages come in by themselves once an operator has connected the contact center. These event
        types are the same for every vendor and cannot be changed; they do not count toward the limit.
      </p>
      <WhenLoaded loaded={loaded} what="the contact center's event types">
        {(types) => (
          <details>
            <summary>Show all {types.length} event types</summary>
            <Table
              caption="Event types of the contact center"
              rows={types}
              keyOf={({ id = "" }) => id}
              columns={[
                {
                  title: "Name",
                  cell: ({ id, displayName, name, description }) => (
                    <>
                      <span class="with-icon">
                        {id !== undefined && <NativeIcon type={id} />}
                        {displayName ?? name}
                      </span>
                      {description && <div class="soft small about">{description}</div>}
                    </>
                  ),
                },
                {
                  title: "Fields",
                  cell: ({ jsonSchema }) => (
                    <span class="small">{Object.keys(jsonSchema?.properties ?? {}).join(", ")}</span>
                  ),
                },
              ]}
            />
          </details>
        )}
      </WhenLoaded>
    </section>
  );
}

/** The versions of an event type, with what each changed. */

import { useLoaded } from "../../../api/loading";
import { WhenLoaded } from "../../../components/layout";
import { Time } from "../../../components/times";
import { type EventType, listVersions } from "../requests";
import { CopyBlock } from "../CopyBlock";
import { Paged } from "../shown";
import { changesBetween } from "./versionChanges";

export function Versions({ type }: { type: EventType }) {
  const loaded = useLoaded(`${type.id}|${type.version}`, (signal) => listVersions(type.id, signal));
  return (
    <WhenLoaded loaded={loaded} what="the versions">
      {(versions) => {
        // The listing can leave out the oldest versions; only the first one was created.
        const before = (index: number) => versions[index + 1];
        return (
          <Paged rows={versions.map((version, index) => ({ version, index }))}>
            {(rows) => (
              <ol class="versions" reversed>
                {rows.map(({ version, index }) => (
                  <li key={version.version} class="card">
                    <div class="row apart">
                      <h2>
                        Version {version.version}
                        {index === 0 && <span class="badge good"> Current</span>}
                      </h2>
                      {index === versions.length - 1 && version.version === 1 && (
                        <span class="soft small">
                          <Time value={version.dateCreated} />
                        </span>
                      )}
                    </div>
                    {before(index) || version.version === 1 ? (
                      <ul class="changes">
                        {changesBetween(before(index), version).map((change) => (
                          <li key={change} class="wrap-anywhere">
                            {change}
                          </li>
                        ))}
                      </ul>
                    ) : (
                      <p class="soft">The version before it is not listed.</p>
                    )}
                    <details>
                      <summary>Schema as JSON</summary>
                      <CopyBlock
                        label={`Schema of version ${version.version}`}
                        text={JSON.stringify(version.jsonSchema, null, 2)}
                      />
                    </details>
                  </li>
                ))}
              </ol>
            )}
          </Paged>
        );
      }}
    </WhenLoaded>
  );
}

/**
 * Customers: search by an identifier, and the customer's journey.
 *
 * The identifier is in the address only, after the `#`, which no server logs. It is not in the document's title, which
 * browsers store.
 */

import { useEffect, useState } from "preact/hooks";
import { useLoaded } from "../../api/loading";
import { Text } from "../../components/content";
import { Field, TextField } from "../../components/forms";
import { PageLayout, WhenLoaded } from "../../components/layout";
import { Empty } from "../../components/states";
import { Table } from "../../components/tables";
import { Time } from "../../components/times";
import { number } from "../../formats";
import { useMay } from "../../me";
import { address, go, useRoute } from "../../routing";
import { Customer } from "./Customer";
import "./customers.css";
import { useIdentitySettings } from "./identifiers";
import { type Identifier, identifierKey } from "./person";
import { type IdentifierSummary, searchIdentifiers } from "./requests";
import { SourceInput } from "./SourceInput";

export default function Customers() {
  const { query } = useRoute();
  const identifier = { externalSourceId: query.get("source") ?? "", value: query.get("value") ?? "" };
  const key = identifierKey(identifier);
  return (
    <PageLayout title="Customers" about="Look a customer up by any identifier under which events came in.">
      <Search key={`search ${key}`} identifier={identifier} />
      {identifier.value === "" ? (
        <Empty title="Whose journey do you want to see?">
          <p>
            Enter an identifier as the events carry it: a customer number, an e-mail address, a visitor’s id. Its
            source, such as <code>crm</code> or <code>email</code>, narrows the search.
          </p>
        </Empty>
      ) : identifier.externalSourceId === "" ? (
        <Matches key={key} value={identifier.value} />
      ) : (
        <Customer key={`${key} ${query.get("scope") ?? ""}`} identifier={identifier} />
      )}
    </PageLayout>
  );
}

function Search({ identifier }: { identifier: Identifier }) {
  const [source, setSource] = useState(identifier.externalSourceId);
  const [value, setValue] = useState(identifier.value);
  const [tried, setTried] = useState(false);
  const settings = useIdentitySettings();
  return (
    <form
      class="customer-search"
      role="search"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (value) go(address(["customers"], { source: source.trim(), value }));
      }}
    >
      <TextField
        label="Identifier"
        type="search"
        autocomplete="off"
        value={value}
        problem={tried && !value ? "Enter the identifier." : undefined}
        onValue={setValue}
      />
      <Field label="Identifier's source">
        {(control) => (
          <SourceInput
            control={control}
            source={source}
            known={settings.data?.knownSources ?? []}
            placeholder="any source"
            onSource={setSource}
          />
        )}
      </Field>
      <button type="submit" class="primary">
        Show journey
      </button>
    </form>
  );
}

/** The identifiers with a value, in any source. The only one is shown at once. */
function Matches({ value }: { value: string }) {
  const found = useLoaded("matches", (signal) => searchIdentifiers(value, signal));
  const only = found.data?.length === 1 ? found.data[0] : undefined;
  useEffect(() => {
    if (only) go(journeyOf(only), { replace: true });
  }, [only]);
  return (
    <WhenLoaded loaded={found} what="the identifiers">
      {(matches) =>
        matches.length === 0 ? (
          <NoEvents />
        ) : (
          <Table
            caption={`Identifiers with this value`}
            captionShown
            rows={matches}
            keyOf={identifierKey}
            columns={[
              { title: "Identifier", cell: (one) => <MatchLink match={one} /> },
              { title: "Events", numeric: true, cell: ({ eventCount }) => number(eventCount) },
              { title: "First event", cell: ({ dateFirstEvent }) => dateFirstEvent && <Time value={dateFirstEvent} /> },
              { title: "Last event", cell: ({ dateLastEvent }) => dateLastEvent && <Time value={dateLastEvent} /> },
            ]}
          />
        )
      }
    </WhenLoaded>
  );
}

function MatchLink({ match }: { match: IdentifierSummary }) {
  return (
    <a class="wrap-anywhere" href={journeyOf(match)}>
      <Text value={match.externalSourceId} limit={80} /> <Text value={match.value} limit={300} />
    </a>
  );
}

/** The address of the journey that an identifier leads to. */
export function journeyOf({ externalSourceId, value }: Identifier, query: { scope?: string } = {}): string {
  return address(["customers"], { source: externalSourceId, value, ...query });
}

/** Why nothing was found. `source` is the one that was searched in. */
export function NoEvents({ source }: { source?: string }) {
  const maySeeFailures = useMay("externalEventsFailures:view");
  return (
    <div role="status">
      <Empty title="No events under this identifier">
        <ul class="advice">
          <li>
            Compare the identifier with its source’s records. Upper and lower case count, except in e-mail addresses
            that webhooks deliver: those are in lower case.
          </li>
          {source !== undefined && (
            <li>
              Events may name this customer by another identifier than <Text value={source} limit={80} />. Leave the
              source empty to search in all.
            </li>
          )}
          <li>An event that came in a moment ago is in the journey within seconds: search once more.</li>
          {maySeeFailures && (
            <li>
              Its events may have been refused: <a href={address(["failures"])}>look at the failures</a>.
            </li>
          )}
        </ul>
      </Empty>
    </div>
  );
}

/** API clients: the programs that call the API for the organization. */

import { useState } from "preact/hooks";
import { api, call, type Model } from "../../api/client";
import { useListing } from "../../api/loading";
import { numberedPage } from "../../api/pages";
import { Copyable } from "../../components/copying";
import { Confirm, Dialog, FormDialog } from "../../components/dialogs";
import { Checkbox, TextField } from "../../components/forms";
import { PageLayout, WhenListed } from "../../components/layout";
import { Empty } from "../../components/states";
import { Table } from "../../components/tables";
import { Time } from "../../components/times";
import { count } from "../../formats";
import { useMay, useMe } from "../../me";
import { grouped, type Permission } from "./permissions";
import "./clients.css";

type Client = Model<"ApiClient">;
type WithSecret = Model<"ApiClientWithSecret">;
type Doing =
  | { what: "create" }
  | { what: "edit" | "rotate" | "disable" | "delete"; client: Client }
  | { what: "secret"; client: WithSecret; replaces?: Client };

const CLIENT = "/api/v2/journey/clients/{clientId}";

export default function Clients() {
  const [doing, setDoing] = useState<Doing>();
  const clients = useListing<Client>("clients", async (after, signal) =>
    numberedPage(
      await call(
        api.GET("/api/v2/journey/clients", {
          params: { query: { pageSize: 50, pageNumber: Number(after ?? 1) } },
          signal,
        }),
      ),
    ),
  );
  const may = { add: useMay("clients:add"), edit: useMay("clients:edit"), delete: useMay("clients:delete") };
  const show = (next?: Doing) => {
    setDoing(next);
    clients.reload();
  };
  const close = () => {
    setDoing(undefined);
  };
  const create = may.add && (
    <button
      type="button"
      class="primary"
      onClick={() => {
        setDoing({ what: "create" });
      }}
    >
      Create an API client
    </button>
  );
  return (
    <PageLayout
      title="API clients"
      about="Programs that call the API for this organization, each with its own permissions."
      actions={create}
    >
      <WhenListed
        listed={clients}
        what="API clients"
        empty={
          <Empty title="No API clients yet">
            <p>A program needs a client to send events or to read journeys. Webhooks need none.</p>
          </Empty>
        }
      >
        {(items) => <ClientsTable clients={items} may={may} onDo={setDoing} />}
      </WhenListed>
      {doing?.what === "create" && (
        <Edit
          onClose={close}
          onDone={(made) => {
            show(made && { what: "secret", client: made });
          }}
        />
      )}
      {doing?.what === "edit" && (
        <Edit
          client={doing.client}
          onClose={close}
          onDone={() => {
            show();
          }}
        />
      )}
      {doing?.what === "rotate" && (
        <Rotate
          client={doing.client}
          onClose={close}
          onDone={(made) => {
            show({ what: "secret", client: made, replaces: doing.client });
          }}
        />
      )}
      {doing?.what === "disable" && (
        <Disable
          client={doing.client}
          onClose={close}
          onDone={() => {
            show();
          }}
        />
      )}
      {doing?.what === "delete" && (
        <Delete
          client={doing.client}
          onClose={close}
          onDone={() => {
            show();
          }}
        />
      )}
      {doing?.what === "secret" && <Secret client={doing.client} replaces={doing.replaces} onClose={close} />}
    </PageLayout>
  );
}

interface TableProps {
  clients: readonly Client[];
  may: { add: boolean; edit: boolean; delete: boolean };
  onDo: (doing: Doing) => void;
}

function ClientsTable({ clients, may, onDo }: TableProps) {
  const action = (what: "edit" | "rotate" | "disable" | "delete", label: string, client: Client) => (
    <button
      type="button"
      class="plain"
      onClick={() => {
        onDo({ what, client });
      }}
    >
      {label}
      <span class="unseen"> {client.name}</span>
    </button>
  );
  return (
    <Table
      caption="API clients of the organization"
      rows={clients}
      keyOf={(client) => client.id}
      columns={[
        { title: "Name", cell: (client) => client.name },
        { title: "Client id", cell: (client) => <code class="wrap-anywhere">{client.id}</code> },
        {
          title: "Permissions",
          cell: (client) => (
            <span title={client.permissions.join("\n")}>{count(client.permissions.length, "permission")}</span>
          ),
        },
        {
          title: "State",
          cell: (client) => <span class={`badge ${client.state === "Active" ? "good" : ""}`}>{client.state}</span>,
        },
        { title: "Since", cell: (client) => (client.dateCreated ? <Time value={client.dateCreated} /> : "–") },
        ...(may.edit || may.delete
          ? [
              {
                title: "Actions",
                cell: (client: Client) => (
                  <span class="row">
                    {may.edit && action("edit", "Edit", client)}
                    {may.edit && may.add && action("rotate", "Replace", client)}
                    {may.edit && action("disable", client.state === "Active" ? "Disable" : "Enable", client)}
                    {may.delete && action("delete", "Delete", client)}
                  </span>
                ),
              },
            ]
          : []),
      ]}
    />
  );
}

interface EditProps {
  client?: Client;
  onClose: () => void;
  onDone: (made?: WithSecret) => void;
}

/** Creates a client, or changes its name and permissions. Only permissions that the reader has can be granted. */
function Edit({ client, onClose, onDone }: EditProps) {
  const [name, setName] = useState(client?.name ?? "");
  const [chosen, setChosen] = useState<ReadonlySet<Permission>>(new Set(client?.permissions));
  const me = useMe();
  const known = [...new Set([...me.permissions, ...(client?.permissions ?? [])])];
  const save = async () => {
    const body = { name, permissions: [...chosen].sort() };
    if (!client) return call(api.POST("/api/v2/journey/clients", { body }));
    await call(api.PATCH(CLIENT, { params: { path: { clientId: client.id } }, body }));
    return undefined;
  };
  const toggle = (permission: Permission, granted: boolean) => {
    const next = new Set(chosen);
    if (granted) next.add(permission);
    else next.delete(permission);
    setChosen(next);
  };
  return (
    <FormDialog
      title={client ? `Edit ${client.name}` : "Create an API client"}
      verb={client ? "Save the changes" : "Create the client"}
      missing={chosen.size === 0 ? "Choose at least one permission." : undefined}
      save={save}
      onSaved={onDone}
      onClose={onClose}
    >
      <TextField
        label="Name"
        required
        maxLength={100}
        value={name}
        onValue={setName}
        hint="What uses it, for example: nightly import."
      />
      <fieldset>
        <legend>Permissions</legend>
        <div class="client-permissions">
          {grouped(known).map((group) => (
            <div key={group.title} role="group" aria-label={group.title}>
              <strong class="small">{group.title}</strong>
              {group.permissions.map(({ permission, label }) => (
                <Checkbox
                  key={permission}
                  label={label}
                  checked={chosen.has(permission)}
                  onValue={(granted) => {
                    toggle(permission, granted);
                  }}
                />
              ))}
            </div>
          ))}
        </div>
      </fieldset>
    </FormDialog>
  );
}

function Rotate({
  client,
  onClose,
  onDone,
}: {
  client: Client;
  onClose: () => void;
  onDone: (made: WithSecret) => void;
}) {
  return (
    <Confirm
      title={`Replace ${client.name}?`}
      verb="Create the replacement"
      danger={false}
      act={() => call(api.POST(`${CLIENT}/rotate`, { params: { path: { clientId: client.id } } })).then(onDone)}
      onClose={onClose}
    >
      <p>
        This creates a client with the same name and permissions, and a new secret. The present one keeps working until
        you disable or delete it, so that nothing stops in between.
      </p>
    </Confirm>
  );
}

function Secret({
  client,
  replaces,
  onClose,
}: {
  client: WithSecret;
  replaces: Client | undefined;
  onClose: () => void;
}) {
  return (
    <Dialog title={`${client.name} is ready`} onClose={() => undefined}>
      <div class="notice warn">
        <p>Copy the secret now. It is not shown again.</p>
      </div>
      <Copyable label="Client id" value={client.id} />
      <Copyable label="Secret" value={client.secret} />
      {replaces && (
        <p>
          When the program uses the new client, disable or delete the one with the id <code>{replaces.id}</code>.
        </p>
      )}
      <div class="row">
        <button type="button" class="primary" onClick={onClose}>
          I have copied the secret
        </button>
      </div>
    </Dialog>
  );
}

function Disable({ client, onClose, onDone }: { client: Client; onClose: () => void; onDone: () => void }) {
  const active = client.state === "Active";
  return (
    <Confirm
      title={active ? `Disable ${client.name}?` : `Enable ${client.name}?`}
      verb={active ? "Disable the client" : "Enable the client"}
      danger={active}
      act={() =>
        call(
          api.PATCH(CLIENT, {
            params: { path: { clientId: client.id } },
            body: { state: active ? "Disabled" : "Active" },
          }),
        ).then(onDone)
      }
      onClose={onClose}
    >
      <p>
        {active
          ? "The API refuses its requests within a minute. You can enable it again."
          : "The API accepts its requests again."}
      </p>
    </Confirm>
  );
}

function Delete({ client, onClose, onDone }: { client: Client; onClose: () => void; onDone: () => void }) {
  return (
    <Confirm
      title={`Delete ${client.name}?`}
      verb="Delete the client"
      act={() => call(api.DELETE(CLIENT, { params: { path: { clientId: client.id } } })).then(onDone)}
      onClose={onClose}
    >
      <p>
        The API refuses its requests within a minute. A deleted client cannot be restored; disable it if you are unsure.
      </p>
    </Confirm>
  );
}

/** People of the organization: who can sign in, and with which role. */

import { useState } from "preact/hooks";
import { api, call, type Model } from "../../api/client";
import { useListing } from "../../api/loading";
import { numberedPage } from "../../api/pages";
import { Confirm, FormDialog } from "../../components/dialogs";
import { Select, TextField } from "../../components/forms";
import { PageLayout, WhenListed } from "../../components/layout";
import { Empty } from "../../components/states";
import { Table } from "../../components/tables";
import { Time } from "../../components/times";
import { useMay, useMe } from "../../me";
import { ROLES, ROLE_OPTIONS, type Role } from "./roles";

type Person = Model<"Person">;
type Doing = { what: "invite" } | { what: "edit" | "disable" | "delete"; person: Person };

const PERSON = "/api/v2/journey/people/{personId}";

export default function People() {
  const [doing, setDoing] = useState<Doing>();
  const people = useListing<Person>("people", async (after, signal) =>
    numberedPage(
      await call(
        api.GET("/api/v2/journey/people", {
          params: { query: { pageSize: 50, pageNumber: Number(after ?? 1) } },
          signal,
        }),
      ),
    ),
  );
  const may = { add: useMay("people:add"), edit: useMay("people:edit"), delete: useMay("people:delete") };
  const done = () => {
    setDoing(undefined);
    people.reload();
  };
  const close = () => {
    setDoing(undefined);
  };
  return (
    <PageLayout
      title="People"
      about="Who can sign in to this console, and what they may do."
      actions={
        may.add && (
          <button
            type="button"
            class="primary"
            onClick={() => {
              setDoing({ what: "invite" });
            }}
          >
            Invite a person
          </button>
        )
      }
    >
      <WhenListed listed={people} what="people" empty={<Empty title="Nobody is registered yet" />}>
        {(items) => <PeopleTable people={items} may={may} onDo={setDoing} />}
      </WhenListed>
      {doing?.what === "invite" && <Invite onClose={close} onDone={done} />}
      {doing?.what === "edit" && <Edit person={doing.person} onClose={close} onDone={done} />}
      {doing?.what === "disable" && <Disable person={doing.person} onClose={close} onDone={done} />}
      {doing?.what === "delete" && <Delete person={doing.person} onClose={close} onDone={done} />}
    </PageLayout>
  );
}

interface TableProps {
  people: readonly Person[];
  may: { edit: boolean; delete: boolean };
  onDo: (doing: Doing) => void;
}

function PeopleTable({ people, may, onDo }: TableProps) {
  const me = useMe();
  const actions = (person: Person) => (
    <span class="row">
      {may.edit && (
        <button
          type="button"
          class="plain"
          onClick={() => {
            onDo({ what: "edit", person });
          }}
        >
          Edit<span class="unseen"> {person.name}</span>
        </button>
      )}
      {may.edit && person.id !== me.id && (
        <button
          type="button"
          class="plain"
          onClick={() => {
            onDo({ what: "disable", person });
          }}
        >
          {person.state === "Active" ? "Disable" : "Enable"}
          <span class="unseen"> {person.name}</span>
        </button>
      )}
      {may.delete && person.id !== me.id && (
        <button
          type="button"
          class="plain"
          onClick={() => {
            onDo({ what: "delete", person });
          }}
        >
          Delete<span class="unseen"> {person.name}</span>
        </button>
      )}
    </span>
  );
  return (
    <Table
      caption="People of the organization"
      rows={people}
      keyOf={(person) => person.id}
      columns={[
        {
          title: "Name",
          cell: (person) => (
            <>
              {person.name}
              {person.id === me.id && <span class="soft"> (you)</span>}
            </>
          ),
        },
        { title: "E-mail", cell: (person) => <span class="wrap-anywhere">{person.email}</span> },
        { title: "Role", cell: (person) => ROLES[person.role].label },
        {
          title: "State",
          cell: (person) => <span class={`badge ${person.state === "Active" ? "good" : ""}`}>{person.state}</span>,
        },
        { title: "Since", cell: (person) => <Time value={person.dateCreated} /> },
        ...(may.edit || may.delete ? [{ title: "Actions", cell: actions }] : []),
      ]}
    />
  );
}

interface DialogProps {
  onClose: () => void;
  onDone: () => void;
}

function Invite({ onClose, onDone }: DialogProps) {
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  return (
    <FormDialog
      title="Invite a person"
      verb="Send the invitation"
      save={() => call(api.POST("/api/v2/journey/people", { body: { email, name, role } }))}
      onSaved={onDone}
      onClose={onClose}
    >
      <TextField
        label="E-mail address"
        type="email"
        required
        maxLength={128}
        value={email}
        onValue={setEmail}
        hint="The invitation with a first password goes here. It is also the name to sign in with."
      />
      <TextField label="Name" required maxLength={100} value={name} onValue={setName} />
      <RoleField role={role} onRole={setRole} />
    </FormDialog>
  );
}

function Edit({ person, onClose, onDone }: { person: Person } & DialogProps) {
  const [name, setName] = useState(person.name);
  const [role, setRole] = useState<Role>(person.role);
  return (
    <FormDialog
      title={`Edit ${person.name}`}
      verb="Save the changes"
      save={() => call(api.PATCH(PERSON, { params: { path: { personId: person.id } }, body: { name, role } }))}
      onSaved={onDone}
      onClose={onClose}
    >
      <TextField label="Name" required maxLength={100} value={name} onValue={setName} />
      <RoleField role={role} onRole={setRole} />
    </FormDialog>
  );
}

function RoleField({ role, onRole }: { role: Role; onRole: (role: Role) => void }) {
  return (
    <Select
      label="Role"
      value={role}
      options={ROLE_OPTIONS}
      hint="A change applies within a minute."
      onValue={(value) => {
        onRole(value as Role);
      }}
    />
  );
}

function Disable({ person, onClose, onDone }: { person: Person } & DialogProps) {
  const active = person.state === "Active";
  return (
    <Confirm
      title={active ? `Disable ${person.name}?` : `Enable ${person.name}?`}
      verb={active ? "Disable the person" : "Enable the person"}
      danger={active}
      act={() =>
        call(
          api.PATCH(PERSON, {
            params: { path: { personId: person.id } },
            body: { state: active ? "Disabled" : "Active" },
          }),
        ).then(onDone)
      }
      onClose={onClose}
    >
      <p>
        {active
          ? "The person can no longer sign in, and what is open ends within a minute. You can enable the person again."
          : "The person can sign in again, with the same role."}
      </p>
    </Confirm>
  );
}

function Delete({ person, onClose, onDone }: { person: Person } & DialogProps) {
  return (
    <Confirm
      title={`Delete ${person.name}?`}
      verb="Delete the person"
      act={() => call(api.DELETE(PERSON, { params: { path: { personId: person.id } } })).then(onDone)}
      onClose={onClose}
    >
      <p>The person can no longer sign in. Views and other things that the person made stay.</p>
    </Confirm>
  );
}

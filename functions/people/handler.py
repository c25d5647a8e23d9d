"""API operations on access: the caller, the people of the organization, and its API clients."""

from typing import Any

from journeys.aws import cognito, dynamodb
from journeys.errors import Conflict, LimitReached
from journeys.http.parameters import PAGE
from journeys.http.request import Request
from journeys.http.router import Router
from journeys.jsontext import omit_none
from journeys.registry.clients.model import CLIENTS_PATH, Client
from journeys.registry.clients.requests import ClientCreate, ClientUpdate
from journeys.registry.clients.service import ClientService
from journeys.registry.clients.store import ClientPool, ClientStore
from journeys.registry.people.model import PEOPLE_PATH, Person
from journeys.registry.people.requests import PersonCreate, PersonUpdate
from journeys.registry.people.service import PeopleService
from journeys.registry.people.store import PersonPool, PersonStore
from journeys.settings import PeopleSettings

ME = "/api/v2/journey/me"
PERSON = f"{PEOPLE_PATH}/<person_id>"
CLIENT = f"{CLIENTS_PATH}/<client_id>"
PEOPLE_TAG, CLIENTS_TAG = "People", "API clients"
VIEW_PEOPLE, ADD_PEOPLE, EDIT_PEOPLE, DELETE_PEOPLE = (
    f"journey:people:{action}" for action in ("view", "add", "edit", "delete")
)
VIEW_CLIENTS, ADD_CLIENTS, EDIT_CLIENTS, DELETE_CLIENTS = (
    f"journey:clients:{action}" for action in ("view", "add", "edit", "delete")
)

settings = PeopleSettings.read()
table = settings.registry_table
registry = ClientStore(dynamodb(), table)
people = PeopleService(PersonStore(dynamodb(), table), PersonPool(cognito(), settings.people_pool_id))
clients = ClientService(registry, ClientPool(cognito(), settings.user_pool_id))
router = Router.for_registry(table)


@router.route("GET", ME, summary="Get the caller", tag=PEOPLE_TAG, permission=None, response="Me")
def get_me(request: Request) -> dict[str, Any]:
    caller = request.caller
    person = caller if isinstance(caller, Person) else None
    return omit_none(
        {
            "id": caller.caller_id,
            "kind": caller.kind(),
            "name": caller.name,
            "organization": {
                "id": caller.organization_id,
                "name": registry.organization_name(caller.organization_id) or caller.organization_id,
            },
            "role": person.role if person else None,
            "email": person.email if person else None,
            "permissions": sorted(caller.permissions),
        }
    )


# -- people ------------------------------------------------------------------------------------------------------------


@router.route(
    "GET",
    PEOPLE_PATH,
    summary="List the people of the organization",
    tag=PEOPLE_TAG,
    permission=VIEW_PEOPLE,
    query=PAGE,
    response="PersonListing",
)
def list_people(request: Request) -> dict[str, Any]:
    return request.page(PEOPLE_PATH, people.all(request.organization_id), Person.to_wire)


@router.route(
    "POST",
    PEOPLE_PATH,
    summary="Invite a person",
    tag=PEOPLE_TAG,
    permission=ADD_PEOPLE,
    body=PersonCreate,
    response="Person",
    status=201,
    errors=(Conflict, LimitReached),
)
def create_person(request: Request, body: PersonCreate) -> dict[str, Any]:
    created = people.create(
        request.organization_id, email=body.email, name=body.name, role=body.role, by=request.caller
    )
    return created.to_wire()


@router.route("GET", PERSON, summary="Get a person", tag=PEOPLE_TAG, permission=VIEW_PEOPLE, response="Person")
def get_person(request: Request, person_id: str) -> dict[str, Any]:
    return people.get(request.organization_id, person_id).to_wire()


@router.route(
    "PATCH",
    PERSON,
    summary="Change a person's name, role or state",
    tag=PEOPLE_TAG,
    permission=EDIT_PEOPLE,
    body=PersonUpdate,
    response="Person",
    errors=(Conflict,),
)
def update_person(request: Request, person_id: str, body: PersonUpdate) -> dict[str, Any]:
    changed = people.update(
        request.organization_id, person_id, name=body.name, role=body.role, state=body.state, by=request.caller
    )
    return changed.to_wire()


@router.route(
    "DELETE",
    PERSON,
    summary="Delete a person",
    tag=PEOPLE_TAG,
    permission=DELETE_PEOPLE,
    response=None,
    errors=(Conflict,),
)
def delete_person(request: Request, person_id: str) -> None:
    people.delete(request.organization_id, person_id, by=request.caller)


# -- clients -----------------------------------------------------------------------------------------------------------


@router.route(
    "GET",
    CLIENTS_PATH,
    summary="List the API clients of the organization",
    tag=CLIENTS_TAG,
    permission=VIEW_CLIENTS,
    query=PAGE,
    response="ApiClientListing",
)
def list_clients(request: Request) -> dict[str, Any]:
    return request.page(CLIENTS_PATH, clients.all(request.organization_id), Client.to_wire)


@router.route(
    "POST",
    CLIENTS_PATH,
    summary="Create an API client",
    tag=CLIENTS_TAG,
    permission=ADD_CLIENTS,
    body=ClientCreate,
    response="ApiClientWithSecret",
    status=201,
    errors=(LimitReached,),
)
def create_client(request: Request, body: ClientCreate) -> dict[str, Any]:
    created = clients.create(
        request.organization_id, name=body.name, permissions=frozenset(body.permissions), by=request.caller
    )
    return created.to_wire()


@router.route(
    "GET", CLIENT, summary="Get an API client", tag=CLIENTS_TAG, permission=VIEW_CLIENTS, response="ApiClient"
)
def get_client(request: Request, client_id: str) -> dict[str, Any]:
    return clients.get(request.organization_id, client_id).to_wire()


@router.route(
    "PATCH",
    CLIENT,
    summary="Change an API client's name, permissions or state",
    tag=CLIENTS_TAG,
    permission=EDIT_CLIENTS,
    body=ClientUpdate,
    response="ApiClient",
    errors=(Conflict,),
)
def update_client(request: Request, client_id: str, body: ClientUpdate) -> dict[str, Any]:
    changed = clients.update(
        request.organization_id,
        client_id,
        name=body.name,
        permissions=None if body.permissions is None else frozenset(body.permissions),
        state=body.state,
        by=request.caller,
    )
    return changed.to_wire()


@router.route(
    "POST",
    f"{CLIENT}/rotate",
    summary="Replace an API client by one with a new secret",
    tag=CLIENTS_TAG,
    permission=EDIT_CLIENTS,
    response="ApiClientWithSecret",
    status=201,
    errors=(LimitReached,),
)
def rotate_client(request: Request, client_id: str) -> dict[str, Any]:
    return clients.rotate(request.organization_id, client_id, by=request.caller).to_wire()


@router.route(
    "DELETE",
    CLIENT,
    summary="Delete an API client",
    tag=CLIENTS_TAG,
    permission=DELETE_CLIENTS,
    response=None,
    errors=(Conflict,),
)
def delete_client(request: Request, client_id: str) -> None:
    clients.delete(request.organization_id, client_id, by=request.caller)


handler = router.handle

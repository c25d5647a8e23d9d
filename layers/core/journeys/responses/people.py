"""Responses of the operations on people and API clients."""

from typing import Annotated, Literal, NotRequired

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from journeys.registry.callers import State
from journeys.registry.people.model import Role
from journeys.responses.contract import DateTime
from journeys.responses.listings import Page

PersonRole = Annotated[str, WithJsonSchema({"type": "string", "enum": list(Role)})]
AccessState = Annotated[str, WithJsonSchema({"type": "string", "enum": list(State)})]
PermissionName = Annotated[str, WithJsonSchema({"x-contract": "Permission"})]


class OwnOrganization(TypedDict):
    """The organization of a caller."""

    id: str
    name: str


class Me(TypedDict):
    """Who sent the request, and what he, she or it may do. Only a person has a role and an e-mail address."""

    id: str
    kind: Literal["Client", "Person"]
    name: str
    organization: OwnOrganization
    role: NotRequired[PersonRole]
    email: NotRequired[str]
    permissions: list[PermissionName]


class Person(TypedDict):
    """A person who can sign in to the console. The role determines the permissions."""

    id: str
    name: str
    email: str
    role: PersonRole
    state: AccessState
    dateCreated: DateTime
    dateModified: DateTime
    selfUri: str


class PersonListing(Page):
    """A page of people."""

    entities: list[Person]


class ApiClient(TypedDict):
    """A client of the API. Clients that were created by the first releases have no dates until they are changed."""

    id: str
    name: str
    permissions: list[PermissionName]
    state: AccessState
    dateCreated: NotRequired[DateTime]
    dateModified: NotRequired[DateTime]
    selfUri: str


class ApiClientWithSecret(ApiClient):
    """A client of the API and its secret, which no other response shows."""

    secret: str


class ApiClientListing(Page):
    """A page of API clients."""

    entities: list[ApiClient]

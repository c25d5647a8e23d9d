"""People in the registry table, and their users in the user pool, where they sign in."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from journeys import keys
from journeys.aws import (
    FORM_VALUE,
    SET_FORM,
    ConditionsFailed,
    error_code,
    to_item,
    to_value,
    transact,
)
from journeys.errors import BadRequest, Conflict, Detail, ServiceUnavailable
from journeys.registry.callers import changed_meanwhile
from journeys.registry.limits import PEOPLE
from journeys.registry.people.model import Person
from journeys.registry.quotas.store import QuotaStore
from journeys.registry.store import OwnedItems

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient

EXISTS = "A person with this e-mail address exists already. An address belongs to one organization."
LAST_ADMINISTRATOR = (
    "This is the last active administrator of the organization. Make another person an administrator first."
)


class PersonStore(OwnedItems[Person]):
    """Stores people.

    An item of its own lists the active administrators of an organization, so that the last one remains.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        super().__init__(dynamodb, table, keys.person, keys.people, Person.from_values, "There is no such person.")
        self._quotas = QuotaStore(dynamodb, table)

    def require_room(self, organization_id: str) -> None:
        """Raises LimitReached if the organization has all people that it may have."""
        self._quotas.require_room(organization_id, PEOPLE)

    def create(self, person: Person) -> None:
        """Stores a new person and the entry in the organization's list, in one transaction.

        Raises Conflict if the person exists, and LimitReached.
        """
        writes = [
            self._put(person, "attribute_not_exists(pk)"),
            self._put_entry(person.organization_id, person.caller_id),
        ]
        if person.is_active_administrator:
            writes.append(self._add_administrator(person))
        try:
            self._quotas.create(person.organization_id, (PEOPLE,), writes)
        except ConditionsFailed:
            raise Conflict(EXISTS, code="person.exists") from None

    def replace(self, person: Person, changed: Person) -> None:
        """Replaces a person. Raises Conflict if another request changed the person, or for the last administrator."""
        writes = [self._put(changed, "revision = :revision", {":revision": to_value(person.revision)})]
        if changed.is_active_administrator and not person.is_active_administrator:
            writes.append(self._add_administrator(person))
        if person.is_active_administrator and not changed.is_active_administrator:
            writes.append(self._remove_administrator(person))
        try:
            transact(self._dynamodb, writes)
        except ConditionsFailed as failed:
            raise _refusal(failed) from None

    def delete(self, person: Person) -> None:
        """Deletes a person and the entry in the list. Raises Conflict like `replace`."""
        delete = {
            "TableName": self._table,
            "Key": keys.person(person.caller_id),
            "ConditionExpression": "revision = :revision",
            "ExpressionAttributeValues": {":revision": to_value(person.revision)},
        }
        writes: list[dict[str, Any]] = [{"Delete": delete}]
        if person.is_active_administrator:
            writes.append(self._remove_administrator(person))
        try:
            self._quotas.delete(
                person.organization_id,
                (PEOPLE,),
                [*writes, self._delete_entry(person.organization_id, person.caller_id)],
            )
        except ConditionsFailed as failed:
            raise _refusal(failed) from None

    def _put(self, person: Person, condition: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        put = {
            "TableName": self._table,
            "Item": keys.person(person.caller_id) | to_item(person.to_values()),
            "ConditionExpression": condition,
        }
        return {"Put": put | ({"ExpressionAttributeValues": values} if values else {})}

    def _add_administrator(self, person: Person) -> dict[str, Any]:
        return self._administrators(person, "ADD ids :ids", None, {})

    def _remove_administrator(self, person: Person) -> dict[str, Any]:
        return self._administrators(person, "DELETE ids :ids", "size(ids) > :one", {":one": to_value(1)})

    def _administrators(
        self, person: Person, update: str, condition: str | None, values: dict[str, Any]
    ) -> dict[str, Any]:
        expression: dict[str, Any] = {
            "TableName": self._table,
            "Key": keys.administrators(person.organization_id),
            "UpdateExpression": f"{SET_FORM} {update}",
            "ExpressionAttributeValues": {":form": FORM_VALUE, ":ids": {"SS": [person.caller_id]}} | values,
        }
        return {"Update": expression | ({"ConditionExpression": condition} if condition else {})}


def _refusal(failed: ConditionsFailed) -> Conflict:
    """Why a change failed: write 0 is the person's, and write 1 that of the list of administrators."""
    if 0 in failed.failed:
        return changed_meanwhile()
    return Conflict(LAST_ADMINISTRATOR, code="last.administrator")


class PersonPool:
    """The users in the user pool. The id of a user is the `sub` of its tokens."""

    def __init__(self, cognito: "CognitoIdentityProviderClient", pool_id: str) -> None:
        self._cognito, self._pool_id = cognito, pool_id

    def create(self, email: str, name: str, password: str | None = None) -> str | None:
        """Creates a user. Returns its id, or None if a user has this address.

        The user gets an invitation with a temporary password by e-mail, or has the given temporary password. Raises
        BadRequest if the pool refuses the address, and ServiceUnavailable if no e-mail can be sent.
        """
        options: Any = {} if password is None else {"MessageAction": "SUPPRESS", "TemporaryPassword": password}
        attributes = {"email": email, "email_verified": "true", "name": name}
        try:
            created = self._cognito.admin_create_user(
                UserPoolId=self._pool_id,
                Username=email,
                UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()],
                DesiredDeliveryMediums=["EMAIL"],
                **options,
            )
        except ClientError as error:
            if error_code(error) == "UsernameExistsException":
                return None
            raise _pool_error(error) from error
        return _sub(created["User"]["Attributes"])

    def find(self, email: str) -> str:
        """The id of the user with this address."""
        return _sub(self._cognito.admin_get_user(UserPoolId=self._pool_id, Username=email)["UserAttributes"])

    def invite_again(self, email: str) -> None:
        """Sends the invitation again, unless the user has signed in already."""
        user = self._cognito.admin_get_user(UserPoolId=self._pool_id, Username=email)
        if user["UserStatus"] != "FORCE_CHANGE_PASSWORD":
            return
        try:
            self._cognito.admin_create_user(UserPoolId=self._pool_id, Username=email, MessageAction="RESEND")
        except ClientError as error:
            raise _pool_error(error) from error

    def set_password(self, person_id: str, password: str, *, permanent: bool) -> None:
        """Sets the password, for the operator's commands. The functions' roles do not allow it."""
        self._cognito.admin_set_user_password(
            UserPoolId=self._pool_id, Username=person_id, Password=password, Permanent=permanent
        )

    def enable(self, person_id: str) -> None:
        """Lets a user sign in."""
        self._cognito.admin_enable_user(UserPoolId=self._pool_id, Username=person_id)

    def disable(self, person_id: str) -> None:
        """Lets a user sign in no more, and revokes the refresh tokens."""
        self._cognito.admin_disable_user(UserPoolId=self._pool_id, Username=person_id)
        self._cognito.admin_user_global_sign_out(UserPoolId=self._pool_id, Username=person_id)

    def delete(self, person_id: str) -> None:
        """Deletes a user, if it exists."""
        try:
            self._cognito.admin_delete_user(UserPoolId=self._pool_id, Username=person_id)
        except ClientError as error:
            if error_code(error) != "UserNotFoundException":
                raise


def _sub(attributes: Any) -> str:
    return next(str(one["Value"]) for one in attributes if one["Name"] == "sub")


def _pool_error(error: ClientError) -> Exception:
    """The error to raise for an error of the user pool."""
    if error_code(error) == "InvalidParameterException":
        return BadRequest(
            "The user pool does not accept this e-mail address.", details=[Detail("invalid.value", "email")]
        )
    if error_code(error) in ("CodeDeliveryFailureException", "LimitExceededException"):
        return ServiceUnavailable("The invitation could not be sent by e-mail. Send the request again later.")
    return error

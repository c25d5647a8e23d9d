"""A fake of Cognito, because moto's needs packages of its own. The tests on the local stack use the emulator's."""

import uuid
from typing import Any

from tests.support.aws_errors import client_error


class UserPools:
    """The users and the clients of all pools, and the calls that were made."""

    def __init__(self) -> None:
        self.clients: dict[str, dict[str, Any]] = {}
        self.users: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.fails: str | None = None
        """The error code of the next call."""

    # -- clients -------------------------------------------------------------------------------------------------------

    def create_user_pool_client(self, **request: Any) -> dict[str, Any]:
        self._called("CreateUserPoolClient")
        client = request | {"ClientId": f"client-{len(self.clients)}", "ClientSecret": "secret"}
        self.clients[client["ClientId"]] = client
        return {"UserPoolClient": client}

    def delete_user_pool_client(self, *, UserPoolId: str, ClientId: str) -> None:  # noqa: N803  # boto3's names
        self._called("DeleteUserPoolClient")
        if self.clients.pop(ClientId, {}).get("UserPoolId") != UserPoolId:
            raise client_error("ResourceNotFoundException")

    # -- users ---------------------------------------------------------------------------------------------------------

    def admin_create_user(self, **request: Any) -> dict[str, Any]:
        self._called("AdminCreateUser " + request.get("MessageAction", ""))
        email = request["Username"]
        if request.get("MessageAction") == "RESEND":
            return {"User": self._user(email)}
        if any(user["email"] == email for user in self.users.values()):
            raise client_error("UsernameExistsException")
        person_id = str(uuid.uuid4())
        attributes = [*request["UserAttributes"], {"Name": "sub", "Value": person_id}]
        user = {"email": email, "Attributes": attributes, "Enabled": True, "UserStatus": "FORCE_CHANGE_PASSWORD"}
        self.users[person_id] = user | {"password": request.get("TemporaryPassword")}
        return {"User": self.users[person_id]}

    def admin_get_user(self, *, UserPoolId: str, Username: str) -> dict[str, Any]:  # noqa: ARG002, N803
        self._called("AdminGetUser")
        user = self._user(Username)
        return {"UserAttributes": user["Attributes"], "UserStatus": user["UserStatus"]}

    def admin_set_user_password(self, *, Username: str, Password: str, Permanent: bool, **_: str) -> None:  # noqa: ARG002, N803
        self._called("AdminSetUserPassword")
        self._user(Username)["password"] = Password

    def admin_enable_user(self, *, UserPoolId: str, Username: str) -> None:  # noqa: ARG002, N803
        self._called("AdminEnableUser")
        self._user(Username)["Enabled"] = True

    def admin_disable_user(self, *, UserPoolId: str, Username: str) -> None:  # noqa: ARG002, N803
        self._called("AdminDisableUser")
        self._user(Username)["Enabled"] = False

    def admin_user_global_sign_out(self, *, UserPoolId: str, Username: str) -> None:  # noqa: ARG002, N803
        self._called("AdminUserGlobalSignOut")
        self._user(Username)

    def admin_delete_user(self, *, UserPoolId: str, Username: str) -> None:  # noqa: ARG002, N803
        self._called("AdminDeleteUser")
        if self.users.pop(Username, None) is None:
            raise client_error("UserNotFoundException")

    def _called(self, call: str) -> None:
        self.calls.append(call.strip())
        if self.fails is not None:
            code, self.fails = self.fails, None
            raise client_error(code)

    def _user(self, name: str) -> dict[str, Any]:
        for person_id, user in self.users.items():
            if name in (person_id, user["email"]):
                return user
        raise client_error("UserNotFoundException")

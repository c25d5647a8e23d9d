"""The errors of the command `journeys`: a message on standard error, and an exit status.

Exit statuses: 0 success; 1 problems were found, or something was not found or was refused; 2 wrong usage, or the
environment lacks something (the stack, the region, credentials, Docker); 130 interrupted.
"""

import contextlib
from collections.abc import Iterator
from typing import IO, Any

import click
import httpx
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from tools.api import ApiError, TokenRefused


class ToolError(click.ClickException):
    """A command failed. The message says what is wrong and what to do next."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints the message in red on standard error."""
        click.secho(self.message, fg="red", err=True, file=file)


class SetupError(ToolError):
    """The environment lacks something that the command needs, such as a running stack or AWS credentials."""

    exit_code = 2


class Interrupted(ToolError):
    """The user pressed Ctrl-C."""

    exit_code = 130


LOCAL_STACK_NOT_RUNNING = (
    "The local stack is not running. Start it with `journeys up`, or name a stack on AWS with --stack-name."
)
NO_REGION = "No AWS region is set. Set AWS_REGION, or choose a profile that has a region with AWS_PROFILE."
NO_CREDENTIALS = "No AWS credentials were found. Run `aws configure`, or choose a profile with AWS_PROFILE."
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException")


@contextlib.contextmanager
def readable_errors() -> Iterator[None]:
    """Turns the errors of the API, of the network and of AWS into a ToolError with one sentence.

    Raises:
        ToolError: the API or AWS refused a request (status 1 or 2), or the user pressed Ctrl-C (130).
    """
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("Interrupted. You can run the command again.") from None
    except ApiError as error:
        raise ToolError(f"The API refused the request: {error}") from None
    except TokenRefused:
        raise SetupError(
            "The credentials were not accepted. Check JOURNEYS_CLIENT_ID and JOURNEYS_CLIENT_SECRET; "
            "for the local stack, run `journeys down` and `journeys up`."
        ) from None
    except httpx.HTTPError as error:
        raise SetupError(
            f"The API does not respond ({type(error).__name__}). For the local stack, run `journeys up`."
        ) from None
    except NoRegionError:
        raise SetupError(NO_REGION) from None
    except (NoCredentialsError, PartialCredentialsError):
        raise SetupError(NO_CREDENTIALS) from None
    except ProfileNotFound:
        raise SetupError(
            "The AWS profile in AWS_PROFILE does not exist. `aws configure list-profiles` lists them."
        ) from None
    except ClientError as error:
        raise SetupError(_refusal(error)) from None
    except BotoCoreError as error:
        raise SetupError(f"AWS does not respond ({type(error).__name__}). Check the network and the region.") from None


def _refusal(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "unknown")
    if code in _EXPIRED:
        return (
            f"AWS did not accept the credentials ({code}). Sign in again, or choose another profile with AWS_PROFILE."
        )
    return f"AWS refused {error.operation_name} ({code}). Check the permissions of your AWS credentials."

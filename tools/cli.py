"""The command `journeys`."""

from typing import Any

import click

from tools.commands.admin import admin
from tools.commands.development import load, openapi
from tools.commands.events import deliver, send
from tools.commands.exporting import export_command
from tools.commands.importing import import_command
from tools.commands.importing_native import import_native_command
from tools.commands.local import down, env, logs, up
from tools.commands.operate import archive, identities_command, rebuild, redrive_command, verify
from tools.commands.sam_local import sam_local
from tools.commands.show import show
from tools.documentation.command import docs
from tools.errors import readable_errors


class JourneysCommand(click.Group):
    """The root command. It turns every expected error into one sentence on standard error, and an exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        with readable_errors():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click passes it
        """The commands in the order in which they were added."""
        return list(self.commands)


@click.group(cls=JourneysCommand, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def journeys() -> None:
    """Run and operate Journeys, on this machine and on AWS.

    Every command has --help with examples. Commands use the local stack when it runs, or the stack on AWS that
    --stack-name or JOURNEYS_STACK names. The region is that of AWS_REGION, AWS_DEFAULT_REGION or the AWS profile.

    Exit status: 0 success; 1 problems were found, or something was not found or was refused; 2 wrong usage, or the
    environment lacks something, such as a running stack; 130 interrupted.

    \b
    Examples:
      journeys up
      journeys show customer crm C-0001
      journeys verify --stack-name journeys-prod
    """


for command in (
    up, down, logs, env, show, send, import_command, import_native_command, export_command, deliver, admin,
    verify, rebuild, redrive_command, archive, identities_command, sam_local, load, openapi, docs,
):  # fmt: skip
    journeys.add_command(command)


if __name__ == "__main__":
    journeys(prog_name="journeys")

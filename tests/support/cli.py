"""Runs the command `journeys` in this process."""

from click.testing import CliRunner, Result

from tools.cli import journeys


def run_journeys(*arguments: object, stdin: str | None = None) -> Result:
    """Runs the command and returns its exit status and its output. Fails on an error that is not a message."""
    result = CliRunner().invoke(journeys, [str(argument) for argument in arguments], input=stdin, prog_name="journeys")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result

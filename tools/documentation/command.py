"""`journeys docs`: the parts of the documentation that are made from figures."""

from pathlib import Path
from typing import Any

import click

from tools import template
from tools.commands.options import Connection, api_options, home_option
from tools.documentation import alarms, bounds, identity, roles, screenshots, senders
from tools.documentation import costs as bill
from tools.documentation.generated import replaced
from tools.documentation.images import draw
from tools.errors import ToolError
from tools.local_stack.stack import LocalStack
from tools.paths import ROOT

SAMPLE_VIEW = "From the checkout to the survey"
SAMPLE_PATHS = "After a visit to the checkout"
PICTURE = ROOT / "docs" / "images" / "journey-view.svg"


@click.group()
def docs() -> None:
    """Make parts of the documentation: the picture, and the tables of alarms and costs."""


@docs.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=bill.DEFAULTS)
def costs(file: Path) -> None:
    """Print what a million events and an idle month cost on AWS.

    FILE has the prices, measured units and assumptions, like tools/documentation/costs.toml.

    \b
    Example:
      journeys docs costs
    """
    click.echo(bill.to_markdown(bill.read(file)), nl=False)


@docs.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=PICTURE, help="The SVG file.")
@api_options
def images(connection: Connection, output: Path) -> None:
    """Draw the sample journey view of the local stack as an SVG.

    \b
    Example:
      journeys docs images
    """
    api, view = connection.api, _sample_view(connection)
    path = f"views/{view['id']}/versions/{view['version']}/jobs"
    job = api.call("GET", f"{path}/latest")
    result = api.call("GET", f"{path}/{job['id']}/results")
    output.write_text(draw(job["journeyView"], result), encoding="utf-8")
    click.echo(f"Wrote {output}.")


@docs.command("screenshots")
@click.option(
    "--console-url", metavar="URL", help="The address of another console on the same stack, as of `make dev`."
)
@api_options
@home_option
def take_screenshots(connection: Connection, local: LocalStack, console_url: str | None) -> None:
    """Take the documentation's pictures of the console, with Chromium, from the sample data of the local stack.

    \b
    Example:
      journeys docs screenshots
    """
    person = screenshots.person_of(local.description_file)
    ids = {"view": _sample_view(connection)["id"], "paths": _sample_paths(connection)["id"]}
    for path in screenshots.take(console_url or connection.stack.console_url, person, ids):
        click.echo(f"Wrote {path.relative_to(ROOT)} ({path.stat().st_size // 1000} kB).")


def _sample_view(connection: Connection) -> dict[str, Any]:
    """The sample journey view. Raises ToolError if it does not exist."""
    views = connection.api.call("GET", "views", nameOrCreatedBy=SAMPLE_VIEW)["entities"]
    if not views:
        raise ToolError(f'There is no journey view "{SAMPLE_VIEW}". Run `journeys up`, which creates it.')
    return dict(views[0])


def _sample_paths(connection: Connection) -> dict[str, Any]:
    """The job of the sample's paths. Raises ToolError if it does not exist."""
    for job in connection.api.entities("paths/jobs"):
        if job["name"] == SAMPLE_PATHS and job["status"] == "Complete":
            return dict(job)
    raise ToolError(f'There are no paths "{SAMPLE_PATHS}". Run `journeys up`, which computes them.')


@docs.command()
def tables() -> None:
    """Write the tables of alarms, saved queries, costs, bounds and roles, and the set-up of senders, into the pages.

    \b
    Example:
      journeys docs tables
    """
    monitoring, deploying = alarms.PAGE, ROOT / "docs" / "deploying.md"
    monitoring.write_text(alarms.updated(monitoring.read_text(), template.read(template.MONITORING)))
    deploying.write_text(replaced(deploying.read_text(), "costs", bill.to_markdown(bill.read())))
    roles.PAGE.write_text(roles.updated(roles.PAGE.read_text()))
    bounds.PAGE.write_text(senders.updated(bounds.updated(bounds.PAGE.read_text())))
    identity.PAGE.write_text(identity.updated(identity.PAGE.read_text()))
    pages = (monitoring, deploying, bounds.PAGE, roles.PAGE, identity.PAGE)
    written = ", ".join(str(page.relative_to(ROOT)) for page in pages)
    click.echo(f"Wrote {written}.")

"""`journeys docs`: the parts of the documentation that are made from figures."""

from pathlib import Path

import click

from tools import template
from tools.commands.options import Connection, api_options
from tools.documentation import alarms, bounds, senders
from tools.documentation import costs as bill
from tools.documentation.generated import replaced
from tools.documentation.images import draw
from tools.errors import ToolError
from tools.paths import ROOT

SAMPLE_VIEW = "From the checkout to the survey"
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
    api = connection.api
    views = api.call("GET", "views", nameOrCreatedBy=SAMPLE_VIEW)["entities"]
    if not views:
        raise ToolError(f'There is no journey view "{SAMPLE_VIEW}". Run `journeys up`, which creates it.')
    path = f"views/{views[0]['id']}/versions/{views[0]['version']}/jobs"
    job = api.call("GET", f"{path}/latest")
    result = api.call("GET", f"{path}/{job['id']}/results")
    output.write_text(draw(job["journeyView"], result), encoding="utf-8")
    click.echo(f"Wrote {output}.")


@docs.command()
def tables() -> None:
    """Write the tables of alarms, saved queries, costs and bounds, and the set-up of senders, into the pages.

    \b
    Example:
      journeys docs tables
    """
    monitoring, deploying = alarms.PAGE, ROOT / "docs" / "deploying.md"
    monitoring.write_text(alarms.updated(monitoring.read_text(), template.read(template.MONITORING)))
    deploying.write_text(replaced(deploying.read_text(), "costs", bill.to_markdown(bill.read())))
    bounds.PAGE.write_text(senders.updated(bounds.updated(bounds.PAGE.read_text())))
    written = ", ".join(str(page.relative_to(ROOT)) for page in (monitoring, deploying, bounds.PAGE))
    click.echo(f"Wrote {written}.")

"""The option --memory, for commands that compute with DuckDB."""

import click
import duckdb


def _memory(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Check a limit by opening DuckDB with it, because DuckDB defines the units."""
    try:
        duckdb.connect(config={"memory_limit": value}).close()
    except duckdb.Error:
        raise click.BadParameter("Use a number with a unit, such as 500MB or 2GB.", context, parameter) from None
    return value


memory_option = click.option(
    "--memory", default="2GB", show_default=True, callback=_memory, help="The memory that DuckDB may use."
)

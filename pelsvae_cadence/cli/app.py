"""The application: its commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from pelsvae_cadence.cli import (
    catalog,
    classify_map,
    compare,
    doctor,
    fit,
    lightcurve,
    metrics,
    population,
    validate,
)
from pelsvae_cadence.core.console import run_app
from pelsvae_cadence.core.version import __version__

__all__ = ["app", "main"]

app = typer.Typer(
    name="pelsvae_cadence",
    help="Periodic variable stars, learned from real ones, observed at survey cadences.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        # MAF's scripts spell options with underscores (--out_dir): take both.
        "token_normalize_func": lambda token: token.replace("_", "-"),
    },
)
app.command("fit", epilog=fit.EXAMPLES)(fit.fit)
app.command("lightcurve")(lightcurve.lightcurve)
app.command("metrics")(metrics.metrics)
app.command("compare")(compare.compare)
app.add_typer(catalog.app, name="catalog")
app.add_typer(classify_map.app, name="classify")
app.command("population")(population.population)
app.command("validate")(validate.validate)
app.command("doctor")(doctor.doctor)


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"pelsvae_cadence {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keep the group's own options."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process; see `pelsvae_cadence.core.console.run_app`.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments without the program's name; those of the process by default.
    """
    run_app(app, arguments)

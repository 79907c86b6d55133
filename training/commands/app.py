"""The command line of training: the program and what its commands share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from pelsvae_cadence.core.console import messages
from pelsvae_cadence.core.errors import InputError

__all__ = ["Data", "Seed", "app", "data_folder", "progress_of"]

app = typer.Typer(
    name="python -m pelsvae_cadence.training",
    help="From real stars to shipped weights: training sets, training, figures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda token: token.replace("_", "-"),
    },
)

Seed = Annotated[int, typer.Option(help="Seed of every random draw.", min=0)]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder that holds lightcurves/. Default: $PELSVAE_DATA.", show_default=False),
]


def data_folder(data: Path | None) -> Path:
    """Give the folder of real light curves, named or of the environment.

    Parameters
    ----------
    data : Path or None
        The folder, if it was named.

    Returns
    -------
    Path
        A folder that holds ``lightcurves``.

    Raises
    ------
    InputError
        If there is none.
    """
    named = data or (Path(os.environ["PELSVAE_DATA"]) if "PELSVAE_DATA" in os.environ else None)
    if named is None:
        raise InputError("no data folder", remedy="Give --data, or set PELSVAE_DATA.")
    if not (named / "lightcurves").is_dir():
        raise InputError(f"{named} holds no folder lightcurves", remedy="Give another --data.")
    return named


@contextmanager
def progress_of(what: str) -> Iterator[Any]:
    """Show a progress bar.

    Parameters
    ----------
    what : str
        What is being done.

    Yields
    ------
    callable
        ``f(done, total)`` moves the bar.
    """
    from rich.progress import Progress

    with Progress(console=messages) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

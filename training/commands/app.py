"""The command line of training: the program and what its commands share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from pelsvae_cadence.core.console import messages

__all__ = ["Data", "Restart", "Table", "Wandb", "Weights", "app", "progress_of", "split_words"]

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

Data = Annotated[Path | None, typer.Option(help="Folder that holds lightcurves/. Default: $PELSVAE_DATA.")]
Restart = Annotated[bool, typer.Option("--restart", help="Start anew rather than from the last checkpoint.")]
Table = Annotated[Path | None, typer.Option(help="Training table. Default: the committed one.")]
Wandb = Annotated[str | None, typer.Option(help="Log to this project of Weights & Biases too.")]
Weights = Annotated[str, typer.Option(help="Name or path of the model's weights.")]


def split_words(text: str) -> tuple[str, ...]:
    """Split what was typed at its commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


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

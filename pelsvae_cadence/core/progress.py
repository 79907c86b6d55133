"""Progress bars of the commands, all of one look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelsvae_cadence.cli.options import messages

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["progress_bars"]


def progress_bars(unit: str = "") -> Progress:
    """Make bars that count what is done, with the time gone and the time left, on stderr.

    Parameters
    ----------
    unit : str
        What is counted.

    Returns
    -------
    rich.progress.Progress
        A context manager; `add_task` makes a bar.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit),
        TimeElapsedColumn(), TimeRemainingColumn(), console=messages,
    )  # fmt: skip

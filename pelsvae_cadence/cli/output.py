"""What commands show and write: progress, pictures, lists of files, remarks about crowded fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pelsvae_cadence.core.console import messages, progress_bars
from pelsvae_cadence.core.files import replacing

__all__ = ["list_files", "progress_bar", "save_picture", "warn_of_crowding"]


@contextmanager
def progress_bar(text: str, unit: str = "") -> Iterator[Callable[[int, int], None]]:
    """Show a bar for something that takes a while; yields what is told (done, in all)."""
    with progress_bars(unit) as bars:
        task = bars.add_task(text, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def save_picture(path: Path, figure: Any, dpi: int) -> Path:
    """Save a figure, complete or not at all."""
    with replacing(path) as partial:
        figure.savefig(partial, dpi=dpi, format="png")
    return path


def list_files(files: Mapping[str, object]) -> None:
    """Name the files of a run on stderr."""
    for name, path in files.items():
        messages.print(f"{name + ':':22s}{path}", soft_wrap=True, highlight=False)


def warn_of_crowding(what: str, counts: Mapping[str, int], crowded: bool) -> None:
    """Name the crowded regions where the noise is that of isolated stars.

    Star counts, which crowding needs, are built in for the bulge and the Clouds only.
    """
    alone = {name: n for name, n in sorted(counts.items()) if name == "plane" or not crowded}
    if alone:
        listed = ", ".join(f"{name} {n:,}" for name, n in alone.items())
        remedy = "there are no star counts for them" if crowded else "see --crowded"
        messages.print(
            f"[yellow]{what} in crowded fields ({listed}): noise of isolated stars is too optimistic "
            f"there; {remedy}[/]",
            soft_wrap=True,
        )

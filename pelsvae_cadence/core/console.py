"""The console: progress bars, tables, JSON, and errors as one line instead of a traceback."""

from __future__ import annotations

import errno
import json
import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pelsvae_cadence.core.errors import InputError

if TYPE_CHECKING:
    import typer
    from rich.progress import Progress

__all__ = ["command_line", "messages", "print_json", "progress_bars", "run_app", "table"]

#: Progress and remarks go to stderr: stdout holds results only.
messages = Console(stderr=True, highlight=False)

# What a user can mend: space, permissions, read-only or vanished targets.
_USERS_OSERRORS: Final = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EFBIG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
)

_SQLITE_DISK: Final = ("database or disk is full", "disk I/O error", "attempt to write a readonly database")
_INTERRUPTED: Final = "interrupted; finished files are complete, others were not written"


def run_app(app: typer.Typer, arguments: Sequence[str] | None = None) -> None:
    """Run an application and leave the process.

    Exit codes: 0 done; 1 a figure of merit misses its target, or a damaged catalogue; 2 input that
    cannot be used; 130 interrupted.

    Parameters
    ----------
    app : typer.Typer
        The application.
    arguments : sequence of str, optional
        Arguments without the program's name; those of the process by default.
    """
    import typer

    try:
        code = app(args=None if arguments is None else list(arguments), standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except InputError as error:
        _fail(str(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        _fail(_INTERRUPTED, 130)
    except SystemExit as stop:
        if stop.code == 130:  # typer's own answer to Ctrl-C, which says nothing
            _fail(_INTERRUPTED, 130)
        raise
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        if error.errno not in _USERS_OSERRORS:
            raise
        _fail(f"{error.strerror}: {error.filename or 'output'}", 2)
    except Exception as error:
        # SQLite has errors of its own for a full or read-only disk, wrapped by MAF's SQLAlchemy.
        text = str(error)
        if any(reason in text for reason in _SQLITE_DISK):
            _fail(f"cannot write results: {text.splitlines()[0]}. Free space, or choose another --out-dir", 2)
        # Typer's own usage errors (unknown option, bad number) know how to show themselves.
        if not hasattr(error, "show") or not hasattr(error, "exit_code"):
            raise
        error.show()
        sys.exit(error.exit_code)


def _fail(message: str, code: int) -> None:
    one_line = " ".join(message.split()).replace("[", "\\[")
    messages.print(f"[bold red]error:[/] {one_line}", soft_wrap=True)
    sys.exit(code)


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
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=messages,
    )


def command_line() -> str:
    """Give the command line as it was typed."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def print_json(value: Any) -> None:
    """Print a result as JSON on stdout."""
    sys.stdout.write(json.dumps(_plain(value), indent=2, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    return value


def table(title: str, columns: list[str], rows: list[list[str]], *, text: bool = False) -> None:
    """Print a small table on stdout.

    Parameters
    ----------
    title : str
        Heading.
    columns : list of str
        Column names; all but the first are right-aligned.
    rows : list of list of str
        Cells.
    text : bool
        Cells are words rather than numbers: columns are left-aligned and long cells fold.
    """
    grid = Table(title=title, title_justify="left", title_style="bold")
    for k, name in enumerate(columns):
        grid.add_column(
            escape(name), justify="left" if text or k == 0 else "right", overflow="fold", no_wrap=not text
        )
    for row in rows:
        grid.add_row(*(escape(cell) for cell in row))
    # On a pipe, rich would fold numbers to 80 columns; a row must stay one line.
    width = None if sys.stdout.isatty() else 110 if text else 160
    Console(width=width, highlight=False).print(grid)

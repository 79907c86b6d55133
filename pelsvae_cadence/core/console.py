"""Running a command-line application: what a user can mend is one line, not a traceback."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from typing import Final

import typer

from pelsvae_cadence.cli.options import messages
from pelsvae_cadence.core.errors import InputError

__all__ = ["run_app"]

# What a user can mend: space, permissions, read-only or vanished targets.
_USERS_OSERRORS: Final = (
    errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG,
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG,
)  # fmt: skip

_SQLITE_DISK: Final = (
    "database or disk is full", "disk I/O error", "attempt to write a readonly database",
)  # fmt: skip
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
            _fail(
                f"cannot write results: {text.splitlines()[0]}. Free space, or choose another "
                "--out-dir",
                2,
            )
        # Typer's own usage errors (unknown option, bad number) know how to show themselves.
        if not hasattr(error, "show") or not hasattr(error, "exit_code"):
            raise
        error.show()
        sys.exit(error.exit_code)


def _fail(message: str, code: int) -> None:
    one_line = " ".join(message.split()).replace("[", "\\[")
    messages.print(f"[bold red]error:[/] {one_line}", soft_wrap=True)
    sys.exit(code)

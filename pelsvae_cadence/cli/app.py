"""The application: commands, error handling, exit codes."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from pelsvae_cadence import __version__
from pelsvae_cadence.cli import catalog, lightcurve, metrics, validate
from pelsvae_cadence.cli.options import messages
from pelsvae_cadence.errors import InputError

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
app.command("lightcurve")(lightcurve.lightcurve)
app.command("metrics")(metrics.metrics)
app.add_typer(catalog.app, name="catalog")
app.command("validate")(validate.validate)


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
    """Run the command line and leave the process.

    Exit codes: 0 done; 1 a figure of merit misses its target (``validate``), a damaged catalogue
    (``catalog validate``); 2 input that cannot be used; 130 interrupted.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments without the program's name; those of the process by default.
    """
    try:
        app(args=None if arguments is None else list(arguments), standalone_mode=True)
    except InputError as error:
        _fail(str(error), 2)
    except KeyboardInterrupt:
        _fail("interrupted; finished files are complete, others were not written", 130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        if error.errno not in _USERS_OSERRORS:
            raise
        _fail(f"{error.strerror}: {error.filename or 'output'}", 2)


# What a user can mend: space, permissions, read-only or vanished targets.
_USERS_OSERRORS = (
    errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG,
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG,
)  # fmt: skip


def _fail(message: str, code: int) -> None:
    one_line = " ".join(message.split())
    messages.print(f"[bold red]error:[/] {_escape(one_line)}", soft_wrap=True)
    sys.exit(code)


def _escape(text: str) -> str:
    return text.replace("[", "\\[")

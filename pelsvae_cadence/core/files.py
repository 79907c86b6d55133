"""Files by path: atomic writing, which never leaves half of one, and databases of any name."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pelsvae_cadence.core.errors import InputError

__all__ = ["open_database", "output_folder", "publish", "replacing", "replacing_folder"]


def open_database(path: str | Path) -> sqlite3.Connection:
    """Open an SQLite database to read it, whatever its name holds (``#``, ``?``, ``%``, blanks).

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    sqlite3.Connection
        A connection that cannot write, and makes no file where there is none.

    Raises
    ------
    sqlite3.Error
        If there is no such file.
    """
    return sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True)


def output_folder(folder: str | Path) -> Path:
    """Make a folder for results and see that it can be written to."""
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise InputError(
            f"cannot write to the folder {path}: {error.strerror or error}",
            remedy="Choose another one with --out-dir.",
        ) from error
    return path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write a file under a temporary name and give it its own when it is complete.

    Parameters
    ----------
    path : str or Path
        The file to make or replace.

    Yields
    ------
    Path
        The name to write to, in the same folder and with the same suffix. On an error it is
        removed, and an earlier file stays as it was.
    """
    target = Path(path)
    partial = target.with_name(f".{target.stem}-{secrets.token_hex(8)}{target.suffix}")
    # The system takes the umask off: results are as readable as the user's other files.
    partial.touch(mode=0o666, exist_ok=False)
    try:
        yield partial
        publish(partial, target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """Fill a folder under a temporary name and give it its own when it is complete.

    Parameters
    ----------
    path : str or Path
        The folder to make or replace.

    Yields
    ------
    Path
        The folder to fill, beside the final one. On an error it is removed, and an earlier folder
        stays as it was.
    """
    target = Path(path)
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a killed run
    partial.mkdir(parents=True)
    try:
        yield partial
        if target.exists():  # a folder with files in it cannot be replaced in one step
            shutil.rmtree(target)
        os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def publish(partial: Path, target: Path) -> None:
    """Give a complete file its final name, in one step that survives a power failure.

    Parameters
    ----------
    partial : Path
        The complete file.
    target : Path
        Its final name, in the same folder; an earlier file of that name is replaced.
    """
    _sync(partial, os.O_RDWR)
    os.replace(partial, target)
    # The new name itself lives in the folder, which not every system can open.
    with suppress(OSError):
        _sync(target.parent, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    """Wait until the disk holds what was written."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

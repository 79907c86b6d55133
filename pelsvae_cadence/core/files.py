"""Writing files so that a crash, a full disk or Ctrl-C never leaves half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pelsvae_cadence.core.errors import InputError

__all__ = ["output_folder", "replacing"]


def output_folder(folder: str | Path) -> Path:
    """Make a folder for results and see that it can be written to.

    Parameters
    ----------
    folder : str or Path
        The folder; parents are made too.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If it cannot be made or written to.
    """
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
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        # mkstemp makes files private; results are as readable as the user's other files.
        mask = os.umask(0)
        os.umask(mask)
        partial.chmod(0o666 & ~mask)
        os.replace(partial, target)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()

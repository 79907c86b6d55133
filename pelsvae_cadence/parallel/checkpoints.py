"""Resuming: finished partitions on disk, and the fingerprint of the run that they belong to.

A partition is one npz file, complete or absent, and never taken for one of another run.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import marshal
import os
import re
import secrets
import struct
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any, BinaryIO, Final

import joblib
import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import replacing

__all__ = ["KEY_PATTERN", "Checkpoints", "fingerprint", "remove_finished"]

if sys.platform != "win32":
    import fcntl

#: What the key of a partition may look like: it becomes a file name.
KEY_PATTERN: Final = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,119}")

_PREFIX: Final = "partition-"
_FINGERPRINT: Final = "__fingerprint__"
_DIGEST: Final = "__sha256__"
# What NumPy, zipfile and the parser of array headers raise where a file is damaged.
_DAMAGE: Final = (
    ValueError,
    KeyError,
    EOFError,
    OSError,
    RuntimeError,
    TypeError,
    SyntaxError,
    MemoryError,
    OverflowError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    tokenize.TokenError,
)


def fingerprint(*parts: Any) -> str:
    """Hash everything that the numbers of a run depend on.

    Parameters
    ----------
    *parts : object
        Inputs and options: numbers, texts, arrays, functions, dataclasses and other objects, nested
        as you like. Of a dataclass the fields count, but those declared with ``compare=False``; of
        another object its attributes, but those that begin with an underscore or are cached.

    Returns
    -------
    str
        A hexadecimal hash, the same in every process. Equal arrays have equal hashes whatever
        their layout in memory.
    """
    return str(joblib.hash(_plain(parts), hash_name="sha1"))


def _plain(value: Any) -> Any:
    """Reduce objects to built-in types and arrays."""
    kind = type(value)
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "U":
            value = value.astype(f"U{max(1, np.strings.str_len(value).max(initial=0))}")
        return np.ascontiguousarray(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(fingerprint(item) for item in value)
    if isinstance(value, FunctionType):
        code = marshal.dumps(value.__code__, 2)  # later formats depend on who else holds a constant
        held = [cell.cell_contents for cell in value.__closure__ or ()]
        return [value.__module__, value.__qualname__, code, _plain([value.__defaults__, held])]
    if is_dataclass(value) and not isinstance(value, type):
        state = {field.name: getattr(value, field.name) for field in fields(value) if field.compare}
    elif hasattr(value, "__dict__") and not _pickles_itself(kind):
        state = {
            name: item
            for name, item in vars(value).items()
            if not name.startswith("_") and not isinstance(getattr(kind, name, None), cached_property)
        }
    else:
        return value
    return [kind.__module__, kind.__qualname__, _plain(state)]


def _pickles_itself(kind: type) -> bool:
    """Tell whether a class says what is kept of it when it is pickled."""
    return any(getattr(kind, name) is not getattr(object, name) for name in ("__reduce__", "__getstate__"))


class Checkpoints:
    """A folder of finished partitions.

    Parameters
    ----------
    folder : Path
        The folder; made if needed, and locked against a second run at the same time.
    fingerprint : str
        What identifies the run.

    Raises
    ------
    InputError
        If the folder cannot be made or written to, or another process uses it.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder = folder.resolve()
        self.fingerprint = fingerprint
        self._lock: io.FileIO | None = None
        # A worker that finds this token in the folder sees the same folder, not one of that name.
        self._token = secrets.token_hex(16)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = io.FileIO(os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o666), "r+")
        except OSError as error:
            raise InputError(
                f"cannot write checkpoints to {folder}: {error.strerror or error}",
                remedy="Choose a folder that you may write to.",
            ) from error
        try:
            _lock_or_refuse(lock, self.folder)
            lock.truncate(0)
            lock.write(self._token.encode())
        except OSError as error:
            lock.close()
            raise InputError(f"cannot write checkpoints to {folder}: {error.strerror}") from error
        except InputError:
            lock.close()
            raise
        self._lock = lock
        for left_over in self.folder.glob(f".{_PREFIX}*.npz"):  # of a killed run
            left_over.unlink(missing_ok=True)

    @property
    def _lock_file(self) -> Path:
        return self.folder / "in-use"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lock": None}  # only this process holds the lock

    def visible(self) -> bool:
        """Tell whether this process sees the folder of the process that made it."""
        try:
            return self._lock_file.read_bytes() == self._token.encode()
        except OSError:
            return False

    def path(self, key: str) -> Path:
        """Give the file of a partition.

        Parameters
        ----------
        key : str
            The partition.

        Returns
        -------
        Path
            Its file, which may not exist.
        """
        return self.folder / f"{_PREFIX}{key}.npz"

    def finished(self, keys: Iterable[str]) -> set[str]:
        """Find partitions that need not be computed again.

        Parameters
        ----------
        keys : iterable of str
            The partitions of the run.

        Returns
        -------
        set of str
            Those with a file of this run. Files that cannot be opened are not among them; whether
            the others are sound is seen when they are loaded.

        Raises
        ------
        InputError
            If a file belongs to a run with another fingerprint.
        """
        found = set()
        for key in keys:
            path = self.path(key)
            if not path.exists():
                continue
            try:
                with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                    fingerprint = str(stored[_FINGERPRINT])
            except _DAMAGE:
                continue
            if fingerprint != self.fingerprint:
                raise InputError(
                    f"the checkpoints in {self.folder} belong to a run with other inputs or "
                    f"options ({path.name} has fingerprint {fingerprint[:12]}, this run "
                    f"{self.fingerprint[:12]})",
                    remedy="Choose another checkpoint folder, or delete this one.",
                )
            found.add(key)
        return found

    def save(self, key: str, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Keep the result of a partition, in one step.

        Parameters
        ----------
        key : str
            The partition.
        arrays : dict of str to ndarray
            Its result.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        content = {
            _FINGERPRINT: np.array(self.fingerprint),
            **arrays,
            _DIGEST: np.array(_digest(key, self.fingerprint, arrays)),
        }
        try:
            with replacing(self.path(key)) as partial, partial.open("wb") as stream:
                _write_npz(stream, content)
        except OSError as error:
            raise InputError(
                f"the checkpoint of partition {key} could not be written: "
                f"{error.strerror or error} ({self.folder})",
                remedy="Make room and repeat the command: finished partitions are kept.",
            ) from error

    def load(self, key: str) -> dict[str, npt.NDArray[Any]]:
        """Read the result of a finished partition.

        Parameters
        ----------
        key : str
            The partition.

        Returns
        -------
        dict of str to ndarray
            Its result.

        Raises
        ------
        InputError
            If the file is missing, damaged or of another run.
        """
        path = self.path(key)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            fingerprint, digest = str(arrays.pop(_FINGERPRINT)), str(arrays.pop(_DIGEST))
        except _DAMAGE as error:
            raise InputError(
                f"the checkpoint {path} cannot be read: {error}",
                remedy="Repeat the command: it is computed again.",
            ) from error
        if fingerprint != self.fingerprint or digest != _digest(key, fingerprint, arrays):
            raise InputError(
                f"the checkpoint {path} is damaged or of another run",
                remedy="Repeat the command: it is computed again.",
            )
        return arrays

    def release(self) -> None:
        """Let other runs use the folder."""
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._lock_file.unlink()
            self._lock.close()
            self._lock = None


def remove_finished(folder: Path) -> None:
    """Remove the finished partitions of a run whose result is complete, and the folder if it is empty.

    Parameters
    ----------
    folder : Path
        The folder of the run's checkpoints; whatever else is in it stays.
    """
    for part in folder.glob(f"{_PREFIX}*.npz"):
        part.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _lock_or_refuse(lock: io.FileIO, folder: Path) -> None:
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(
            f"another run is using the checkpoints in {folder}",
            remedy="Wait for it, or choose another folder.",
        ) from error
    except OSError:
        pass  # file systems without locks


def _write_npz(stream: BinaryIO, content: dict[str, npt.NDArray[Any]]) -> None:
    """Write what `numpy.load` reads; `numpy.savez` would take some names for its own options."""
    with zipfile.ZipFile(stream, "w") as archive:
        for name, value in content.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, value, allow_pickle=False)


def _digest(key: str, fingerprint: str, arrays: dict[str, npt.NDArray[Any]]) -> str:
    """Hash a result with its names, types and shapes: no bit of the file goes unchecked."""
    digest = hashlib.sha256(f"{key}|{fingerprint}".encode())
    for name in sorted(arrays):
        value = np.ascontiguousarray(arrays[name])
        digest.update(f"|{name}|{value.dtype.str}|{arrays[name].shape}|".encode())
        digest.update(value.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()

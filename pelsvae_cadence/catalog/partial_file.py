"""A file that is written beside its final name and survives a full disk.

The HDF5 library (1.10 to 2.0) ends the process with a segmentation fault at exit when a write has
failed, because the blocks it could not write stay in its cache. So HDF5 writes into this file
object, which keeps what the disk does not take in memory: HDF5 can close, and the error is
raised by us, in words.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import publish

__all__ = ["PartialFile"]

if sys.platform != "win32":
    import fcntl

_COPY_BYTES: Final = 8 * 2**20


class PartialFile(io.RawIOBase):
    """The file ``<name>.partial``, to be renamed to ``<name>`` when it is complete.

    Parameters
    ----------
    target : Path
        The final name.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written to, or another process is writing.
    """

    def __init__(self, target: Path) -> None:
        super().__init__()
        self.target = target
        self.path = target.with_name(target.name + ".partial")
        #: The first write that failed; from then on nothing more reaches the disk.
        self.error: OSError | None = None
        self._unwritten: list[tuple[int, bytes]] = []
        self._position = 0
        try:
            # Not truncated before it is locked: it may be another process's.
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise InputError(
                f"{target} cannot be written: {error.strerror}",
                remedy="Choose a folder that exists and that you may write to.",
            ) from error
        self._file = io.FileIO(descriptor, "r+")
        try:
            if sys.platform != "win32":
                with contextlib.suppress(OSError):  # file systems without locks
                    self._lock()
            self._file.truncate(0)
        except BaseException:
            self._file.close()
            raise

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The other process may have finished, and renamed its file, since we opened it.
            mine = os.path.samestat(os.fstat(self._file.fileno()), os.stat(self.path))
        except (BlockingIOError, FileNotFoundError):
            mine = False
        if not mine:
            raise InputError(
                f"{self.path} is being written by another process",
                remedy="Wait for it, or choose another name.",
            )

    def copy_target(self) -> None:
        """Begin with what the final name holds already."""
        with self.target.open("rb") as source:
            while block := source.read(_COPY_BYTES):
                self.write(block)
                self.check()
        self.seek(0)

    @override
    def readable(self) -> bool:
        return True

    @override
    def writable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end()}[whence]
        self._position = base + offset
        return self._position

    @override
    def tell(self) -> int:
        return self._position

    def _end(self) -> int:
        ends = [start + len(block) for start, block in self._unwritten]
        return max([os.fstat(self._file.fileno()).st_size, *ends])

    @override
    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        self._file.seek(self._position)
        size = self._file.readinto(view) or 0
        for start, block in self._unwritten:
            low = max(start, self._position)
            high = min(start + len(block), self._position + len(view))
            if low < high:
                view[low - self._position : high - self._position] = block[low - start : high - start]
                size = max(size, high - self._position)
        self._position += size
        return size

    @override
    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        done = 0
        if self.error is None:
            try:
                self._file.seek(self._position)
                while done < len(view):
                    done += self._file.write(view[done:]) or 0
            except OSError as error:
                self.error = error
        if self.error is not None and done < len(view):
            self._unwritten.append((self._position + done, bytes(view[done:])))
        self._position += len(view)
        return len(view)

    @override
    def truncate(self, size: int | None = None) -> int:
        size = self._position if size is None else size
        if self.error is None:
            try:
                self._file.truncate(size)
            except OSError as error:
                self.error = error
        return size

    def flush(self) -> None:
        """Do nothing: every write goes straight to the system."""

    def check(self) -> None:
        """Raise the first error of writing, in words.

        Raises
        ------
        InputError
            If a write has failed.
        """
        if self.error is not None:
            raise InputError(
                f"{self.target} could not be written: {self.error.strerror}{self._space()}",
                remedy="Nothing was changed under that name. Make room, or write elsewhere.",
            ) from self.error

    def _space(self) -> str:
        try:
            status = os.statvfs(self.path.parent)
        except (OSError, AttributeError):
            return ""
        return f" ({status.f_bavail * status.f_frsize / 1e6:.1f} MB free there)"

    def publish(self) -> None:
        """Wait until the disk holds everything, and give the file its final name in one step.

        Raises
        ------
        InputError
            If it cannot.
        """
        self.check()
        try:
            publish(self.path, self.target)
        except OSError as error:
            self.error = error
            self.check()
        self.close()

    def discard(self) -> None:
        """Remove the unfinished file."""
        if not self.closed:
            with contextlib.suppress(OSError):
                os.unlink(self.path)
            self.close()

    @override
    def close(self) -> None:
        # An object whose constructor refused has no file, and is closed too when it is forgotten.
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
            self._unwritten.clear()
        super().close()

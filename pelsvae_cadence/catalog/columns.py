"""Growing columns of a catalogue that is being written, and its star numbers."""

from __future__ import annotations

import hashlib
from typing import Any, Final, Self

import h5py
import numpy as np
import numpy.typing as npt

from pelsvae_cadence.catalog.layout import Column, dataset_blocks

__all__ = ["COMPRESSIONS", "GrowingColumn", "KnownIds"]

#: What may be compressed: everything, what repeats itself, or nothing.
COMPRESSIONS: Final = ("gzip", "repeats", None)

# Measured numbers are noise to a compressor: gzip saves a fifth of them at a tenth of the speed.
_NOISE: Final = frozenset({"mag_true", "mag", "mag_err", "flux", "flux_err"})


class GrowingColumn:
    """One growing dataset and the checksum of what has gone into it.

    Rows wait in memory until they fill a chunk: many small additions cost as little as a few
    large ones, and no chunk is packed twice.

    Parameters
    ----------
    dataset : h5py.Dataset
        The dataset, which may hold rows already.
    column : Column
        What it holds.
    """

    def __init__(self, dataset: h5py.Dataset, column: Column) -> None:
        self.column = column
        self.dataset = dataset
        self.digest = hashlib.sha256()
        for block in dataset_blocks(dataset):
            self.digest.update(block)
        self._waiting: list[npt.NDArray[Any]] = []
        self._n_waiting = 0

    @classmethod
    def create(
        cls, group: h5py.Group, column: Column, *, chunk: int, width: int, compression: str | None
    ) -> Self:
        """Make an empty dataset.

        Parameters
        ----------
        group : h5py.Group
            The group it belongs to.
        column : Column
            What it will hold.
        chunk : int
            Rows per chunk.
        width : int
            Length of the second axis of a two-dimensional column.
        compression : {"gzip", "repeats", None}
            What to compress.

        Returns
        -------
        GrowingColumn
            The column.
        """
        tail = (width,) if column.n_dimensions == 2 else ()
        pack = compression == "gzip" or (compression == "repeats" and column.name not in _NOISE)
        dataset = group.create_dataset(
            column.name,
            shape=(0, *tail),
            maxshape=(None, *tail),
            dtype=column.dtype,
            chunks=(chunk, *(max(1, n) for n in tail)),
            compression="gzip" if pack else None,
            # What repeats itself shrinks to nothing at any level.
            compression_opts={"gzip": 4, "repeats": 1}[str(compression)] if pack else None,
            shuffle=pack,
            fletcher32=True,  # so that lazy reading of a damaged chunk fails, too
        )
        dataset.attrs.update(column.attributes)
        return cls(dataset, column)

    def extend(self, encoded: npt.NDArray[Any]) -> None:
        """Add rows."""
        self.digest.update(np.ascontiguousarray(encoded).reshape(-1).view(np.uint8).data)
        self._waiting.append(encoded)
        self._n_waiting += encoded.shape[0]
        chunk = self.dataset.chunks[0]
        n = self.dataset.shape[0]
        full = (n + self._n_waiting) // chunk * chunk - n
        if full > 0:
            rows = np.concatenate(self._waiting)
            self._write(rows[:full])
            self._waiting, self._n_waiting = [rows[full:].copy()], rows.shape[0] - full
        else:
            self._waiting[-1] = encoded.copy()  # the caller may go on with the array

    def flush(self) -> None:
        """Write the rows that wait, and the checksum of all."""
        if self._n_waiting:
            self._write(np.concatenate(self._waiting))
            self._waiting, self._n_waiting = [], 0
        self.dataset.attrs["sha256"] = self.digest.hexdigest()

    def _write(self, rows: npt.NDArray[Any]) -> None:
        n = self.dataset.shape[0]
        self.dataset.resize(n + rows.shape[0], axis=0)
        self.dataset[n:] = rows


class KnownIds:
    """Star numbers seen so far: sorted runs that merge as they grow, eight bytes a star."""

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.int64]] = []

    def first_repeated(self, ids: npt.NDArray[np.int64]) -> int | None:
        """Look for numbers that are known.

        Parameters
        ----------
        ids : ndarray of int64
            Numbers of new stars.

        Returns
        -------
        int or None
            One that was seen before, or None.
        """
        for run in self._runs:
            place = np.minimum(np.searchsorted(run, ids), run.size - 1)
            repeated = ids[run[place] == ids]
            if repeated.size:
                return int(repeated[0])
        return None

    def add(self, ids: npt.NDArray[np.int64]) -> None:
        """Remember numbers.

        Parameters
        ----------
        ids : ndarray of int64
            Numbers of stars.
        """
        if ids.size == 0:
            return
        self._runs.append(np.sort(ids))
        while len(self._runs) > 1 and self._runs[-2].size <= 2 * self._runs[-1].size:
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]), kind="stable")

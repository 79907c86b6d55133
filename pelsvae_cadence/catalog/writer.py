"""Writing a catalogue: batch by batch, under a temporary name until it is complete."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self

import h5py
import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.catalog.columns import COMPRESSIONS, GrowingColumn, KnownIds
from pelsvae_cadence.catalog.layout import (
    FORMAT,
    FORMAT_VERSION,
    GROUPS,
    attributes_digest,
    columns_of,
    encode,
)
from pelsvae_cadence.catalog.partial_file import PartialFile
from pelsvae_cadence.catalog.provenance import Provenance
from pelsvae_cadence.catalog.validation import validate_catalog
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.stars import Stars

__all__ = ["CatalogWriter", "write_catalog"]

# Elements per chunk. 16384 points of a light curve are a handful of stars over ten years: reading
# one star unpacks 128 kB a column, and the chunk that is being filled fits HDF5's 1 MB cache.
_CHUNK: Final = {"stars": 1024, "visits": 4096, "light_curves": 16384}


class CatalogWriter:
    """Write a catalogue batch by batch.

    Use it as a context manager. Everything goes to ``<path>.partial``; only when the block ends
    without an error and the file has been checked does it get its name. Until then, and after any
    error, a file of that name that was there before stays as it was.

    Parameters
    ----------
    path : str or Path
        The catalogue to make.
    provenance : Provenance
        What it is made from.
    overwrite : bool
        Replace an existing file of that name.
    compression : {"gzip", "repeats", None}
        What to compress: everything (smallest), only columns that repeat themselves (times, bands,
        flags: files are a quarter larger and written several times faster), or nothing (twice as
        large).
    append : bool
        Add to the catalogue of that name: it is copied, and replaced when the new one is
        complete. Its provenance stays; that of the addition is kept in its ``extra`` under
        ``appended``.

    Raises
    ------
    InputError
        If the file exists and neither `overwrite` nor `append` is true, is damaged, or cannot be
        written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        provenance: Provenance,
        overwrite: bool = False,
        compression: str | None = "gzip",
        append: bool = False,
    ) -> None:
        self.path = Path(path)
        self._overwrite = overwrite or append
        self._compression = compression
        if compression not in COMPRESSIONS:
            raise InputError(f"unknown compression {compression!r}", allowed="'gzip', 'repeats' or None")
        self._refuse_existing()
        if append:
            _refuse_unsound(self.path)
        self._ids = KnownIds()
        self._positions: dict[bytes, int] = {}
        self._n_stars = 0
        self._ends = {"visits": 0, "light_curves": 0}
        self._broken = False
        self._output = PartialFile(self.path)
        try:
            if append:
                self._output.copy_target()
            # Since 1.10, HDF5 protects its own structures in the file by checksums.
            mode = "r+" if append else "w"
            self._file = h5py.File(self._output, mode, libver=("v110", "v110"))
            self._series = self._resume(provenance) if append else self._create(provenance)
            self._output.check()
        except BaseException:
            self._abandon()
            raise

    def _refuse_existing(self) -> None:
        if self.path.is_dir():
            raise InputError(f"{self.path} is a folder", remedy="Name a file.")
        if not self._overwrite and self.path.exists():
            raise InputError(
                f"{self.path} exists already", remedy="Choose another name, or allow to overwrite it."
            )

    def _create(self, provenance: Provenance) -> dict[str, dict[str, GrowingColumn]]:
        series: dict[str, dict[str, GrowingColumn]] = {}
        _mark(self._file)
        for name, columns in GROUPS.items():
            group = self._file.create_group(name)
            _mark(group)
            series[name] = {
                column.name: GrowingColumn.create(
                    group, column, chunk=_CHUNK[name], width=0, compression=self._compression
                )
                for column in columns
                if not column.optional
            }
        for name in self._ends:
            offsets = series[name]["offsets"]
            offsets.extend(encode(offsets.column, np.zeros(1, dtype=np.int64)))
        group = self._file.create_group("provenance")
        _mark(group)
        _keep_provenance(group, provenance)
        return series

    def _resume(self, provenance: Provenance) -> dict[str, dict[str, GrowingColumn]]:
        """Take up a catalogue where its last writer left it."""
        series = {
            name: {
                column.name: GrowingColumn(self._file[name][column.name], column)
                for column in columns
                if column.name in self._file[name]
            }
            for name, columns in GROUPS.items()
        }
        star_id = self._file["stars/star_id"][:]
        self._n_stars = star_id.size
        self._ids.add(star_id)
        for name in self._ends:
            self._ends[name] = int(self._file[name]["mjd"].shape[0])
        visits = series["visits"]
        ends = visits["offsets"].dataset[:].tolist()
        for position, (first, last) in enumerate(pairwise(ends)):
            key = _visits_key(
                {name: column.dataset[first:last] for name, column in visits.items() if name != "offsets"}
            )
            self._positions[key] = position
        group = self._file["provenance"]
        before = Provenance.from_attributes(group.attrs)
        addition = {"first_star": self._n_stars, **provenance.to_attributes()}
        appended = [*before.extra.get("appended", []), addition]
        _keep_provenance(group, replace(before, extra={**before.extra, "appended": appended}))
        return series

    def append(self, stars: Stars, visits: Visits, light_curves: LightCurves) -> None:
        """Add stars of one sky position.

        Parameters
        ----------
        stars : Stars
            The stars.
        visits : Visits
            The visits that observed all of them. A list of visits that is in the file already is
            not stored again.
        light_curves : LightCurves
            Their light curves, in the order of `stars`.

        Raises
        ------
        InputError
            If a star is in the catalogue already, light curves do not belong to the stars or
            visits, latent coordinates are not of one kind, or the disk is full. After a failed
            write the writer takes nothing more.
        """
        if self._broken or not self._file:
            raise InputError(f"{self.path} is not open for writing any more")
        n = len(stars)
        self._check_batch(stars, visits, light_curves)
        encoded_visits = _encoded("visits", columns_of("visits", visits))
        key = _visits_key(encoded_visits)
        new_visits = key not in self._positions
        position = self._positions.get(key, len(self._positions))
        encoded_stars = _encoded("stars", {**columns_of("stars", stars), "position": np.full(n, position)})
        if not n:  # without stars, latent coordinates have no width of their own
            encoded_stars.pop("latent", None)
        encoded_points = _encoded("light_curves", columns_of("light_curves", light_curves))
        # Everything is known to fit: from here on only the disk can refuse.
        try:
            if new_visits:
                self._positions[key] = position
                self._extend("visits", encoded_visits, np.array([len(visits)]))
            if "latent" in encoded_stars and "latent" not in self._series["stars"]:
                self._add_latent(encoded_stars["latent"].shape[1])
            self._extend("stars", encoded_stars)
            self._extend("light_curves", encoded_points, light_curves.offsets[1:])
            self._output.check()
        except BaseException as error:
            self._broken = True
            if isinstance(error, OSError):
                self._output.check()
            raise
        self._ids.add(stars.star_id)
        self._n_stars += n

    def _check_batch(self, stars: Stars, visits: Visits, light_curves: LightCurves) -> None:
        if not np.array_equal(stars.star_id, light_curves.star_id):
            raise InputError(
                f"the light curves ({len(light_curves)}) are not those of the stars ({len(stars)})",
                remedy="Give both in the same order of star_id.",
            )
        repeated = self._ids.first_repeated(stars.star_id)
        if repeated is not None:
            raise InputError(
                f"star {repeated} is in the catalogue already", remedy="Give every star a number of its own."
            )
        if light_curves.origin is not None:
            raise InputError(
                "measured light curves have no simulated visits or true magnitudes: a catalogue cannot hold them",
                remedy="Write them as a table.",
            )
        foreign = ~np.isin(light_curves.visit_id, visits.visit_id)
        if foreign.any():
            raise InputError(
                f"visit {int(light_curves.visit_id[foreign][0])} of a light curve is not among "
                f"the {len(visits)} visits of the position"
            )
        latent = self._series["stars"].get("latent")
        if n := len(stars):
            width = None if stars.latent is None else stars.latent.shape[1]
            stored = None if latent is None else int(latent.dataset.shape[1])
            if self._n_stars and width != stored:
                raise InputError(
                    f"{n} stars have {width or 'no'} latent coordinates, those before them "
                    f"{stored or 'none'}",
                    remedy="Write them to separate catalogues.",
                )

    def _extend(
        self, group: str, encoded: dict[str, npt.NDArray[Any]], ends: npt.NDArray[np.int64] | None = None
    ) -> None:
        for name, values in encoded.items():
            self._series[group][name].extend(values)
        if ends is not None and ends.size:
            offsets = self._series[group]["offsets"]
            offsets.extend(encode(offsets.column, ends + self._ends[group]))
            self._ends[group] += int(ends[-1])

    def _add_latent(self, width: int) -> None:
        column = next(c for c in GROUPS["stars"] if c.optional)
        self._series["stars"][column.name] = GrowingColumn.create(
            self._file["stars"], column, chunk=_CHUNK["stars"], width=width, compression=self._compression
        )

    def close(self) -> None:
        """Complete the catalogue: check it and give it its name.

        Raises
        ------
        InputError
            If a batch could not be written, the disk is full, or the file appeared meanwhile.
        """
        if self._output.closed:
            return
        try:
            if self._broken:
                raise InputError(f"{self.path} is incomplete: a batch could not be written")
            self._finish()
        except BaseException as error:
            if isinstance(error, OSError) and not self._output.closed:
                try:
                    self._output.check()
                finally:
                    self._abandon()
            self._abandon()
            raise

    def _finish(self) -> None:
        for columns in self._series.values():
            for series in columns.values():
                series.flush()
        self._file.attrs["attributes_sha256"] = attributes_digest(self._file)
        self._file.close()
        self._output.check()
        problems = validate_catalog(self._output.path)
        if problems:
            raise InputError(
                f"{self.path} could not be written: what the disk holds is not what was written "
                f"({problems[0]})",
                remedy="Check the disk.",
            )
        self._refuse_existing()
        self._output.publish()

    def _abandon(self) -> None:
        # Blocks that HDF5 still holds go into the file that is about to be removed.
        with contextlib.suppress(OSError, AttributeError):
            self._file.close()
        self._output.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is None:
            self.close()
        else:
            self._abandon()


def _refuse_unsound(path: Path) -> None:
    problems = validate_catalog(path)
    if problems:
        raise InputError(
            f"{path} is damaged ({problems[0]})", remedy="Add to a sound copy of it, or make it again."
        )


def _encoded(group: str, values: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    return {c.name: encode(c, values[c.name]) for c in GROUPS[group] if c.name in values}


def _visits_key(encoded: dict[str, npt.NDArray[Any]]) -> bytes:
    """Tell lists of visits apart by their content."""
    return hashlib.sha256(
        b"".join(name.encode() + value.tobytes() for name, value in encoded.items())
    ).digest()


def _keep_provenance(group: h5py.Group, provenance: Provenance) -> None:
    group.attrs.update(provenance.to_attributes())
    # h5py would choose a signed integer, which ends at 2^63.
    group.attrs["seed"] = np.uint64(provenance.seed)


def _mark(group: h5py.Group) -> None:
    group.attrs["format"] = FORMAT
    group.attrs["format_version"] = FORMAT_VERSION


def write_catalog(
    path: str | os.PathLike[str],
    batches: Iterable[tuple[Stars, Visits, LightCurves]],
    *,
    provenance: Provenance,
    overwrite: bool = False,
    compression: str | None = "gzip",
    append: bool = False,
) -> Path:
    """Write a catalogue from batches of stars.

    Parameters
    ----------
    path : str or Path
        The catalogue to make.
    batches : iterable of (Stars, Visits, LightCurves)
        The batches, each of one sky position; see `CatalogWriter.append`. One is held in memory
        at a time.
    provenance : Provenance
        What it is made from.
    overwrite : bool
        Replace an existing file of that name.
    compression : {"gzip", "repeats", None}
        What to compress; see `CatalogWriter`.
    append : bool
        Add to the catalogue of that name; see `CatalogWriter`.

    Returns
    -------
    Path
        The catalogue.

    Raises
    ------
    InputError
        As `CatalogWriter` does.
    """
    with CatalogWriter(
        path, provenance=provenance, overwrite=overwrite, compression=compression, append=append
    ) as writer:
        for stars, visits, light_curves in batches:
            writer.append(stars, visits, light_curves)
    return Path(path)

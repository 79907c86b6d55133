"""Reading a catalogue lazily: by star, by class, by sky region."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import h5py
import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.catalog.layout import GROUPS, decode, visits_of
from pelsvae_cadence.catalog.provenance import Provenance
from pelsvae_cadence.catalog.validation import HDF5_ERRORS, open_catalog
from pelsvae_cadence.classes import STAR_CLASSES, parse_star_class
from pelsvae_cadence.core.arrays import to_value
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    from pelsvae_cadence.inference.fitted import FittedStars

__all__ = ["Catalog"]

IntArray = npt.NDArray[np.int64]

# Rows of the star table are a few bytes each: beyond this many pieces, one read of the span wins.
_MAX_PIECES: Final = 32


class Catalog:
    """A catalogue, open for reading; data are read when they are asked for.

    Use it as a context manager, or call `close`.

    Parameters
    ----------
    path : str or Path
        The catalogue.

    Raises
    ------
    InputError
        If there is no such file, it is not a catalogue, truncated, or of a newer format version.

    Examples
    --------
    >>> with Catalog("stars.h5") as catalog:  # doctest: +SKIP
    ...     cepheids = catalog.light_curves(star_class="CEP", cone=(80.9, -69.8, 3.5))
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._file = open_catalog(self.path)
        try:
            #: Version of the file's format.
            self.format_version = int(self._file.attrs["format_version"])
            #: Number of stars.
            self.n_stars = int(self._dataset("stars/star_id").shape[0])
            #: Number of points of all light curves together.
            self.n_points = int(self._dataset("light_curves/mjd").shape[0])
            #: Number of visits, those of each position counted once.
            self.n_visits = int(self._dataset("visits/mjd").shape[0])
            #: Number of positions, that is of different lists of visits.
            self.n_positions = int(self._dataset("visits/offsets").shape[0]) - 1
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self.n_stars

    def _dataset(self, name: str) -> h5py.Dataset:
        if not self._file:
            raise InputError(f"{self.path} is closed")
        with self._reading(name):
            dataset = self._file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            raise self._damaged(name)
        return dataset

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Say what is damaged where HDF5 fails."""
        try:
            yield
        except HDF5_ERRORS as error:
            raise self._damaged(name) from error

    def _damaged(self, name: str) -> InputError:
        return InputError(
            f"{self.path} is damaged in {name}",
            remedy="See all that is wrong with `pelsvae_cadence catalog validate`.",
        )

    def _read(self, name: str, rows: slice = slice(None)) -> npt.NDArray[Any]:
        dataset = self._dataset(name)
        with self._reading(name):
            return decode(dataset[rows], dataset.dtype)

    def _gather(self, name: str, starts: IntArray, stops: IntArray) -> npt.NDArray[Any]:
        """Read pieces of a dataset, in the order given, joining neighbours."""
        dataset = self._dataset(name)
        joined = np.flatnonzero(starts[1:] != stops[:-1])
        firsts, lasts = (np.append(starts[:1], starts[1:][joined]), np.append(stops[:-1][joined], stops[-1:]))
        values = np.empty((int((stops - starts).sum()), *dataset.shape[1:]), dtype=dataset.dtype)
        filled = 0
        with self._reading(name):
            for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
                if last > first:
                    dataset.read_direct(values, np.s_[first:last], np.s_[filled : filled + last - first])
                    filled += last - first
        return decode(values, dataset.dtype)

    def _star_column(self, name: str, rows: IntArray) -> npt.NDArray[Any]:
        if 1 + np.count_nonzero(np.diff(rows) != 1) <= _MAX_PIECES:
            return self._gather(f"stars/{name}", rows, rows + 1)
        low = int(rows.min())
        return self._read(f"stars/{name}", slice(low, int(rows.max()) + 1))[rows - low]

    @cached_property
    def provenance(self) -> Provenance:
        """What the catalogue was made from."""
        with self._reading("provenance"):
            return Provenance.from_attributes(self._file["provenance"].attrs)

    @cached_property
    def content_hash(self) -> str:
        """Hash of all stars, visits and points: equal for catalogues that hold the same numbers.

        It is made of the checksums of the datasets, not of the data themselves, and leaves out
        where the catalogue comes from (`provenance`) and how it is packed.
        """
        with self._reading("its checksums"):
            sums = {
                f"{group}/{column.name}": str(self._file[group][column.name].attrs["sha256"])
                for group, columns in GROUPS.items()
                for column in columns
                if column.name in self._file[group]
            }
        return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()

    @cached_property
    def inference(self) -> FittedStars | None:
        """What was read out of the light curves; None where nobody did (`fit_catalog`)."""
        from pelsvae_cadence.catalog.inference_group import read_inference

        with self._reading("inference"):
            return read_inference(self._file)

    @cached_property
    def star_id(self) -> IntArray:
        """Numbers of all stars, in the order of the file."""
        return self._read("stars/star_id")

    @cached_property
    def position(self) -> IntArray:
        """Number of each star's position, for `visits`."""
        return self._read("stars/position")

    @property
    def stars(self) -> Stars:
        """All stars."""
        return self.read_stars(np.arange(self.n_stars))

    def read_stars(self, rows: npt.ArrayLike) -> Stars:
        """Read some stars."""
        wanted = self._rows(rows)
        values = {
            column.name: self._star_column(column.name, wanted)
            for column in GROUPS["stars"]
            if column.name != "position" and (not column.optional or self._has_latent)
        }
        return Stars(**values)

    @property
    def _has_latent(self) -> bool:
        with self._reading("stars"):
            return "latent" in self._file["stars"]

    def _rows(self, rows: npt.ArrayLike) -> IntArray:
        wanted = _whole_numbers("rows of stars", rows)
        beyond = wanted[(wanted < 0) | (wanted >= self.n_stars)]
        if beyond.size:
            raise InputError(f"there is no row {beyond[0]}", allowed=f"0 to {self.n_stars - 1}")
        return wanted

    def select(
        self,
        *,
        star_ids: npt.ArrayLike | None = None,
        star_class: str | None = None,
        cone: tuple[Any, Any, Any] | None = None,
    ) -> IntArray:
        """Find stars.

        Parameters
        ----------
        star_ids : array_like of int, optional
            Numbers of stars; not together with the other conditions.
        star_class : str, optional
            A class or subtype, in any spelling that
            `pelsvae_cadence.classes.parse_star_class` knows.
        cone : (ra, dec, radius), optional
            Centre (ICRS) and radius in degrees, or quantities. The edge belongs to it.

        Returns
        -------
        ndarray of int64
            Rows of the stars that meet all conditions: in the order of `star_ids`, otherwise in
            that of the file. Without any condition, all rows.

        Raises
        ------
        InputError
            On an unknown star or class, a repeated star, or an impossible cone.
        """
        if star_ids is not None:
            if star_class is not None or cone is not None:
                raise InputError(
                    "stars cannot be chosen by number and by class or region at once",
                    remedy="Choose by number alone, or by class and region.",
                )
            return self._find(star_ids)
        chosen = np.ones(self.n_stars, dtype=np.bool_)
        if star_class is not None:
            name, subtype = parse_star_class(star_class)
            chosen &= self._read("stars/star_class") == name
            if subtype is not None:
                chosen &= self._read("stars/subtype") == subtype
        if cone is not None:
            chosen &= self._separation(cone) <= float(to_value(cone[2], "deg"))
        return np.flatnonzero(chosen).astype(np.int64)

    def _find(self, star_ids: npt.ArrayLike) -> IntArray:
        wanted, ids = _whole_numbers("star_ids", star_ids), self.star_id
        names, counts = np.unique(wanted, return_counts=True)
        if (counts > 1).any():
            raise InputError(f"star {names[counts > 1][0]} is asked for twice")
        missing = wanted[~np.isin(wanted, ids)]
        if missing.size:
            raise InputError(
                f"star {missing[0]} is not among the {self.n_stars} stars of {self.path}",
                allowed=f"numbers from {ids.min()} to {ids.max()}" if ids.size else "",
            )
        order = np.argsort(ids, kind="stable")
        return order[np.searchsorted(ids, wanted, sorter=order)]

    def _separation(self, cone: tuple[Any, Any, Any]) -> npt.NDArray[np.float64]:
        # Half a second of import that readers by star or class need not pay.
        from astropy.coordinates import angular_separation

        ra, dec, radius = (float(to_value(value, "deg")) for value in cone)
        if not (np.isfinite(ra) and -90.0 <= dec <= 90.0 and 0.0 <= radius <= 180.0):
            raise InputError(
                f"cone (ra, dec, radius) = ({ra:g}, {dec:g}, {radius:g}) deg is impossible",
                allowed="dec -90 to 90, radius 0 to 180",
            )
        star_ra, star_dec = self._read("stars/ra"), self._read("stars/dec")
        distance = angular_separation(*np.radians([ra, dec]), np.radians(star_ra), np.radians(star_dec))
        return np.asarray(np.degrees(distance))

    def light_curves(
        self,
        *,
        star_ids: npt.ArrayLike | None = None,
        star_class: str | None = None,
        cone: tuple[Any, Any, Any] | None = None,
    ) -> LightCurves:
        """Read light curves, of all stars or of some.

        Parameters
        ----------
        star_ids, star_class, cone : optional
            Which stars; see `select`. For more than fits into memory use `batches`.

        Returns
        -------
        LightCurves
            Their light curves; empty where no star meets the conditions.

        Raises
        ------
        InputError
            As `select`, or if the file is damaged.
        """
        return self.read_light_curves(self.select(star_ids=star_ids, star_class=star_class, cone=cone))

    def read_light_curves(self, rows: npt.ArrayLike) -> LightCurves:
        """Read the light curves of some rows of the star table.

        Parameters
        ----------
        rows : array_like of int
            Rows, as `select` returns them.

        Returns
        -------
        LightCurves
            Their light curves, in the order of `rows`.

        Raises
        ------
        InputError
            If a row does not exist or the file is damaged.
        """
        wanted = self._rows(rows)
        low, high = (int(wanted.min()), int(wanted.max())) if wanted.size else (0, -1)
        offsets = self._read("light_curves/offsets", slice(low, high + 2))
        starts, stops = offsets[wanted - low], offsets[wanted - low + 1]
        if (stops < starts).any() or (stops > self.n_points).any() or (starts < 0).any():
            raise self._damaged("light_curves/offsets")
        points = {
            column.name: self._gather(f"light_curves/{column.name}", starts, stops)
            for column in GROUPS["light_curves"]
            if column.name != "offsets"
        }
        return LightCurves(
            star_id=self._star_column("star_id", wanted),
            offsets=np.concatenate([[0], np.cumsum(stops - starts)]).astype(np.int64),
            **points,
        )

    def batches(
        self,
        size: int = 1000,
        *,
        star_ids: npt.ArrayLike | None = None,
        star_class: str | None = None,
        cone: tuple[Any, Any, Any] | None = None,
    ) -> Iterator[tuple[Stars, LightCurves]]:
        """Read stars and light curves in batches, one in memory at a time.

        Parameters
        ----------
        size : int
            Stars in a batch.
        star_ids, star_class, cone : optional
            Which stars; see `select`.

        Yields
        ------
        Stars
            The stars of a batch.
        LightCurves
            Their light curves.

        Raises
        ------
        InputError
            If `size` is not positive, or as `select`.
        """
        if size < 1:
            raise InputError(f"batches of {size} stars", allowed="1 or more")
        rows = self.select(star_ids=star_ids, star_class=star_class, cone=cone)
        for first in range(0, rows.size, size):
            part = rows[first : first + size]
            yield self.read_stars(part), self.read_light_curves(part)

    def visits(self, position: int) -> Visits:
        """Read the visits of one position.

        Parameters
        ----------
        position : int
            Number of the position, 0 to `n_positions` - 1; `position` has those of the stars.

        Returns
        -------
        Visits
            The visits.

        Raises
        ------
        InputError
            If there is no such position or the file is damaged.
        """
        if not 0 <= position < self.n_positions:
            raise InputError(f"there is no position {position}", allowed=f"0 to {self.n_positions - 1}")
        first, last = self._read("visits/offsets", slice(position, position + 2)).tolist()
        return visits_of(
            {
                column.name: self._read(f"visits/{column.name}", slice(first, last))
                for column in GROUPS["visits"]
                if column.name != "offsets"
            }
        )

    def summary(self) -> dict[str, Any]:
        """Describe the catalogue without reading the light curves.

        Returns
        -------
        dict
            What JSON can hold: ``path``, ``file_size`` (bytes), ``format_version``, ``n_stars``,
            ``n_positions``, ``n_visits``, ``n_points``, ``content`` (see `content_hash`), ``n_latent``,
            ``stars_per_class``, ``visits_per_band``, ``mjd_range`` (of the visits, or None) and ``provenance``.
        """
        classes, bands = self._read("stars/star_class"), self._read("visits/band")
        mjd, provenance = self._read("visits/mjd"), self.provenance
        return {
            "path": str(self.path),
            "file_size": self.path.stat().st_size,
            "format_version": self.format_version,
            "n_stars": self.n_stars,
            "n_positions": self.n_positions,
            "n_visits": self.n_visits,
            "n_points": self.n_points,
            "content": self.content_hash,
            "n_latent": int(self._dataset("stars/latent").shape[1]) if self._has_latent else 0,
            "stars_per_class": _counts(classes, STAR_CLASSES),
            "visits_per_band": _counts(bands, BANDS),
            "mjd_range": [float(mjd.min()), float(mjd.max())] if mjd.size else None,
            "provenance": {name: getattr(provenance, name) for name in provenance.__dataclass_fields__},
        }


def _whole_numbers(what: str, values: npt.ArrayLike) -> IntArray:
    numbers = np.atleast_1d(np.asarray(values))
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
        raise InputError(f"{what} must be a list of whole numbers")
    return numbers.astype(np.int64)


def _counts(values: npt.NDArray[Any], names: Iterable[str]) -> dict[str, int]:
    return {name: n for name in names if (n := int(np.count_nonzero(values == name)))}

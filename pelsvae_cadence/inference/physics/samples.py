"""Samples of temperature, luminosity, amplitude, dust and distance of stars that have been read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from pelsvae_cadence.bands import in_order
from pelsvae_cadence.core.arrays import FloatArray, IntArray, StructOfArrays, freeze
from pelsvae_cadence.core.errors import InputError

__all__ = ["PHYSICS_COLUMNS", "PHYSICS_UNITS", "PhysicalSamples", "StarSamples"]

#: Quantities of which there are samples, in the order of tables; mean magnitudes come on top.
PHYSICS_COLUMNS: Final = ("period", "teff", "abs_mag_g", "amplitude_i", "ebv", "distance_modulus")
#: Units of the columns of tables.
PHYSICS_UNITS: Final = {
    f"{name}{end}": unit
    for name, unit in zip(PHYSICS_COLUMNS, ("d", "K", "mag", "mag", "mag", "mag"), strict=True)
    for end in ("", "_low", "_high")
}
_TABLE_INTERVAL: Final = 0.68
# Share of the samples that must know a quantity: what is unlikely to exist has no interval.
_LEAST_SHARE: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class StarSamples:
    """Samples of one star.

    Parameters
    ----------
    bands : tuple of str
        The star's bands.
    subtype : ndarray of int64, shape (S,)
        Index of the subtype.
    columns : dict of str to ndarray of float64, shape (S,)
        Samples by quantity, out of `PHYSICS_COLUMNS`.
    mean_mag : ndarray of float64, shape (S, n_bands)
        Mean magnitudes.
    """

    bands: tuple[str, ...]
    subtype: IntArray
    columns: dict[str, FloatArray]
    mean_mag: FloatArray


@dataclass(frozen=True, kw_only=True)
class PhysicalSamples(StructOfArrays):
    """Joint samples of the posterior of N stars, S a star.

    Sample s of a star is one possible star: its period, class and subtype, temperature, luminosity, amplitude,
    dust, distance and mean magnitudes belong together. All samples suppose that the star has a period.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        The stars.
    subtype : ndarray of int64, shape (N, S)
        Index of class and subtype in `subtypes`; -1 for stars without an answer.
    period : ndarray of float64, shape (N, S)
        Periods in days; NaN in every quantity of a star without an answer.
    teff : ndarray of float64, shape (N, S)
        Effective temperatures in K; NaN, as the next two, for "other".
    abs_mag_g, amplitude_i : ndarray of float64, shape (N, S)
        Absolute G magnitudes and peak-to-peak I amplitudes in mag.
    ebv : ndarray of float64, shape (N, S)
        True colour excesses E(B-V) in mag; NaN for "other".
    distance_modulus : ndarray of float64, shape (N, S)
        True distance moduli in mag; NaN for subtypes without a period-luminosity relation
        (`pelsvae_cadence.inference.physics.draws.NO_DISTANCE`).
    mean_mag : ndarray of float64, shape (N, S, n_bands)
        Intensity-mean apparent AB magnitudes, dust included; NaN in bands without a mean.
    bands, subtypes : tuple of str
        Names of the bands, and of the subtypes: "CLASS/subtype" and "other".

    Raises
    ------
    InputError
        If the shapes do not fit together.
    """

    star_id: IntArray
    subtype: IntArray
    period: FloatArray
    teff: FloatArray
    abs_mag_g: FloatArray
    amplitude_i: FloatArray
    ebv: FloatArray
    distance_modulus: FloatArray
    mean_mag: FloatArray
    bands: tuple[str, ...]
    subtypes: tuple[str, ...]

    _units = PHYSICS_UNITS

    @classmethod
    def of_stars(
        cls, star_id: IntArray, stars: Sequence[StarSamples | None], n_samples: int, subtypes: tuple[str, ...]
    ) -> Self:
        """Join the samples of stars, which may have different bands.

        Parameters
        ----------
        star_id : ndarray of int64, shape (N,)
            The stars.
        stars : sequence of StarSamples or None
            Their samples; None for a star without an answer.
        n_samples : int
            Samples of each star.
        subtypes : tuple of str
            Names of the subtypes.

        Returns
        -------
        PhysicalSamples
            The samples.
        """
        n = len(stars)
        bands = in_order({band for star in stars if star is not None for band in star.bands})
        columns = {name: np.full((n, n_samples), np.nan) for name in PHYSICS_COLUMNS}
        subtype = np.full((n, n_samples), -1, dtype=np.int64)
        mean_mag = np.full((n, n_samples, len(bands)), np.nan)
        for i, star in enumerate(stars):
            if star is not None:
                subtype[i] = star.subtype
                for name, value in star.columns.items():
                    columns[name][i] = value
                mean_mag[i][:, [bands.index(band) for band in star.bands]] = star.mean_mag
        return cls(
            star_id=star_id.copy(),
            subtype=subtype,
            mean_mag=mean_mag,
            bands=bands,
            subtypes=subtypes,
            **columns,
        )

    def __post_init__(self) -> None:
        shape = (self.star_id.size, self.subtype.shape[1])
        for name, value in self._arrays():
            wanted = {"star_id": shape[:1], "mean_mag": (*shape, len(self.bands))}.get(name, shape)
            if value.shape != wanted:
                raise InputError(f"{name} has shape {value.shape}", allowed=f"{wanted}")
            freeze(value)

    @property
    def n_samples(self) -> int:
        """Samples of each star."""
        return int(self.subtype.shape[1])

    @property
    def distance_share(self) -> FloatArray:
        """Share of each star's samples that have a distance."""
        return np.asarray(np.isfinite(self.distance_modulus).mean(axis=1))

    def median(self) -> dict[str, FloatArray]:
        """Give the medians of all quantities.

        Returns
        -------
        dict of str to ndarray of float64, shape (N,)
            By name, out of `PHYSICS_COLUMNS`; NaN where less than half of the samples know the quantity.
        """
        return {name: self._quantiles(name, np.array([0.5]))[:, 0] for name in PHYSICS_COLUMNS}

    def interval(self, q: float = 0.68) -> dict[str, FloatArray]:
        """Give central intervals of all quantities.

        Parameters
        ----------
        q : float
            Probability inside.

        Returns
        -------
        dict of str to ndarray of float64, shape (N, 2)
            Lower and upper end by name, out of `PHYSICS_COLUMNS`, given that the star has the quantity; NaN
            where less than half of the samples do.

        Raises
        ------
        InputError
            If `q` is not between 0 and 1.
        """
        if not 0.0 < q < 1.0:
            raise InputError(f"q = {q!r}", allowed="above 0, below 1")
        ends = np.array([0.5 - 0.5 * q, 0.5 + 0.5 * q])
        return {name: self._quantiles(name, ends) for name in PHYSICS_COLUMNS}

    def _quantiles(self, name: str, at: FloatArray) -> FloatArray:
        value = getattr(self, name)
        out = np.full((len(self), at.size), np.nan)
        for i, row in enumerate(value):
            known = row[np.isfinite(row)]
            if known.size and known.size >= _LEAST_SHARE * row.size:
                out[i] = np.quantile(known, at)
        return out

    def summary(self) -> dict[str, FloatArray]:
        """Give medians and the ends of the 68 % intervals, as `to_table` has them.

        Returns
        -------
        dict of str to ndarray of float64, shape (N,)
            ``teff``, ``teff_low``, ``teff_high``, and so on.
        """
        ends = np.array([0.5, 0.5 - 0.5 * _TABLE_INTERVAL, 0.5 + 0.5 * _TABLE_INTERVAL])
        out = {}
        for name in PHYSICS_COLUMNS:
            three = self._quantiles(name, ends)
            for k, end in enumerate(("", "_low", "_high")):
                out[name + end] = three[:, k]
        return out

    @override
    def _table(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        return {"star_id": self.star_id, **self.summary()}, {"n_samples": self.n_samples}

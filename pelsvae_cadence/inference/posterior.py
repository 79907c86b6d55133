"""What is known of stars once their light curves have been read: periods, classes, probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from pelsvae_cadence.core.arrays import FloatArray, IntArray, StrArray, StructOfArrays, freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.inference.physics.samples import PhysicalSamples

__all__ = ["CURVE", "OTHER", "BestCurve", "Posterior", "pack_curves", "unpack_curves"]

#: The name of shapes unlike all classes.
OTHER: Final = "other"
#: Curves travel between processes, and rest in checkpoints, as arrays whose names begin so.
CURVE: Final = "curve_"
_COLUMN_UNITS: Final = {"period": "d", "period_error": "d", "candidate_frequencies": "1/d"}
_TWO_DIMENSIONS: Final = (
    "candidate_frequencies",
    "candidate_probabilities",
    "class_probability",
    "subtype_probability",
)


@dataclass(frozen=True, kw_only=True)
class BestCurve:
    """The curve that fits a star best.

    Parameters
    ----------
    frequency : float
        Frequency in 1/d.
    epoch : float
        MJD (TAI) of phase zero: maximum light, or the primary minimum of binaries, of shapes that the
        model knows; any phase of others.
    bands : tuple of str
        The star's bands.
    mean_flux : ndarray of float64, shape (n_bands,)
        Mean fluxes in nJy.
    coefficients : ndarray of complex128, shape (n_bands, K + 1)
        Fourier coefficients of flux over mean flux, minus one.
    """

    frequency: float
    epoch: float
    bands: tuple[str, ...]
    mean_flux: FloatArray
    coefficients: npt.NDArray[np.complex128]

    def flux(self, mjd: npt.ArrayLike, band: str) -> FloatArray:
        """Evaluate the curve.

        Parameters
        ----------
        mjd : array_like, shape (n,)
            Times, MJD (TAI).
        band : str
            One of `bands`.

        Returns
        -------
        ndarray of float64, shape (n,)
            Fluxes in nJy.

        Raises
        ------
        InputError
            If the star has no points in the band.
        """
        if band not in self.bands:
            raise InputError(f"no curve in band {band!r}", allowed=", ".join(self.bands))
        b = self.bands.index(band)
        phase = (np.asarray(mjd, dtype=np.float64) - self.epoch) * self.frequency
        k = np.arange(self.coefficients.shape[1])
        terms = np.where(k == 0, 1.0, 2.0) * self.coefficients[b]
        curve = (np.exp(2j * np.pi * phase[..., None] * k) @ terms).real
        return np.asarray(self.mean_flux[b] * (1.0 + curve))


@dataclass(frozen=True, kw_only=True)
class Posterior(StructOfArrays):
    """What `infer` finds about N stars.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        The stars.
    status : ndarray of str, shape (N,)
        "ok", or why there is no answer: "no usable flux", "too few points", "span too short".
    period, period_error : ndarray of float64, shape (N,)
        Most probable period and its standard error in days, given that it is no alias; NaN where the
        status is not "ok".
    period_probability : ndarray of float64, shape (N,)
        Probability that the frequency is right to a tenth of 1/(span).
    no_period_probability : ndarray of float64, shape (N,)
        Probability that the star varies without a period, or not at all; 1 where no frequency of the
        range can be that of any shape.
    log_odds : ndarray of float64, shape (N,)
        Natural log of the odds of a period against none.
    candidate_frequencies, candidate_probabilities : ndarray of float64, shape (N, k)
        Distinct frequencies [1/d] and their probabilities, best first, padded with NaN and 0.
    star_class, subtype : ndarray of str, shape (N,)
        The most probable class and its most probable subtype; "other" for a shape unlike all classes,
        "" without an answer.
    class_probability : ndarray of float64, shape (N, n_classes)
        Probabilities of `classes`, given that there is a period.
    subtype_probability : ndarray of float64, shape (N, n_subtypes)
        Probabilities of `subtypes`, likewise.
    n_points : ndarray of int64, shape (N,)
        Points used.
    curve : ndarray of BestCurve, shape (N,)
        The curve that fits best; None without an answer.
    classes, subtypes : tuple of str
        Names of the columns: classes and "other"; "CLASS/subtype" and "other".
    options : mapping
        The options of the call, and the model's hash.
    physics : PhysicalSamples, optional
        Samples of temperature, luminosity, dust and distance, where they were asked for.

    Raises
    ------
    InputError
        If the shapes do not fit together.
    """

    star_id: IntArray
    status: StrArray
    period: FloatArray
    period_error: FloatArray
    period_probability: FloatArray
    no_period_probability: FloatArray
    log_odds: FloatArray
    star_class: StrArray
    subtype: StrArray
    class_probability: FloatArray
    subtype_probability: FloatArray
    candidate_frequencies: FloatArray
    candidate_probabilities: FloatArray
    n_points: IntArray
    curve: npt.NDArray[np.object_]
    classes: tuple[str, ...]
    subtypes: tuple[str, ...]
    options: Mapping[str, object]
    physics: PhysicalSamples | None = None

    _units = _COLUMN_UNITS

    def __post_init__(self) -> None:
        n = self.star_id.size
        for name, value in self._arrays():
            if isinstance(value, PhysicalSamples):
                if not np.array_equal(value.star_id, self.star_id):
                    raise InputError("physics is of other stars")
                continue
            wrong = value.shape[0] != n if name in _TWO_DIMENSIONS else value.shape != (n,)
            if wrong:
                raise InputError(f"{name} has shape {value.shape} for {n} stars")
            freeze(value)

    @property
    def frequency(self) -> FloatArray:
        """Most probable frequency in 1/d, NaN where there is none."""
        return 1.0 / self.period

    @override
    def _table(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        columns, meta = super()._table()
        columns.pop("curve")
        for i, name in enumerate(self.classes):
            columns[f"p_{name}"] = self.class_probability[:, i]
        columns.pop("class_probability")
        columns.pop("subtype_probability")
        return columns, meta


def pack_curves(curves: npt.NDArray[np.object_]) -> dict[str, npt.NDArray[Any]]:
    """Turn curves into arrays, padded to the most bands and harmonics.

    Parameters
    ----------
    curves : ndarray of BestCurve, shape (N,)
        The curves; None where there is none.

    Returns
    -------
    dict of str to ndarray
        Arrays whose names begin with `CURVE`.
    """
    there = [curve for curve in curves.tolist() if curve is not None]
    n_bands = max((len(curve.bands) for curve in there), default=0)
    n_terms = max((curve.coefficients.shape[1] for curve in there), default=0)
    n = curves.size
    out: dict[str, npt.NDArray[Any]] = {
        "frequency": np.full(n, np.nan),
        "epoch": np.full(n, np.nan),
        "n_bands": np.zeros(n, dtype=np.int64),
        "bands": np.full((n, n_bands), "", dtype="U32"),
        "mean_flux": np.zeros((n, n_bands)),
        "coefficients": np.zeros((n, n_bands, n_terms), dtype=np.complex128),
    }
    for i, curve in enumerate(curves.tolist()):
        if curve is not None:
            b, k = curve.coefficients.shape
            out["frequency"][i], out["epoch"][i], out["n_bands"][i] = curve.frequency, curve.epoch, b
            out["bands"][i, :b], out["mean_flux"][i, :b] = curve.bands, curve.mean_flux
            out["coefficients"][i, :b, :k] = curve.coefficients
    return {f"{CURVE}{name}": value for name, value in out.items()}


def unpack_curves(packed: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.object_]:
    """Make curves again of the arrays.

    Parameters
    ----------
    packed : mapping of str to ndarray
        What `pack_curves` gave.

    Returns
    -------
    ndarray of BestCurve, shape (N,)
        The curves.
    """
    own = {name.removeprefix(CURVE): value for name, value in packed.items()}
    curves = np.full(own["n_bands"].size, None, dtype=object)
    for i in np.flatnonzero(own["n_bands"]).tolist():
        b = int(own["n_bands"][i])
        curves[i] = BestCurve(
            frequency=float(own["frequency"][i]),
            epoch=float(own["epoch"][i]),
            bands=tuple(own["bands"][i, :b].tolist()),
            mean_flux=own["mean_flux"][i, :b],
            coefficients=own["coefficients"][i, :b],
        )
    return curves

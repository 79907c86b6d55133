"""Errors of distances, temperatures and periods read from light curves, and what to make of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import freeze
from pelsvae_cadence.inference.physics.draws import NO_DISTANCE
from pelsvae_cadence.metrics.position.observe import Recovery

__all__ = ["ACCURACY", "PARAMETERS", "Parameter", "ParameterErrors", "parameter_errors"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: What a reading tells of a star.
Parameter = Literal["distance", "temperature", "period"]

#: The parameters with their units: distances as distance moduli, errors of periods as fractions of them.
PARAMETERS: Final[dict[Parameter, str]] = {"distance": "mag", "temperature": "K", "period": "fraction"}

#: Errors up to which a parameter is good: 5 per cent of the distance, 200 K, one per cent of the period.
ACCURACY: Final[dict[Parameter, float]] = {"distance": 0.1, "temperature": 200.0, "period": 0.01}

_COLUMN: Final[dict[Parameter, str]] = {
    "distance": "distance_modulus",
    "temperature": "teff",
    "period": "period",
}
_PROBABILITY: Final = 0.68


@dataclass(frozen=True, kw_only=True)
class ParameterErrors:
    """One parameter of N stars, read and true.

    Parameters
    ----------
    true : ndarray of float64, shape (N,)
        True values; NaN where the model has no relation to read them by (distances of some binaries and Miras).
    read, low, high : ndarray of float64, shape (N,)
        Median and ends of the central 68 per cent interval of the posterior; NaN where less than half of it
        knows the parameter.
    accuracy : float
        Error up to which a value is good.
    relative : bool
        Whether errors are fractions of the value.
    """

    true: FloatArray
    read: FloatArray
    low: FloatArray
    high: FloatArray
    accuracy: float
    relative: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                freeze(value)

    @property
    def known(self) -> BoolArray:
        """Which stars have an interval."""
        return np.asarray(np.isfinite(self.read) & np.isfinite(self.true))

    @property
    def error(self) -> FloatArray:
        """Read less true values, NaN where there is none."""
        return np.asarray((self.read - self.true) / (self.true if self.relative else 1.0))

    @property
    def half_width(self) -> FloatArray:
        """Half the 68 per cent intervals."""
        half = 0.5 * (self.high - self.low) / (self.read if self.relative else 1.0)
        return np.where(self.known, half, np.nan)

    @property
    def good(self) -> BoolArray:
        """Which stars have an error within the accuracy: none without a value."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.abs(self.error) <= self.accuracy)

    @property
    def covered(self) -> BoolArray:
        """Which true values lie in their 68 per cent interval."""
        with np.errstate(invalid="ignore"):
            return np.asarray((self.low <= self.true) & (self.true <= self.high))

    def summary(self, name: str) -> dict[str, Any]:
        """Give the numbers of all stars together.

        Parameters
        ----------
        name : str
            Name of the parameter.

        Returns
        -------
        dict
            ``NAME_good`` and ``NAME_known`` (shares of all stars), and of those with a value ``NAME_width``
            (median half-width of the 68 per cent intervals), ``NAME_bias`` (median error) and
            ``NAME_coverage`` (share of the intervals that hold the truth); NaN without any.
        """
        known = self.known
        some = bool(known.any())
        return {
            f"{name}_good": float(self.good.mean()),
            f"{name}_known": float(known.mean()),
            f"{name}_width": float(np.median(self.half_width[known])) if some else float("nan"),
            f"{name}_bias": float(np.median(self.error[known])) if some else float("nan"),
            f"{name}_coverage": float(self.covered[known].mean()) if some else float("nan"),
        }


def parameter_errors(
    recovery: Recovery, accuracy: dict[Parameter, float] | None = None
) -> dict[Parameter, ParameterErrors]:
    """Compare what a reading tells of stars with the truth.

    Parameters
    ----------
    recovery : Recovery
        Stars that were read with physics.
    accuracy : dict of str to float, optional
        Errors up to which parameters are good; `ACCURACY` by default.

    Returns
    -------
    dict of str to ParameterErrors
        By parameter. Stars of a subtype without a period-luminosity relation have no distance, whatever they
        were taken for.
    """
    assert recovery.posterior is not None
    samples = recovery.posterior.physics
    assert samples is not None
    stars, median, interval = recovery.stars, samples.median(), samples.interval(_PROBABILITY)
    pairs = zip(stars.star_class.tolist(), stars.subtype.tolist(), strict=True)
    lacking = np.array([pair in NO_DISTANCE for pair in pairs])
    limits = ACCURACY if accuracy is None else accuracy
    found: dict[Parameter, ParameterErrors] = {}
    for name, column in _COLUMN.items():
        true = np.asarray(getattr(stars, column), dtype=np.float64)
        found[name] = ParameterErrors(
            true=np.where(lacking, np.nan, true) if name == "distance" else true.copy(),
            read=median[column],
            low=interval[column][:, 0].copy(),
            high=interval[column][:, 1].copy(),
            accuracy=limits[name],
            relative=name == "period",
        )
    return found

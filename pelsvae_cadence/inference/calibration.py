"""Calibration: from the raw probability that a period is right to the share of stars it is right for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.inference.posterior import Posterior

__all__ = ["LARGEST_LOGIT", "Calibration", "ClassLine", "calibrated_posterior"]

#: Raw probabilities beyond this logit say no more than it.
LARGEST_LOGIT: Final = 8.0
_FORMAT: Final = 1
_SHIPPED: Final = "shipped/calibration.json"


@dataclass(frozen=True, kw_only=True)
class ClassLine:
    """The line that the stars of one class follow.

    Parameters
    ----------
    intercept, slope : float
        Of the logit of the calibrated probability over that of the raw one, at 100 points.
    ceiling : float
        The largest probability that the stars it was fitted to can support.
    """

    intercept: float
    slope: float
    ceiling: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.intercept) and np.isfinite(self.slope) and self.slope > 0.0):
            raise InputError(
                f"calibration: intercept {self.intercept!r}, slope {self.slope!r}", allowed="slope > 0"
            )
        if not 0.0 < self.ceiling < 1.0:
            raise InputError(f"calibration: ceiling {self.ceiling!r}", allowed="0 < ceiling < 1")


@dataclass(frozen=True, kw_only=True)
class Calibration:
    r"""A map of raw probabilities to calibrated ones, class by class.

    With the raw probability p of a star told to be of class k from n points,

    .. math:: q = \min\left(c_k, \left[1 + e^{-a_k - b_k x - d\,(\log_{10} n - 2)}\right]^{-1}\right),
              \quad x = \ln\frac{p}{1 - p} \in [-8, 8],

    which rises with p. A star without an answer keeps a probability of 0.

    Parameters
    ----------
    classes : mapping of str to ClassLine
        The lines of the classes.
    pooled : ClassLine
        The line of all other classes.
    points_slope : float
        d, the change of the logit for ten times as many points.
    points_range : (float, float)
        Fewest and most points of the stars it was fitted to, beyond which nothing changes.
    model : str
        Hash of the model whose posterior it was fitted to.
    card : mapping
        The command, the stars, and scores before and after.

    Raises
    ------
    InputError
        If a slope is not positive, a ceiling not between 0 and 1, or the range empty.

    References
    ----------
    Platt 1999, in Advances in Large Margin Classifiers, MIT Press, 61.
    """

    classes: Mapping[str, ClassLine]
    pooled: ClassLine
    points_slope: float
    points_range: tuple[float, float]
    model: str
    card: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not np.isfinite(self.points_slope):
            raise InputError(f"calibration: points_slope = {self.points_slope!r}", allowed="finite")
        if not 0.0 < self.points_range[0] <= self.points_range[1] < np.inf:
            raise InputError(f"calibration: points_range = {self.points_range!r}", allowed="0 < few <= many")

    @classmethod
    def load(cls, path: str | Path | None = None) -> Calibration:
        """Read a calibration.

        Parameters
        ----------
        path : str or Path, optional
            The JSON file; by default the one that comes with the package.

        Returns
        -------
        Calibration
            The calibration.

        Raises
        ------
        InputError
            If the file is missing or is no calibration.
        """
        return _shipped() if path is None else cls._read(Path(path))

    @classmethod
    def _read(cls, file: Any) -> Calibration:
        try:
            text = json.loads(file.read_text(encoding="utf-8"))
            if text["format"] != _FORMAT:
                raise InputError(f"{file}: calibration of format {text['format']!r}", allowed=str(_FORMAT))
            return cls(
                classes={name: ClassLine(**line) for name, line in text["classes"].items()},
                pooled=ClassLine(**text["pooled"]),
                points_slope=text["points_slope"],
                points_range=(text["points_range"][0], text["points_range"][1]),
                model=text["model"],
                card=text["card"],
            )
        except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{file} is no calibration",
                allowed="a file of python -m pelsvae_cadence.training calibrate-inference",
            ) from error

    def to_json(self) -> str:
        """Give the text of the file that `load` reads."""
        text = {
            "format": _FORMAT,
            "model": self.model,
            "pooled": vars(self.pooled),
            "classes": {name: vars(line) for name, line in self.classes.items()},
            "points_slope": self.points_slope,
            "points_range": list(self.points_range),
            "card": dict(self.card),
        }
        return json.dumps(text, indent=2) + "\n"

    def apply(
        self, probability: npt.ArrayLike, star_class: npt.ArrayLike, n_points: npt.ArrayLike
    ) -> FloatArray:
        """Calibrate probabilities.

        Parameters
        ----------
        probability : array_like, shape (N,)
            Raw probabilities that the period is right.
        star_class : array_like of str, shape (N,)
            The most probable class of each star; a class that the calibration does not know follows all
            classes together.
        n_points : array_like, shape (N,)
            Points used.

        Returns
        -------
        ndarray of float64, shape (N,)
            Calibrated probabilities.

        Raises
        ------
        InputError
            If a probability is not between 0 and 1.
        """
        raw, name, points = np.broadcast_arrays(
            np.asarray(probability, dtype=np.float64),
            np.asarray(star_class, dtype=np.str_),
            np.asarray(n_points, dtype=np.float64),
        )
        # Sums of exponentials may end a hair above one.
        if not ((raw >= 0.0) & (raw <= 1.0 + 1e-9)).all():
            raise InputError("raw probabilities out of range", allowed="0 to 1")
        lines = [self.classes.get(one, self.pooled) for one in name.ravel().tolist()]
        intercept, slope, ceiling = (
            np.array([getattr(line, key) for line in lines], dtype=np.float64).reshape(raw.shape)
            for key in ("intercept", "slope", "ceiling")
        )
        x = np.clip(logit(np.clip(raw, 0.0, 1.0)), -LARGEST_LOGIT, LARGEST_LOGIT)
        decades = np.log10(np.clip(points, *self.points_range)) - 2.0
        stated = np.minimum(expit(intercept + slope * x + self.points_slope * decades), ceiling)
        return np.where(raw > 0.0, stated, 0.0)


@lru_cache(maxsize=1)
def _shipped() -> Calibration:
    return Calibration._read(files("pelsvae_cadence.inference").joinpath(_SHIPPED))


def calibrated_posterior(posterior: Posterior, calibration: Calibration) -> Posterior:
    """Calibrate what a posterior states of its periods.

    Parameters
    ----------
    posterior : Posterior
        Raw probabilities; `options` has the hash of the model.
    calibration : Calibration
        The calibration; that of another model is used all the same, and `options` say so.

    Returns
    -------
    Posterior
        The same stars. The best candidate has its calibrated probability, at most one less
        `no_period_probability`; the others keep their order, and shrink as much as the best one does, or
        as far as all together would have more than what is left.
    """
    raw = posterior.candidate_probabilities
    room = np.maximum(1.0 - posterior.no_period_probability, 0.0)
    best = np.minimum(
        calibration.apply(posterior.period_probability, posterior.star_class, posterior.n_points), room
    )
    rest = raw[:, 1:].sum(axis=1)
    shrink = np.ones(best.size)
    np.divide(best, posterior.period_probability, out=shrink, where=posterior.period_probability > 0.0)
    fit = np.ones(best.size)
    with np.errstate(over="ignore"):  # of a hair there may be any multiple
        np.divide(room - best, rest, out=fit, where=rest > 0.0)
    probabilities = np.column_stack([best, raw[:, 1:] * np.clip(np.minimum(shrink, fit), 0.0, 1.0)[:, None]])
    own = posterior.options.get("model") == calibration.model
    return replace(
        posterior,
        period_probability=best,
        candidate_probabilities=probabilities,
        options={
            **posterior.options,
            "calibrated": True,
            "calibration": "of this model" if own else "of another model",
        },
    )

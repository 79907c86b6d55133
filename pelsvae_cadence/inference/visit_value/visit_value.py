"""Which visit next? The information that candidate visits are expected to give about stars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from astropy.table import Table
from threadpoolctl import threadpool_limits

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.arrays import freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.containers import whole_number
from pelsvae_cadence.inference.calibration import Calibration
from pelsvae_cadence.inference.modes import UNSEEN
from pelsvae_cadence.inference.physics.dust import DustPrior
from pelsvae_cadence.inference.physics.samples import StarSamples
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.inference.read_star import StarReading, read_star
from pelsvae_cadence.inference.visit_value.information import Outcomes
from pelsvae_cadence.inference.visit_value.predictions import Predictions, predictions
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.periods.grid import PERIOD_RANGE, period_limits
from pelsvae_cadence.simulation.simulate import simulate

if TYPE_CHECKING:
    from pelsvae_cadence.stars import Stars

__all__ = ["VisitValue", "visit_value"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_SAME: Final = 0.2  # frequencies closer than this times 1/span are one
# Candidates that are predicted at once, from one fit of the modes, and whose outcomes are.
_PREDICTED: Final = 512
_AT_ONCE: Final = 16
_SAMPLES: Final = 200
_GAINS: Final = ("period", "star_class", "period_and_class", "precision", "distance")


@dataclass(frozen=True, kw_only=True)
class VisitValue:
    """Expected information of V candidate visits about N stars, in bits.

    A visit is worth nothing (0) where a star saturates, has no answer yet, or has no point in the band: what is
    not known of a band cannot be predicted.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        The stars.
    candidates : Visits
        The visits.
    period : ndarray of float64, shape (N, V)
        About which frequency is the right one, or none.
    star_class : ndarray of float64, shape (N, V)
        About the class.
    period_and_class : ndarray of float64, shape (N, V)
        About both together.
    precision : ndarray of float64, shape (N, V)
        About the exact frequency, if it is known which one it is: up to 2.6 bits, six parts of a peak being told
        apart.
    distance : ndarray of float64, shape (N, V)
        About the distance: half the binary logarithm of the variance of the distance modulus before over that
        after the visit, of classes with a period-luminosity relation; 0 without one, and if distances are not asked for.
    """

    star_id: IntArray
    candidates: Visits
    period: FloatArray
    star_class: FloatArray
    period_and_class: FloatArray
    precision: FloatArray
    distance: FloatArray

    def __post_init__(self) -> None:
        shape = (self.star_id.size, len(self.candidates))
        for name in _GAINS:
            value = getattr(self, name)
            if value.shape != shape:
                raise InputError(f"{name} has shape {value.shape}", allowed=f"{shape}")
            freeze(value)

    @property
    def total(self) -> FloatArray:
        """Bits about period and class, exact period included, (N, V)."""
        return np.asarray(self.period_and_class + self.precision)

    def best(self, n: int = 1) -> IntArray:
        """Give the best visits for all stars together.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        ndarray of int64, shape (n,)
            Indices of candidates by their mean total, best first: each is the best *next* visit, not the best set.
        """
        n = whole_number("n", n, 1, max(len(self.candidates), 1))
        return np.argsort(-self.total.mean(axis=0), kind="stable")[:n]

    def to_table(self) -> Table:
        """Give a table with a row per candidate: time, band, and means over the stars."""
        table = Table({"mjd": self.candidates.mjd, "band": self.candidates.band, "m5": self.candidates.m5})
        table["mjd"].unit, table["m5"].unit = "d", "mag(AB)"
        for name in ("total", *_GAINS):
            table[name] = getattr(self, name).mean(axis=0) if self.star_id.size else np.zeros(len(table))
            table[name].unit = "bit"
        return table


def visit_value(
    stars: Stars | LightCurves,
    visits: Visits | None,
    candidates: Visits,
    *,
    model: LightCurveModel | None = None,
    priors: Priors | None = None,
    period_range: tuple[float, float] = PERIOD_RANGE,
    colours: bool = True,
    distances: bool = True,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> VisitValue:
    r"""Tell what further visits are expected to tell about stars.

    Each star is read with the model (`pelsvae_cadence.infer`). The modes of its posterior, frequencies with
    shapes, and "no period" predict what a further visit would measure, each with the error of its fit, of the
    model and of the visit. The value of the visit is the mutual information of that measurement and what is to be
    known: how much the measurement is expected to decide between the hypotheses.

    Parameters
    ----------
    stars : Stars or LightCurves
        Simulated stars of a field, or measured light curves of N stars.
    visits : Visits or None
        The visits so far, with which simulated stars are observed; None with light curves.
    candidates : Visits
        V visits that could be made.
    model : LightCurveModel, optional
        The model; the default one if not given.
    priors : Priors, optional
        Prior probabilities; all classes alike by default.
    period_range : (float, float)
        Shortest and longest period in days.
    colours : bool
        Whether mean colours count.
    distances : bool
        Whether the information on distances is computed as well.
    seed : int
        Seed of the shapes, of the noise of simulated stars, and of samples of distances.
    progress : callable, optional
        Called with (stars done, stars in all).

    Returns
    -------
    VisitValue
        Bits for every star and candidate.

    Raises
    ------
    InputError
        If light curves come with visits, or stars without.

    References
    ----------
    Lindley 1956, Ann. Math. Stat. 27, 986 (expected information); Loredo 2004, AIP Conf. Proc. 707, 330
    (choosing observations by it).
    """
    model = LightCurveModel.load() if model is None else model
    light_curves = _light_curves(stars, visits, model, seed)
    limits = period_limits(period_range)
    n = len(light_curves)
    gains = {name: np.zeros((n, len(candidates))) for name in _GAINS}
    with threadpool_limits(1):
        for i in range(n):
            reading = read_star(
                light_curves,
                i,
                model=model,
                priors=Priors() if priors is None else priors,
                period_range=limits,
                colours=colours,
                dust=DustPrior(),
                seed=seed,
            )
            if reading.modes:
                temper = Calibration.load().pooled.slope
                samples = reading.draw(model, n_samples=_SAMPLES, temper=temper) if distances else None
                for start in range(0, len(candidates), _PREDICTED):
                    some = np.arange(start, min(start + _PREDICTED, len(candidates)))
                    own = predictions(reading, candidates.take(some))
                    for name, value in _gains(reading, own, samples).items():
                        gains[name][i, some] = np.where(own.possible, value, 0.0)
            if progress is not None:
                progress(i + 1, n)
    return VisitValue(star_id=light_curves.star_id.copy(), candidates=candidates, **gains)


def _light_curves(
    stars: Stars | LightCurves, visits: Visits | None, model: LightCurveModel, seed: int
) -> LightCurves:
    if isinstance(stars, LightCurves):
        if visits is not None:
            raise InputError(
                "light curves come with their own visits", remedy="Give None in place of the visits."
            )
        return stars
    if visits is None:
        raise InputError("simulated stars without visits", remedy="Give the visits so far.")
    return simulate(stars, visits, model=model, seed=seed)


def _gains(reading: StarReading, own: Predictions, samples: StarSamples | None) -> dict[str, FloatArray]:
    frequency, star_class = _labels(reading, own.mode)
    both = frequency * (star_class.max() + 1) + star_class
    everything = both * (own.part.max() + 1) + own.part
    labels = {"period": frequency, "star_class": star_class, "period_and_class": both, "all": everything}
    parts: dict[str, list[FloatArray]] = {name: [] for name in labels}
    distance = None if samples is None else _Distances.of(reading, own, samples)
    gained: list[FloatArray] = []
    for start in range(0, own.mean.shape[1], _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        outcomes = Outcomes(own.share, own.mean[:, some], own.variance[:, some])
        for name, label in labels.items():
            parts[name].append(outcomes.information(label))
        if distance is not None:
            gained.append(distance.gain(own, some))
    gains = {name: np.concatenate(value) for name, value in parts.items()}
    gains["precision"] = np.maximum(gains.pop("all") - gains["period_and_class"], 0.0)
    if gained:
        gains["distance"] = np.concatenate(gained)
    return gains


def _labels(reading: StarReading, mode: IntArray) -> tuple[IntArray, IntArray]:
    """Give hypotheses numbers of their frequency and of their class, no period being one of each."""
    frequency = np.zeros(mode.size, dtype=np.int64)
    star_class = np.zeros(mode.size, dtype=np.int64)
    names: dict[str, int] = {}
    found: list[float] = []
    for h, j in enumerate(mode.tolist()):
        if j < 0:
            continue
        one = reading.modes[j]
        near = [k for k, f in enumerate(found) if abs(f - one.frequency) * reading.star.span < _SAME]
        if not near:
            found.append(one.frequency)
        frequency[h] = 1 + (near[0] if near else len(found) - 1)
        name = "" if one.group == UNSEEN else reading.groups[one.group].star_class
        star_class[h] = 1 + names.setdefault(name, len(names))
    return frequency, star_class


@dataclass(frozen=True, kw_only=True)
class _Distances:
    """Distance moduli under the hypotheses that have one: their mean and variance."""

    known: npt.NDArray[np.bool_]  # (H,)
    mean: FloatArray
    variance: FloatArray

    @classmethod
    def of(cls, reading: StarReading, own: Predictions, samples: StarSamples) -> _Distances:
        """Take them from samples, each of which belongs to the nearest frequency of its subtype."""
        modulus, subtype = samples.columns["distance_modulus"], samples.subtype
        frequency = 1.0 / samples.columns["period"]
        mean, variance = np.full(own.mode.size, np.nan), np.zeros(own.mode.size)
        modes = [reading.modes[j] if j >= 0 else None for j in own.mode.tolist()]
        for h, mode in enumerate(modes):
            if mode is None or mode.group == UNSEEN:
                continue
            rivals = np.array([m.frequency for m in modes if m is not None and m.group == mode.group])
            nearest = rivals[np.abs(frequency[:, None] - rivals).argmin(axis=1)]
            mine = modulus[(subtype == mode.group) & (nearest == mode.frequency)]
            if mine.size and np.isfinite(mine).all():
                mean[h], variance[h] = mine.mean(), mine.var()
        known = np.isfinite(mean)
        return cls(known=known, mean=mean[known], variance=variance[known])

    def gain(self, own: Predictions, some: slice) -> FloatArray:
        """Give half the binary logarithm of how much the variance is expected to fall, for some candidates."""
        if not self.known.any():
            return np.zeros(own.mean[0, some].size)
        share = own.share[self.known] / own.share[self.known].sum()
        before = float(share @ (self.variance + self.mean**2) - (share @ self.mean) ** 2)
        outcomes = Outcomes(share, own.mean[self.known, some], own.variance[self.known, some])
        after = outcomes.variance_after(self.mean, self.variance)
        return np.asarray(0.5 * np.log2(before / np.maximum(after, 1e-12))).clip(0.0)

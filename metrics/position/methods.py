"""Methods to find periods: the blind harmonic search, or a reading with the learned model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError, did_you_mean
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.periods import search
from pelsvae_cadence.periods.grid import PERIOD_RANGE, FrequencyGrid
from pelsvae_cadence.periods.result import PeriodResult

if TYPE_CHECKING:
    from pelsvae_cadence.inference.posterior import Posterior
    from pelsvae_cadence.light_curves import LightCurves
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = [
    "FALSE_ALARM_LEVEL",
    "METHODS",
    "METHOD_WORDS",
    "FoundPeriods",
    "Method",
    "check_method",
    "class_probabilities",
    "find_periods",
    "named_by_method",
    "periods_of_posterior",
]

#: How periods are found.
Method = Literal["harmonic", "learned"]
METHODS: Final[tuple[Method, ...]] = ("harmonic", "learned")

#: What the methods are, for captions and reports.
METHOD_WORDS: Final[dict[Method, str]] = {
    "harmonic": "a blind multi-band search",
    "learned": "a blind reading with the learned model, all classes alike",
}

#: Largest false-alarm probability of a detection, unless another one is asked for. Of a reading it is
#: the probability that its period is wrong: from one half on the period is more likely right.
FALSE_ALARM_LEVEL: Final[dict[Method, float]] = {"harmonic": 0.01, "learned": 0.5}

# What the reading calls its ends, in the words of the search.
_STATUS: Final = {"too few points": "too few visits"}
_OVERSAMPLING: Final = 5.0


def check_method(method: str) -> Method:
    """Refuse a method that there is not.

    Parameters
    ----------
    method : str
        What was asked for.

    Returns
    -------
    {"harmonic", "learned"}
        The method.

    Raises
    ------
    InputError
        If it is none of `METHODS`.
    """
    for known in METHODS:
        if method == known:
            return known
    raise InputError(
        f"unknown method {method!r} to find periods",
        allowed=", ".join(METHODS),
        remedy=did_you_mean(str(method), METHODS),
    )


def named_by_method(name: str, method: Method) -> str:
    """Add the method to the name of a metric.

    Parameters
    ----------
    name : str
        The name.
    method : {"harmonic", "learned"}
        The method; the harmonic search, which is the default, goes without.

    Returns
    -------
    str
        The name of a metric that uses the method.
    """
    return name if method == "harmonic" else f"{name} {method}"


@dataclass(frozen=True, kw_only=True)
class FoundPeriods:
    """What was found of some light curves.

    Parameters
    ----------
    periods : PeriodResult
        Periods with false-alarm probabilities, ready for `pelsvae_cadence.periods.verdicts.judge`.
    posterior : Posterior or None
        All that the reading says; None of the harmonic search.
    """

    periods: PeriodResult
    posterior: Posterior | None = None


def find_periods(
    light_curves: LightCurves,
    *,
    method: Method,
    baseline: float,
    period_range: tuple[float, float] = PERIOD_RANGE,
    model: LightCurveModel | None = None,
    priors: Priors | None = None,
    physics: bool = False,
    ebv: npt.NDArray[np.float64] | None = None,
) -> FoundPeriods:
    """Find the periods of stars by either method.

    Parameters
    ----------
    light_curves : LightCurves
        Light curves of N stars.
    method : {"harmonic", "learned"}
        `pelsvae_cadence.search`, or `pelsvae_cadence.infer`.
    baseline : float
        Nominal time span in days: of the verdicts, and of the search's frequencies. A reading takes each
        star's own span.
    period_range : tuple of float
        Range of trial periods in days.
    model : LightCurveModel, optional
        The model that reads; the default model. The same object each time: its shapes are kept by it.
    priors : Priors, optional
        What a reading believes of a star before; all classes alike by default.
    physics : bool
        Whether a reading draws samples of temperature, luminosity, dust and distance, too.
    ebv : ndarray of float64, shape (N,), optional
        True E(B-V) that it knows in front of the stars, as from a map.

    Returns
    -------
    FoundPeriods
        One row per star, which does not depend on the other stars.
    """
    if check_method(method) == "harmonic":
        return FoundPeriods(periods=search(light_curves, baseline=baseline, period_range=period_range))
    # Only a reading pays for what it imports.
    from pelsvae_cadence.inference.infer import infer

    posterior = infer(
        light_curves, model=model, priors=priors, period_range=period_range, physics=physics, ebv=ebv
    )
    return FoundPeriods(periods=periods_of_posterior(posterior, baseline, period_range), posterior=posterior)


def periods_of_posterior(
    posterior: Posterior, baseline: float, period_range: tuple[float, float] = PERIOD_RANGE
) -> PeriodResult:
    r"""Put a posterior into the form of a period search's result.

    The false-alarm probability is :math:`1 - p`, p being the probability that the frequency is right to
    a tenth of 1/span (`Posterior.period_probability`): not only noise, also an alias is a false alarm.
    Scores are natural logarithms of the probabilities of the frequencies, and "power" is that of the
    odds of a period against none.

    Parameters
    ----------
    posterior : Posterior
        What `pelsvae_cadence.infer` gives of N stars.
    baseline : float
        Nominal time span in days, of verdicts.
    period_range : tuple of float
        Range of trial periods in days.

    Returns
    -------
    PeriodResult
        The same stars. Where no frequency is that of any shape the status is "no variation".
    """
    found = np.isfinite(posterior.period)
    words = [_STATUS.get(word, word) for word in posterior.status.tolist()]
    status = np.where(~found & (np.array(words) == "ok"), "no variation", words)
    with np.errstate(divide="ignore"):
        scores = np.log(posterior.candidate_probabilities)
    scores = np.where(np.isfinite(posterior.candidate_frequencies), scores, np.nan)
    return PeriodResult(
        star_id=posterior.star_id.copy(),
        frequency=posterior.frequency,
        score=np.where(found, scores[:, 0], np.nan),
        n_harmonics=np.zeros(len(posterior), dtype=np.int64),
        power=posterior.log_odds.copy(),
        false_alarm_probability=np.where(found, 1.0 - posterior.period_probability, 1.0),
        top_frequencies=posterior.candidate_frequencies.copy(),
        top_scores=scores,
        n_points=posterior.n_points.copy(),
        status=status,
        grid=FrequencyGrid.from_baseline(baseline, period_range, _OVERSAMPLING),
        options={**posterior.options, "method": "learned", "baseline": baseline},
    )


def class_probabilities(posterior: Posterior, classes: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """Give the probabilities of some classes, given that a star is of one of them.

    Parameters
    ----------
    posterior : Posterior
        What `pelsvae_cadence.infer` gives of N stars.
    classes : tuple of str
        K of its classes.

    Returns
    -------
    ndarray of float64, shape (N, K)
        Rows add up to one; alike for a star without an answer.

    Raises
    ------
    InputError
        If the posterior does not tell a class.
    """
    for name in classes:
        if name not in posterior.classes:
            raise InputError(f"a reading does not tell {name!r}", allowed=", ".join(posterior.classes[:-1]))
    told = posterior.class_probability[:, [posterior.classes.index(name) for name in classes]]
    total = told.sum(axis=1, keepdims=True)
    return np.where(total > 0.0, told / np.where(total > 0.0, total, 1.0), 1.0 / len(classes))

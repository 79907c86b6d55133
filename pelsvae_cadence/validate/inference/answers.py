"""What a method says of light curves, in one form: the harmonic search beside the reading with the model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import BoolArray, FloatArray, StrArray
from pelsvae_cadence.core.times import time_span
from pelsvae_cadence.inference.fit import draw_shapes
from pelsvae_cadence.inference.infer import infer
from pelsvae_cadence.inference.posterior import Posterior
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods.search import search

__all__ = [
    "Answers",
    "Method",
    "Question",
    "answers_of_model",
    "answers_of_posterior",
    "answers_of_search",
    "drift",
]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of stars beside their light curves.

    Parameters
    ----------
    period_range : tuple of float
        Shortest and longest trial period in days.
    priors : Priors
        What is believed of the stars; all classes alike by default. The search knows none.
    baseline : float, optional
        Time span in days that sets the frequency step of the search; that of all points by default.
    """

    period_range: tuple[float, float]
    priors: Priors = field(default_factory=Priors)
    baseline: float | None = None


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The answers of a method for N stars.

    Parameters
    ----------
    frequency : ndarray of float64, shape (N,)
        Best frequencies in 1/d; NaN where there is none.
    probability : ndarray of float64, shape (N,)
        Stated probability that it is right; 0 where there is none.
    candidates : ndarray of float64, shape (N, k)
        Frequencies, best first, padded with NaN.
    false_alarm : ndarray of float64, shape (N,)
        Stated probability that a star without a period does as well.
    class_probability : ndarray of float64, shape (N, n_classes)
        Probabilities of classes; no columns where the method tells none.
    classes : tuple of str
        Their names.
    seconds : float
        Processor time that all of them took.
    """

    frequency: FloatArray
    probability: FloatArray
    candidates: FloatArray
    false_alarm: FloatArray
    class_probability: FloatArray
    classes: tuple[str, ...]
    seconds: float = float("nan")

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Give all fields as arrays, to be kept or sent."""
        return {
            **{name: getattr(self, name) for name in _ROWS},
            "classes": np.array(self.classes, dtype=np.str_),
            "seconds": np.array(self.seconds),
        }

    @classmethod
    def of_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> Answers:
        """Make answers of what `to_arrays` gives."""
        return cls(
            **{name: arrays[name] for name in _ROWS},
            classes=tuple(arrays["classes"].tolist()),
            seconds=float(arrays["seconds"]),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Answers]) -> Answers:
        """Join answers of one method."""
        return cls(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _ROWS},
            classes=parts[0].classes,
            seconds=float(sum(part.seconds for part in parts)),
        )

    @property
    def star_class(self) -> StrArray:
        """Most probable class, "" where the method tells none."""
        if not self.classes:
            return np.full(self.frequency.size, "", dtype=np.str_)
        known = np.where(np.isfinite(self.class_probability), self.class_probability, -1.0)
        return np.asarray(np.array(self.classes, dtype=np.str_)[np.argmax(known, axis=1)])

    def near(self, period: FloatArray, ratio: float = 1.0) -> BoolArray:
        """Tell whose period is that many times the true one to one per cent."""
        return np.asarray(np.abs(1.0 / self.frequency / (ratio * period) - 1.0) < 0.01)

    def among(self, period: FloatArray) -> BoolArray:
        """Tell whose five best candidates hold the true period to one per cent."""
        found = np.abs(self.candidates[:, :5] * period[:, None] - 1.0) < 0.01
        return np.asarray(found.any(axis=1))


# The fields with a row a star.
_ROWS = ("frequency", "probability", "candidates", "false_alarm", "class_probability")

#: A method: light curves and what is asked of them in, answers out.
Method = Callable[[LightCurves, Question], Answers]


def drift(answers: Answers, light_curves: LightCurves, period: FloatArray) -> FloatArray:
    """Give the drift of the best period from the true one in cycles over each star's own span."""
    span = np.array([time_span(light_curves.mjd[light_curves.rows(i)]) for i in range(len(light_curves))])
    return np.asarray(np.abs(answers.frequency - 1.0 / period) * span)


def answers_of_search(light_curves: LightCurves, question: Question) -> Answers:
    """Let the harmonic search answer; what it states is one less its false-alarm probability."""
    start = time.process_time()
    found = search(light_curves, period_range=question.period_range, baseline=question.baseline)
    return Answers(
        frequency=found.frequency,
        probability=np.where(np.isfinite(found.frequency), 1.0 - found.false_alarm_probability, 0.0),
        candidates=found.top_frequencies,
        false_alarm=found.false_alarm_probability,
        class_probability=np.empty((len(found), 0)),
        classes=(),
        seconds=time.process_time() - start,
    )


def answers_of_posterior(posterior: Posterior, seconds: float = float("nan")) -> Answers:
    """Put a posterior into the form that is judged."""
    known = np.isfinite(posterior.period) & np.isfinite(posterior.period_probability)
    with np.errstate(divide="ignore"):
        frequency = np.where(known, 1.0 / posterior.period, np.nan)
    return Answers(
        frequency=frequency,
        probability=np.where(known, posterior.period_probability, 0.0),
        candidates=np.asarray(posterior.candidate_frequencies),
        false_alarm=np.asarray(posterior.no_period_probability),
        class_probability=np.asarray(posterior.class_probability),
        classes=tuple(posterior.classes),
        seconds=seconds,
    )


def answers_of_model(seed: int = 0) -> Method:
    """Give the reading with the model as a method; the time for the shape bank is not that of a star."""

    def answer(light_curves: LightCurves, question: Question) -> Answers:
        draw_shapes(seed=seed)
        start = time.process_time()
        posterior = infer(light_curves, period_range=question.period_range, priors=question.priors, seed=seed)
        return answers_of_posterior(posterior, time.process_time() - start)

    return answer

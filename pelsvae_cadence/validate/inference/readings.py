"""Readings: what two methods say of the same stars, and which periods count as right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pelsvae_cadence.core.arrays import BoolArray
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.periods.verdicts import TOLERANCE
from pelsvae_cadence.validate.inference.answers import Answers, Method, Question, drift
from pelsvae_cadence.validate.inference.real_sets import RealSet

__all__ = ["CRITERIA", "Outcome", "Reading", "read"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Stars, and what the method that is judged and the harmonic search say of them.

    Parameters
    ----------
    stars : RealSet
        The stars.
    ours, theirs : Answers
        Of the method that is judged, and of the search.
    prior : tuple of str
        Classes that the method that is judged was told of, all alike; empty for all classes.
    """

    stars: RealSet
    ours: Answers
    theirs: Answers
    prior: tuple[str, ...] = ()

    @property
    def prior_words(self) -> str:
        """The classes that the stars were read with."""
        return "+".join(self.prior) or "all classes"

    @property
    def held(self) -> bool:
        """Whether the set's targets speak of this prior."""
        return self.prior == self.stars.template_classes


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A reading, and what counts as right in it.

    Parameters
    ----------
    name : str
        Name of the set.
    reading : Reading
        The reading.
    criterion : str
        Out of `CRITERIA`: by which periods are right.
    """

    name: str
    reading: Reading
    criterion: str

    @property
    def right(self) -> BoolArray:
        """Which of our periods are right."""
        return CRITERIA[self.criterion](self.reading.ours, self.reading.stars)

    @property
    def right_of_search(self) -> BoolArray:
        """Which periods of the search are right."""
        return CRITERIA[self.criterion](self.reading.theirs, self.reading.stars)

    @property
    def exact(self) -> BoolArray:
        """Which of our periods drift by less than a tenth of a cycle over the star's span.

        This is what a stated probability speaks of, whatever a set counts as right.
        """
        return CRITERIA["drift < 0.1"](self.reading.ours, self.reading.stars)

    @property
    def near(self) -> BoolArray:
        """Which of our periods are right to one per cent."""
        return CRITERIA["within 1 %"](self.reading.ours, self.reading.stars)


def read(
    stars: RealSet, ours: Method, theirs: Method, priors: Sequence[tuple[str, ...]] = ((),)
) -> list[Reading]:
    """Let both methods read stars in the range of periods of their set, with one prior after the other."""
    beside = theirs(stars.light_curves, Question(period_range=stars.period_range))
    readings = []
    for classes in priors:
        believed = Priors(classes=dict.fromkeys(classes, 1.0)) if classes else Priors()
        found = ours(stars.light_curves, Question(period_range=stars.period_range, priors=believed))
        readings.append(Reading(stars=stars, ours=found, theirs=beside, prior=classes))
    return readings


def _exact(answers: Answers, stars: RealSet) -> BoolArray:
    cycles = [drift(answers, stars.light_curves, period) for period in stars.periods]
    return np.asarray(np.min(cycles, axis=0, where=np.isfinite(cycles), initial=np.inf) < TOLERANCE)


def _within(answers: Answers, stars: RealSet) -> BoolArray:
    return np.asarray(np.any([answers.near(period) for period in stars.periods], axis=0))


def _half_allowed(answers: Answers, stars: RealSet) -> BoolArray:
    return answers.near(stars.period) | answers.near(stars.period, 0.5)


def _doubled(answers: Answers, stars: RealSet) -> BoolArray:
    return answers.near(stars.period, 2.0)


def _absurd(answers: Answers, stars: RealSet) -> BoolArray:
    sane = np.zeros(len(stars), dtype=np.bool_)
    for ratio in (1.0, 0.5, 2.0, 1.0 / 3.0):
        sane |= answers.near(stars.period, ratio)
    return np.asarray(np.isfinite(answers.frequency) & ~sane)


def _class(answers: Answers, stars: RealSet) -> BoolArray:
    return np.asarray(answers.star_class == stars.star_class)


def _among(answers: Answers, stars: RealSet) -> BoolArray:
    return answers.among(stars.period)


#: What may be counted, in words.
CRITERIA: Final[dict[str, Callable[[Answers, RealSet], BoolArray]]] = {
    "within 1 %": _within,
    "drift < 0.1": _exact,
    "within 1 %, halves allowed": _half_allowed,
    "doubled": _doubled,
    "absurd": _absurd,
    "class": _class,
    "one of five within 1 %": _among,
}

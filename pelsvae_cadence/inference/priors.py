"""Prior probabilities of classes, of shapes that nobody has seen, and of having no period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError, did_you_mean

__all__ = ["Priors"]

_UNSEEN: Final = 0.1
_NO_PERIOD: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class Priors:
    """What is believed of a star before it is seen.

    Parameters
    ----------
    classes : mapping of str to float
        Relative weights of classes; those left out are excluded. All classes alike by default.
    unseen : float
        Prior probability of a period with a shape unlike those of all classes.
    no_period : float
        Prior probability of variation without a period, constancy included.

    Raises
    ------
    InputError
        If a class is unknown or a weight is negative, not finite, or nothing is left.

    Examples
    --------
    >>> Priors(classes={"RRLYR": 1.0}, unseen=0.05).class_weights()["RRLYR"]
    0.85
    """

    classes: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(STAR_CLASSES, 1.0))
    unseen: float = _UNSEEN
    no_period: float = _NO_PERIOD

    def __post_init__(self) -> None:
        for name, weight in self.classes.items():
            if name not in STAR_CLASSES:
                raise InputError(
                    f"priors: unknown class {name!r}",
                    allowed=", ".join(STAR_CLASSES),
                    remedy=did_you_mean(name, STAR_CLASSES),
                )
            if not (np.isfinite(weight) and weight >= 0.0):
                raise InputError(f"priors: weight {weight!r} of class {name!r}", allowed="0 or more")
        for name, value in (("unseen", self.unseen), ("no_period", self.no_period)):
            if not (np.isfinite(value) and 0.0 <= value < 1.0):
                raise InputError(f"priors: {name} = {value!r}", allowed="0 or more, less than 1")
        if self.unseen + self.no_period >= 1.0 or not sum(self.classes.values()) > 0.0:
            raise InputError(
                "priors leave nothing for the classes",
                remedy="Give a class a weight above 0, and unseen + no_period a sum below 1.",
            )

    def class_weights(self) -> dict[str, float]:
        """Give the prior probability of each class that is not excluded."""
        total = sum(self.classes.values())
        left = 1.0 - self.unseen - self.no_period
        return {
            name: round(left * weight / total, 12) for name, weight in self.classes.items() if weight > 0.0
        }

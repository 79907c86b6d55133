"""Figures of merit: what `pelsvae_cadence validate` prints, with targets, data and seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Figure", "Report", "less_sigmas", "share_error"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of merit.

    Parameters
    ----------
    name : str
        What was measured.
    value : float
        The measured value.
    unit : str
        Unit of the value, ``""`` if it has none.
    target : str
        The requirement in words, e.g. ``"<= 0.05"``; ``""`` for a figure that only informs.
    passed : bool or None
        Whether the requirement holds; None where there is none.
    note : str
        Anything a reader must know beside it (sample size, error, reference value).
    """

    name: str
    value: float
    unit: str = ""
    target: str = ""
    passed: bool | None = None
    note: str = ""

    @classmethod
    def within(
        cls,
        name: str,
        value: float,
        low: float = -math.inf,
        high: float = math.inf,
        *,
        error: float = 0.0,
        unit: str = "",
        note: str = "",
    ) -> Figure:
        """Make a figure that must lie in a closed range, within two of its standard errors.

        Parameters
        ----------
        name : str
            What was measured.
        value : float
            The measured value.
        low, high : float
            The range; infinities leave a side open, both leave the figure without a target.
        error : float
            Standard error of the value; 0 where there is none.
        unit, note : str
            See the class.

        Returns
        -------
        Figure
            With target and verdict filled in; an error leads the note.
        """
        note = "; ".join(text for text in (f"+- {error:.2g}" if error else "", note) if text)
        if math.isinf(low) and math.isinf(high):
            return cls(name=name, value=value, unit=unit, note=note)
        target = f"<= {high:g}" if math.isinf(low) else f">= {low:g}" if math.isinf(high) else ""
        slack = 2.0 * error
        passed = bool(low - slack <= value <= high + slack)
        if passed != (low <= value <= high):
            note += "; met within two standard errors"
        target = target or f"{low:g} .. {high:g}"
        return cls(name=name, value=value, unit=unit, target=target, passed=passed, note=note)

    @classmethod
    def share(
        cls, name: str, hits: npt.NDArray[np.generic], least: float | None = None, *, note: str = ""
    ) -> Figure:
        """Make a figure of a share of things, with its number and standard error in the note.

        Parameters
        ----------
        name : str
            What was measured.
        hits : ndarray, shape (n,)
            Whether each counts.
        least : float, optional
            The least share required.
        note : str
            What else a reader must know.

        Returns
        -------
        Figure
            With target and verdict where something is required.
        """
        value, n = float(hits.mean()), hits.size
        words = "; ".join(filter(None, [f"n = {n}, +-{share_error(value, n):.3f}", note]))
        if least is None:
            return cls(name=name, value=value, note=words)
        return cls.within(name, value, least, note=words)


def share_error(share: float, n: int) -> float:
    """Estimate the standard error of a share."""
    return float(np.sqrt(max(share * (1.0 - share), 1.0 / n) / n))


def less_sigmas(rate: float, n: int, sigmas: float = 3.0) -> float:
    """Give the least share that a sample of a known rate should show."""
    return round(rate - sigmas * float(np.sqrt(rate * (1.0 - rate) / n)), 2)


@dataclass(frozen=True, kw_only=True)
class Report:
    """The figures of merit of one topic.

    Parameters
    ----------
    topic : str
        Name of the topic, as given on the command line.
    data : str
        The data behind the figures.
    seed : int
        The random seed behind the figures.
    figures : tuple of Figure
        The figures, in reading order.
    extra : mapping, optional
        Anything else that is worth keeping in the JSON form (tables, versions).
    """

    topic: str
    data: str
    seed: int
    figures: tuple[Figure, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether no requirement is missed."""
        return all(figure.passed is not False for figure in self.figures)

    def as_dict(self) -> dict[str, Any]:
        """Make a JSON-able dictionary.

        Returns
        -------
        dict
            All fields, with ``passed`` beside them.
        """
        return {**asdict(self), "passed": self.passed}

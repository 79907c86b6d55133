"""Figures of merit: what `pelsvae_cadence validate` prints, with targets, data and seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Figure", "Report"]


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
        cls, name: str, value: float, low: float, high: float, *, unit: str = "", note: str = ""
    ) -> Figure:
        """Make a figure that must lie in a closed range.

        Parameters
        ----------
        name : str
            What was measured.
        value : float
            The measured value.
        low, high : float
            The range; infinities leave a side open.
        unit, note : str
            See the class.

        Returns
        -------
        Figure
            With target and verdict filled in.
        """
        if low == float("-inf"):
            target = f"<= {high:g}"
        elif high == float("inf"):
            target = f">= {low:g}"
        else:
            target = f"{low:g} .. {high:g}"
        passed = bool(low <= value <= high)
        return cls(name=name, value=value, unit=unit, target=target, passed=passed, note=note)


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

"""Surveys whose filters, noise and field of view the package knows, by name."""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["SURVEYS", "SurveyName"]

SurveyName = Literal["lsst", "ztf", "joint"]
#: ``"joint"`` is several surveys at one position, whose bands carry the package's own names.
SURVEYS: Final[tuple[SurveyName, ...]] = ("lsst", "ztf", "joint")

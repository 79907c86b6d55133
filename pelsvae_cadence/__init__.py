"""Learned periodic variable stars, observed at simulated LSST and ZTF cadences.

A source model (a PELS-VAE decoder) draws periodic variables from period, effective temperature and
absolute magnitude; a survey says when it looked, in which band and how deep; together they give
light curves, and blind period searches say which stars the survey would understand.

Names below are imported when first used, so that ``import pelsvae_cadence`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pelsvae_cadence.cadence import Survey, SyntheticSurvey, Visits, read_survey
    from pelsvae_cadence.core.errors import InputError
    from pelsvae_cadence.light_curves import LightCurves
    from pelsvae_cadence.periods import search
    from pelsvae_cadence.core.phase_curve import PhaseCurve
    from pelsvae_cadence.simulation.simulate import simulate
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.stars import Stars

__version__: Final = "0.1.0"

__all__ = [
    "InputError",
    "LightCurveModel",
    "LightCurves",
    "PhaseCurve",
    "Stars",
    "Survey",
    "SyntheticSurvey",
    "Visits",
    "read_survey",
    "search",
    "simulate",
]

_HOMES: Final[dict[str, str]] = {
    "InputError": "errors",
    "LightCurveModel": "source",
    "LightCurves": "light_curves",
    "PhaseCurve": "phase_curve",
    "Stars": "stars",
    "Survey": "cadence",
    "SyntheticSurvey": "cadence",
    "Visits": "cadence",
    "read_survey": "cadence",
    "search": "periods",
    "simulate": "simulation",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"pelsvae_cadence.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

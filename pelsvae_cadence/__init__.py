"""Learned periodic variable stars, observed at simulated LSST and ZTF cadences.

A source model (a PELS-VAE decoder) draws periodic variables from period, effective temperature and
absolute magnitude; a survey says when it looked, in which band and how deep; together they give
light curves, and blind period searches say which stars the survey would understand.

Names below are imported when first used, so that ``import pelsvae_cadence`` stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelsvae_cadence.core.doors import answer_former_paths, names_on_first_use
from pelsvae_cadence.core.version import __version__

if TYPE_CHECKING:
    from pelsvae_cadence.cadence import Survey, SyntheticSurvey, Visits, read_survey
    from pelsvae_cadence.core.errors import InputError
    from pelsvae_cadence.core.phase_curve import PhaseCurve
    from pelsvae_cadence.inference.fit import fit
    from pelsvae_cadence.inference.infer import infer
    from pelsvae_cadence.inference.posterior import Posterior
    from pelsvae_cadence.inference.priors import Priors
    from pelsvae_cadence.inference.visit_value.visit_value import visit_value
    from pelsvae_cadence.light_curves import LightCurves
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.periods import search
    from pelsvae_cadence.readers import read_light_curves
    from pelsvae_cadence.simulation.simulate import simulate
    from pelsvae_cadence.stars import Stars

__all__ = [
    "InputError",
    "LightCurveModel",
    "LightCurves",
    "PhaseCurve",
    "Posterior",
    "Priors",
    "Stars",
    "Survey",
    "SyntheticSurvey",
    "Visits",
    "__version__",
    "fit",
    "infer",
    "read_light_curves",
    "read_survey",
    "search",
    "simulate",
    "visit_value",
]

__getattr__ = names_on_first_use(
    __name__,
    {
        "InputError": "core.errors",
        "LightCurveModel": "model.source",
        "LightCurves": "light_curves",
        "PhaseCurve": "core.phase_curve",
        "Posterior": "inference.posterior",
        "Priors": "inference.priors",
        "Stars": "stars",
        "Survey": "cadence.survey",
        "SyntheticSurvey": "cadence.synthetic.survey",
        "Visits": "cadence.visits",
        "fit": "inference.fit",
        "infer": "inference.infer",
        "read_light_curves": "readers.front_door",
        "read_survey": "cadence.tables",
        "search": "periods.search",
        "simulate": "simulation.simulate",
        "visit_value": "inference.visit_value.visit_value",
    },
)
answer_former_paths()


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

"""When, in which band and how deep a survey looks at a sky position."""

from pelsvae_cadence.cadence.changes.executed import SplicedSurvey, splice
from pelsvae_cadence.cadence.changes.joint import JointSurvey
from pelsvae_cadence.cadence.changes.strategies import STRATEGIES, strategy
from pelsvae_cadence.cadence.changes.transforms import (
    ChangedCadence,
    dithered_seasons,
    first_years,
    shifted,
    start_of,
    thinned,
    without_bands,
    without_pairs,
)
from pelsvae_cadence.cadence.survey import FOV_RADIUS, Cadence, Survey
from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.cadence.tables import read_survey, survey_from_frame
from pelsvae_cadence.cadence.visits import Visits

__all__ = [
    "FOV_RADIUS",
    "STRATEGIES",
    "Cadence",
    "ChangedCadence",
    "JointSurvey",
    "SplicedSurvey",
    "Survey",
    "SyntheticSurvey",
    "Visits",
    "dithered_seasons",
    "first_years",
    "read_survey",
    "shifted",
    "splice",
    "start_of",
    "strategy",
    "survey_from_frame",
    "thinned",
    "without_bands",
    "without_pairs",
]

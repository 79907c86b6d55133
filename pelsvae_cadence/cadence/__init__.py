"""When, in which band and how deep a survey looks at a sky position."""

from pelsvae_cadence.cadence.survey import FOV_RADIUS, Cadence, Survey
from pelsvae_cadence.cadence.synthetic import SyntheticSurvey
from pelsvae_cadence.cadence.tables import read_survey, survey_from_frame
from pelsvae_cadence.cadence.visits import Visits

__all__ = [
    "FOV_RADIUS",
    "Cadence",
    "Survey",
    "SyntheticSurvey",
    "Visits",
    "read_survey",
    "survey_from_frame",
]

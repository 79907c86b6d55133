"""Classes told by the reading with the model, beside the trained classifier, on simulated stars of a year."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from pelsvae_cadence.cadence.changes.transforms import start_of
from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.classify.features.table import DEFAULT_GROUPS, feature_definitions
from pelsvae_cadence.classify.labelled import ClassMix, ObservedMix, mix_light_curves
from pelsvae_cadence.classify.observing import observe_survey, positions_of
from pelsvae_cadence.classify.protocol import SkySplit, cross_validate
from pelsvae_cadence.classify.scores import Predictions, paired_difference, score
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.stars import position_of
from pelsvae_cadence.validate.inference.answers import Answers, Method, Question
from pelsvae_cadence.validate.report import Figure

__all__ = ["class_figures"]

_EACH: Final = 12
# As many as `validate classify` trains on.
_LEAST_POSITIONS: Final = 16
_BLIND: Final = (0.03, 1000.0)
_MOST_BELOW: Final = -0.02


def class_figures(n: int, ours: Method, *, seed: int = 0) -> list[Figure]:
    """Compare the classes of simulated stars after a year with those of the trained classifier.

    Parameters
    ----------
    n : int
        Stars of each class that are read, about: whole positions of twelve each, and three at least.
    ours : callable
        The method that is judged.
    seed : int
        Seed of positions, stars, noise and classifiers.

    Returns
    -------
    list of Figure
        Macro-F1 of both on the same stars of the eight classes, r 17 to 23 under a synthetic LSST, and the
        difference with its error over positions. The classifier is cross-validated over parts of the sky
        and trained on sixteen positions at least.
    """
    from pelsvae_cadence.model.source import LightCurveModel

    survey = SyntheticSurvey(preset="lsst-v3", seed=seed)
    mix = ClassMix(classes=STAR_CLASSES, stars_per_class=_EACH, seed=seed)
    n_read = max(3, math.ceil(n / _EACH))
    positions = positions_of(survey, max(n_read, _LEAST_POSITIONS), seed=seed, min_visits=500)
    (stars,) = observe_survey(survey, positions, mix, years=(1.0,))
    names = [feature.name for feature in feature_definitions(mix.bands, DEFAULT_GROUPS)]
    split = SkySplit.of_positions(stars.ra, stars.dec, 3, seed=seed)
    trained = cross_validate(stars, names, seed=seed, split=split).predictions
    model, end = LightCurveModel.load(), start_of(survey) + JULIAN_YEAR
    told = []
    for ra, dec in positions[:n_read]:
        visits = survey.at(ra, dec)
        seen = mix_light_curves(mix, visits.take(visits.mjd < end), ra, dec, model=model)
        answers = ours(seen.light_curves, Question(period_range=_BLIND))
        told.append(_predictions(seen, answers, trained.classes))
    read = Predictions.concatenate(told)
    same = trained.take(np.isin(trained.star_id, read.star_id))
    lost = paired_difference(read, same, seed=seed)["macro_f1"]
    about = f"n = {len(read)} at {n_read} positions"
    return [
        Figure(
            name="simulated LSST, 1 yr: macro-F1 of the trained classifier",
            value=score(same, seed=seed).macro_f1.value,
            note=about,
        ),
        Figure(
            name="simulated LSST, 1 yr: macro-F1 of the posterior",
            value=score(read, seed=seed).macro_f1.value,
            note=about,
        ),
        Figure.within(
            "simulated LSST, 1 yr: macro-F1 of the posterior, less the classifier's",
            lost.value,
            _MOST_BELOW,
            error=lost.error,
            note=f"{lost.low:+.3f} .. {lost.high:+.3f} over positions; {about}",
        ),
    ]


def _predictions(seen: ObservedMix, answers: Answers, classes: tuple[str, ...]) -> Predictions:
    """Put class probabilities in the order of a classifier's; a class that is not told has none."""
    columns = {name: k for k, name in enumerate(answers.classes)}
    probability = np.zeros((len(seen), len(classes)))
    for k, name in enumerate(classes):
        if name in columns:
            probability[:, k] = np.nan_to_num(answers.class_probability[:, columns[name]])
    return Predictions(
        star_id=seen.light_curves.star_id,
        label=seen.label,
        probability=probability,
        classes=classes,
        position=position_of(seen.light_curves.star_id),
        magnitude=seen.magnitude,
    )

"""The MAF metric: how many years of the survey it takes until stars are told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classify.scores import scores_of_counts
from pelsvae_cadence.classify.survey_classifier import SurveyClassifier
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.metrics.classifiability import ClassifiabilityMetric
from pelsvae_cadence.metrics.position.metric import PositionMetric, value_reducer

__all__ = ["TimeToClassificationMetric"]

# Keywords that MAF wants of this metric and not of the one for a single length of the survey.
_OF_MAF: Final = ("units", "maps", "badval", "mask_val", "comment")


def _years_reducer(percent: int) -> Callable[[Any, dict[str, Any]], float]:
    """Make the reduce method for the time to a mean recall."""
    return value_reducer(f"years_to_{percent}", f"years to a mean recall of {percent} per cent")


class TimeToClassificationMetric(PositionMetric):
    """Years of the survey until the stars of a position are told apart.

    After each of some survey years the visits so far are searched, and the stars are classified
    by the classifier that was trained on as many years. Years count from the survey's first visit.

    Parameters
    ----------
    classifiers : sequence of SurveyClassifier
        What ``train_classifiers(survey, years=(1, 2, 5, 10))`` returns: one a length of the survey,
        rising.
    survey_start : float
        MJD of the survey's first visit (`pelsvae_cadence.metrics.first_visit`).
    metric_name : str
        Name of the metric.
    on_run : callable, optional
        Called after each slice point.
    badval : float, optional
        MAF's value of masked slice points.
    **kwargs
        Everything else of `ClassifiabilityMetric`.

    Raises
    ------
    InputError
        If the classifiers have no rising years, an argument is out of range, or, in `run`, a visit
        is earlier than `survey_start`.

    Notes
    -----
    The value of a slice point is a dictionary: "years", and per year "macro_f1",
    "balanced_accuracy", "log_loss" and "n_visits" (NaN while there are too few visits);
    "years_to_50", "years_to_80", "years_to_90": the first of the years at which the mean recall of
    the classes is that high, NaN if none.
    """

    def __init__(
        self,
        classifiers: Sequence[SurveyClassifier],
        survey_start: float,
        metric_name: str = "TimeToClassification",
        on_run: Callable[[], None] | None = None,
        **kwargs: Any,
    ) -> None:
        lengths = [classifier.years for classifier in classifiers]
        if not lengths or any(y is None for y in lengths):
            raise InputError(
                f"classifiers trained on the years {lengths!r}",
                allowed="one or more, each with its years",
                remedy="Train them with train_classifiers(survey, years=(1, 2, 5, 10)).",
            )
        self.years = np.array(lengths, dtype=np.float64)
        if (np.diff(self.years, prepend=0.0) <= 0).any():
            raise InputError(f"classifiers of the years {lengths!r}", allowed="positive, rising")
        if not np.isfinite(survey_start):
            raise InputError(f"survey_start = {survey_start!r}", allowed="an MJD in days")
        self.classifiers = tuple(classifiers)
        self.survey_start = float(survey_start)
        own = {key: kwargs.pop(key) for key in _OF_MAF if key in kwargs}
        # Composed, not derived: MAF would take the parent's reduce methods for ours.
        self.single = ClassifiabilityMetric(self.classifiers[-1], **kwargs)
        single = self.single
        super().__init__(
            single.columns,
            metric_name,
            survey=single.survey,
            ebv=single.ebv,
            min_visits=single.min_visits,
            max_visits=single.max_visits,
            on_run=on_run,
            **own,
        )
        self.comment = (
            f"Survey years until {self.single.mix.stars_per_class} simulated stars of each of "
            f"{len(self.single.mix.classes)} classes per position are told apart."
        )

    def _run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None) -> dict[str, Any] | None:
        # Refuses what is missing, by its name.
        if self.look(data_slice, slice_point) is None:
            return None
        column = self.columns.mjd
        mjd = np.asarray(data_slice[column], dtype=np.float64)
        if mjd.min() < self.survey_start:
            raise InputError(
                f"a visit at MJD {mjd.min():.4f} lies before survey_start = {self.survey_start:.4f}",
                remedy="Give the time of the survey's first visit.",
            )
        shape = self.years.size
        value: dict[str, Any] = {"years": self.years}
        for key in ("macro_f1", "balanced_accuracy", "log_loss"):
            value[key] = np.full(shape, np.nan)
        value["n_visits"] = np.zeros(shape)
        for i, classifier in enumerate(self.classifiers):
            so_far = data_slice[mjd < self.survey_start + self.years[i] * JULIAN_YEAR]
            value["n_visits"][i] = len(so_far)
            predictions, _, _ = self.single.classify(so_far, slice_point, classifier)
            if predictions is None:
                continue
            scores = scores_of_counts(predictions.confusion().astype(np.float64))
            value["macro_f1"][i] = scores["macro_f1"]
            value["balanced_accuracy"][i] = scores["balanced_accuracy"]
            value["log_loss"][i] = predictions.surprise.mean()
        for percent in (50, 80, 90):
            reached = np.flatnonzero(value["balanced_accuracy"] >= percent / 100.0 - 1e-9)
            value[f"years_to_{percent}"] = self.years[reached[0]] if reached.size else np.nan
        if not np.isfinite(value["macro_f1"]).any():
            return None
        return value

    # MAF finds reduce methods by their names.
    reduce_years_to_50 = _years_reducer(50)
    reduce_years_to_80 = _years_reducer(80)
    reduce_years_to_90 = _years_reducer(90)
    reduce_macro_f1_year_1 = value_reducer("macro_f1", "mean F1 score", year=1)
    reduce_macro_f1_year_2 = value_reducer("macro_f1", "mean F1 score", year=2)
    reduce_macro_f1_year_5 = value_reducer("macro_f1", "mean F1 score", year=5)
    reduce_macro_f1_year_10 = value_reducer("macro_f1", "mean F1 score", year=10)

"""MAF metric of time to classification: survey years until stars are told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
from typing_extensions import Unpack, override

from pelsvae_cadence.classify.survey_classifier import SurveyClassifier
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.classifiability import AllClassifiabilityKeywords, ClassifiabilityMetric
from pelsvae_cadence.metrics.position.years import YearsMetric

__all__ = ["TimeToClassificationMetric"]

_SCORES: Final = ("macro_f1", "balanced_accuracy", "log_loss")
# Mean recalls whose years are told.
_PERCENT: Final = (50, 80, 90)


class TimeToClassificationMetric(YearsMetric):
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
    **options
        All options of `ClassifiabilityMetric`.

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

    REDUCED: ClassVar = {
        **{f"years_to_{p}": f"years to a mean recall of {p} per cent" for p in _PERCENT},
        **{f"macro_f1_year_{y}": "mean F1 score" for y in (1, 2, 5, 10)},
    }

    def __init__(
        self,
        classifiers: Sequence[SurveyClassifier],
        survey_start: float,
        metric_name: str = "TimeToClassification",
        *,
        on_run: Callable[[], None] | None = None,
        **options: Unpack[AllClassifiabilityKeywords],
    ) -> None:
        years = [classifier.years for classifier in classifiers if classifier.years is not None]
        if len(years) < max(len(classifiers), 1):
            raise InputError(
                f"classifiers trained on the years {[one.years for one in classifiers]!r}",
                allowed="one or more, each with its years",
                remedy="Train them with train_classifiers(survey, years=(1, 2, 5, 10)).",
            )
        self.classifiers = tuple(classifiers)
        # Composed, not derived: MAF would take the parent's reduce methods for ours.
        self.single = ClassifiabilityMetric(self.classifiers[-1], **options)
        super().__init__(self.single.options, metric_name, years, survey_start, on_run=on_run)
        self.comment = (
            f"Survey years until {self.single.mix.stars_per_class} simulated stars of each of "
            f"{len(self.single.mix.classes)} classes per position are told apart."
        )

    @override
    def _run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None) -> dict[str, Any] | None:
        if self._look(data_slice, slice_point) is None:  # refuses what is missing, by its name
            return None
        elapsed = self._elapsed(data_slice)
        value: dict[str, Any] = {"years": self.years}
        value |= {key: np.full(self.years.size, np.nan) for key in _SCORES}
        value["n_visits"] = np.zeros(self.years.size)
        for i, classifier in enumerate(self.classifiers):
            so_far = data_slice[elapsed < self.years[i]]
            value["n_visits"][i] = len(so_far)
            found = self.single._judge(so_far, slice_point, classifier)
            if found is not None:
                for key in _SCORES:
                    value[key][i] = found[key]
        for percent in _PERCENT:
            value[f"years_to_{percent}"] = self._years_to(value["balanced_accuracy"], percent)
        return value if np.isfinite(value["macro_f1"]).any() else None

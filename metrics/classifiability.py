"""MAF metric of classification: recall and F1 of classes at a sky position."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, TypedDict

import numpy as np
import numpy.typing as npt
from typing_extensions import Unpack, override

from pelsvae_cadence.cadence.survey import Cadence
from pelsvae_cadence.cadence.tables import read_survey
from pelsvae_cadence.classes import CLASS_DESCRIPTIONS, STAR_CLASSES
from pelsvae_cadence.classify.labelled import (
    LABELS,
    SURVEY_BANDS,
    ClassMix,
    class_mix_for,
    mix_light_curves,
    observe_mix,
)
from pelsvae_cadence.classify.scores import Predictions, scores_of_counts
from pelsvae_cadence.classify.survey_classifier import SurveyClassifier, train_on_survey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.containers import whole_number
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.metrics.position.methods import (
    FALSE_ALARM_LEVEL,
    Method,
    check_method,
    class_probabilities,
    find_periods,
    named_by_method,
)
from pelsvae_cadence.metrics.position.metric import Look, PositionMetric
from pelsvae_cadence.metrics.position.observe import load_model
from pelsvae_cadence.metrics.position.options import SliceKeywords, SliceOptions, TableKeywords
from pelsvae_cadence.periods.verdicts import judge
from pelsvae_cadence.stars import position_of

__all__ = [
    "AllClassifiabilityKeywords",
    "ClassifiabilityKeywords",
    "ClassifiabilityMetric",
    "ClassifiabilityOptions",
    "TrainingKeywords",
    "train_classifiers",
]


class TrainingKeywords(TypedDict, total=False):
    """Keywords of `pelsvae_cadence.classify.train_on_survey`."""

    positions: Sequence[tuple[float, float]] | None
    n_positions: int
    mix: ClassMix | None
    years: Sequence[float | None]
    start: float | None
    groups: Sequence[str]
    estimator: Any
    n_parts: int
    ebv: float | Sequence[float]
    model: str
    checkpoint_dir: str | Path | None
    workers: int
    progress: Callable[[int, int], None] | None


class ClassifiabilityKeywords(SliceKeywords, total=False):
    """Keywords of `ClassifiabilityMetric` that do not depend on the table: see `ClassifiabilityOptions`."""

    stars_per_class: int | None
    method: Method
    model: str


class AllClassifiabilityKeywords(ClassifiabilityKeywords, TableKeywords, total=False):
    """All keywords of `ClassifiabilityMetric`."""


@dataclass(frozen=True, kw_only=True)
class ClassifiabilityOptions(SliceOptions):
    """Which stars are observed and classified at a slice point.

    Parameters
    ----------
    stars_per_class : int, optional
        Stars of each class at each slice point; as in the mix by default.
    method : {"harmonic", "learned"}
        How stars are told apart: by a classifier trained on features of the harmonic search, or by reading
        their light curves with the source model, which needs no training; all classes of the mix alike.
    model : str
        Name or path of the source model.

    See Also
    --------
    pelsvae_cadence.metrics.position.options.SliceOptions : The columns, and which visits count.
    """

    stars_per_class: int | None = None
    method: Method = "harmonic"
    model: str = "default"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_method(self.method)
        if self.stars_per_class is not None:
            whole_number("stars_per_class", self.stars_per_class, 1)


def train_classifiers(
    survey: str | Path | Cadence, *, constraint: str = "", **options: Unpack[TrainingKeywords]
) -> tuple[SurveyClassifier, ...]:
    """Train the classifiers of a survey: the one call before the bundle.

    Parameters
    ----------
    survey : str, Path, Survey or SyntheticSurvey
        A database or table, or a survey in memory.
    constraint : str
        SQL condition on the visits; give the bundle the same one.
    **options
        Options of `pelsvae_cadence.classify.train_on_survey`: years, positions or n_positions, mix,
        groups, estimator, ebv, model, checkpoint_dir, workers, progress.

    Returns
    -------
    tuple of SurveyClassifier
        One for each of the years, lengths of the survey; None is all of it.

    Raises
    ------
    InputError
        If the survey cannot be read, or a constraint is given for one that is in memory.
    """
    if isinstance(survey, (str, Path)):
        cadence: Cadence = read_survey(survey, constraint=constraint)
    else:
        if constraint:
            raise InputError(
                f"constraint {constraint!r} on {survey.name}, which is already in memory",
                remedy="Give the file, or apply the condition before.",
            )
        cadence = survey
    return train_on_survey(cadence, **options)


class ClassifiabilityMetric(PositionMetric):
    """How well the stars of a position are told apart, by a classifier or a reading.

    At each slice point the stars of a mix of classes are drawn, observed at every visit, searched
    for periods, measured and classified. The classifiers are those of `train_classifiers`; at any
    position the one answers that was trained without this part of the sky, so that a map of the
    metric is one of held-out stars. Trained on the same survey, they say what this survey can do;
    trained on another one and kept, they say what a frozen classifier will do here.

    With ``method="learned"`` there is no classifier: the class is the most probable one of
    `pelsvae_cadence.infer`, all classes of the mix being alike before.

    Parameters
    ----------
    classifier : SurveyClassifier, optional
        What `train_classifiers` returns; None for a reading.
    metric_name : str
        Name of the metric; "Classifiability", and the method where it is "learned".
    mix : ClassMix, optional
        The stars of a reading, of the eight classes; `class_mix_for` the survey by default. Those of a
        classifier are its own.
    on_run : callable, optional
        Called after each slice point.
    **options
        stars_per_class, method and model (`ClassifiabilityOptions`); survey, names of columns, ebv,
        min_visits, max_visits and the others of
        `pelsvae_cadence.metrics.position.options.SliceOptions`.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    The value of a slice point is a dictionary: "macro_f1", "balanced_accuracy", "log_loss",
    "recall_<class>", "recovered" (fraction of periodic stars with their period), "n_visits",
    "confusion" (counts by true and predicted class), and per star "star_id", "label", "predicted",
    "probability", "magnitude".
    """

    REDUCED: ClassVar = {
        "macro_f1": "mean F1 score of the classes",
        "balanced_accuracy": "mean recall of the classes",
        "log_loss": "mean of minus ln of the probability of the truth",
        "recovered": "fraction of stars with their period",
        **{f"recall_{name}": f"recall of {CLASS_DESCRIPTIONS.get(name, name)}" for name in LABELS},
    }
    options: ClassifiabilityOptions

    def __init__(
        self,
        classifier: SurveyClassifier | None = None,
        metric_name: str | None = None,
        *,
        mix: ClassMix | None = None,
        on_run: Callable[[], None] | None = None,
        **options: Unpack[AllClassifiabilityKeywords],
    ) -> None:
        chosen = ClassifiabilityOptions(**options)
        self.classifier = classifier
        self.mix = _mix_of(classifier, mix, chosen)
        if chosen.stars_per_class is not None:
            self.mix = replace(self.mix, stars_per_class=int(chosen.stars_per_class))
        name = named_by_method("Classifiability", chosen.method) if metric_name is None else metric_name
        super().__init__(chosen, name, on_run=on_run)
        judge_words = (
            "by a reading with the learned model, all of them alike"
            if classifier is None
            else f"by a classifier trained elsewhere on {classifier.name}"
        )
        self.comment = (
            f"{self.mix.stars_per_class} simulated stars of each of {len(self.mix.classes)} classes "
            f"per position, told apart {judge_words}."
        )

    @override
    def _run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None) -> dict[str, Any] | None:
        return self._judge(data_slice, slice_point, self.classifier)

    def _judge(
        self,
        data_slice: npt.NDArray[Any],
        slice_point: dict[str, Any] | None,
        classifier: SurveyClassifier | None,
    ) -> dict[str, Any] | None:
        """Observe the stars of a slice point, and tell them apart: by a reading without a classifier."""
        look = self._look(data_slice, slice_point)
        if look is None:
            return None
        if classifier is None:
            predictions, recovered = self._read(look)
        else:
            stars = observe_mix(
                self.mix,
                look.visits,
                look.point.ra,
                look.point.dec,
                model=load_model(self.options.model),
                ebv=look.ebv,
                baseline=look.baseline,
            )
            predictions, recovered = classifier.predict(stars), stars.recovered
        periodic = ~np.isin(predictions.label, LABELS[-2:])
        confusion = predictions.confusion()
        scores = scores_of_counts(confusion.astype(np.float64))
        recall = dict(zip(predictions.classes, scores["recall"].tolist(), strict=True))
        return {
            "macro_f1": float(scores["macro_f1"]),
            "balanced_accuracy": float(scores["balanced_accuracy"]),
            "log_loss": float(predictions.surprise.mean()),
            **{f"recall_{name}": recall.get(name, float("nan")) for name in LABELS},
            "recovered": float(recovered[periodic].mean()) if periodic.any() else float("nan"),
            "n_visits": look.n_visits,
            "confusion": confusion,
            "star_id": predictions.star_id,
            "label": predictions.label,
            "predicted": predictions.predicted,
            "probability": predictions.probability,
            "magnitude": predictions.magnitude,
        }

    def _read(self, look: Look) -> tuple[Predictions, npt.NDArray[np.bool_]]:
        """Observe the stars of a slice point and read them; also say which have their period."""
        model = load_model(self.options.model)
        seen = mix_light_curves(
            self.mix, look.visits, look.point.ra, look.point.dec, model=model, ebv=look.ebv
        )
        found = find_periods(
            seen.light_curves,
            method="learned",
            baseline=look.baseline,
            model=model,
            priors=Priors(classes=dict.fromkeys(self.mix.classes, 1.0)),
        )
        assert found.posterior is not None
        predictions = Predictions(
            star_id=seen.light_curves.star_id,
            label=seen.label,
            probability=class_probabilities(found.posterior, self.mix.classes),
            classes=self.mix.classes,
            position=position_of(seen.light_curves.star_id),
            magnitude=seen.magnitude,
        )
        verdicts = judge(found.periods, seen.period, false_alarm_level=FALSE_ALARM_LEVEL["learned"])
        return predictions, verdicts.recovered


def _mix_of(
    classifier: SurveyClassifier | None, mix: ClassMix | None, options: ClassifiabilityOptions
) -> ClassMix:
    """Give the stars to tell apart; refuse a classifier that is missing, or that nobody asks."""
    if options.method == "learned":
        if classifier is not None:
            raise InputError(
                'a classifier with the method "learned"', remedy="Leave it out: a reading needs none."
            )
        chosen = class_mix_for(options.survey) if mix is None else mix
        for name in chosen.classes:
            if name not in STAR_CLASSES:
                raise InputError(f"a reading does not tell {name!r}", allowed=", ".join(STAR_CLASSES))
        return chosen
    if not isinstance(classifier, SurveyClassifier):
        raise InputError(
            f"classifier is a {type(classifier).__name__}",
            allowed="a SurveyClassifier",
            remedy='Make it with train_classifiers(survey)[0], or use the method "learned".',
        )
    if mix is not None:
        raise InputError("a mix beside a classifier", remedy="Leave it out: a classifier has its own.")
    classifier.check_bands(SURVEY_BANDS[options.survey], f"a survey of kind {options.survey!r}")
    return classifier.mix

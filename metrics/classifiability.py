"""The MAF metric: how well a survey tells the stars of a position apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.survey import Cadence
from pelsvae_cadence.cadence.tables import read_survey
from pelsvae_cadence.classify.labelled import LABELS, ClassMix, observe_mix
from pelsvae_cadence.classify.scores import Predictions, scores_of_counts
from pelsvae_cadence.classify.survey_classifier import SurveyClassifier, train_on_survey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.position.metric import PositionMetric, value_reducer
from pelsvae_cadence.metrics.position.observe import load_model
from pelsvae_cadence.metrics.position.visits import SliceColumns

__all__ = ["ClassifiabilityMetric", "train_classifiers"]


def train_classifiers(
    survey: str | Path | Cadence,
    *,
    constraint: str = "",
    years: Sequence[float | None] = (None,),
    **options: Any,
) -> tuple[SurveyClassifier, ...]:
    """Train the classifiers of a survey: the one call before the bundle.

    Parameters
    ----------
    survey : str, Path, Survey or SyntheticSurvey
        A database or table, or a survey in memory.
    constraint : str
        SQL condition on the visits; give the bundle the same one.
    years : sequence of float or None
        Lengths of the survey in years; None is all of it. One classifier is trained for each.
    **options
        Options of `pelsvae_cadence.classify.train_on_survey`: positions or n_positions, mix,
        groups, estimator, ebv, model, checkpoint_dir, workers, progress.

    Returns
    -------
    tuple of SurveyClassifier
        One for each of `years`.

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
    return train_on_survey(cadence, years=years, **options)


class ClassifiabilityMetric(PositionMetric):
    """How well the stars of a position are told apart, by a classifier that has not seen them.

    At each slice point the stars of a mix of classes are drawn, observed at every visit, searched
    for periods, measured and classified. The classifiers are those of `train_classifiers`; at any
    position the one answers that was trained without this part of the sky, so that a map of the
    metric is one of held-out stars. Trained on the same survey, they say what this survey can do;
    trained on another one and kept, they say what a frozen classifier will do here.

    Parameters
    ----------
    classifier : SurveyClassifier
        What `train_classifiers` returns.
    metric_name : str
        Name of the metric.
    mjd_col, m5_col, band_col, night_col, exptime_col, visit_id_col, seeing_col : str or None
        Columns: see `PeriodRecoveryMetric`.
    mjd_is_middle : bool
        `mjd_col` holds mid-exposure times.
    survey : {"lsst", "ztf"}
        Whose filters, noise and saturation apply.
    stars_per_class : int, optional
        Stars of each class at each slice point; as in training by default.
    ebv : float
        True E(B-V) in mag where the slice point has none.
    min_visits, max_visits : int
        Slice points with fewer visits are masked; with more, thinned.
    model : str
        Name or path of the source model.
    on_run : callable, optional
        Called after each slice point.
    **kwargs
        Passed to MAF's BaseMetric.

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

    def __init__(
        self,
        classifier: SurveyClassifier,
        metric_name: str = "Classifiability",
        mjd_col: str = "observationStartMJD",
        m5_col: str = "fiveSigmaDepth",
        band_col: str = "band",
        night_col: str | None = "night",
        exptime_col: str | None = "visitExposureTime",
        visit_id_col: str | None = None,
        seeing_col: str | None = None,
        mjd_is_middle: bool = False,
        survey: SurveyName = "lsst",
        stars_per_class: int | None = None,
        ebv: float = 0.0,
        min_visits: int = 20,
        max_visits: int = 5000,
        model: str = "default",
        on_run: Callable[[], None] | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(classifier, SurveyClassifier):
            raise InputError(
                f"classifier is a {type(classifier).__name__}",
                allowed="a SurveyClassifier",
                remedy="Make it with train_classifiers(survey)[0].",
            )
        super().__init__(
            SliceColumns(
                mjd=mjd_col,
                m5=m5_col,
                band=band_col,
                night=night_col,
                exptime=exptime_col,
                visit_id=visit_id_col,
                seeing=seeing_col,
                mjd_is_middle=mjd_is_middle,
            ),
            metric_name,
            survey=survey,
            ebv=ebv,
            min_visits=min_visits,
            max_visits=max_visits,
            on_run=on_run,
            **kwargs,
        )
        self.classifier = classifier
        self.mix = _resized(classifier.mix, stars_per_class)
        self.model = model
        self.comment = (
            f"{self.mix.stars_per_class} simulated stars of each of {len(self.mix.classes)} classes "
            f"per position, told apart by a classifier trained elsewhere on {classifier.name}."
        )

    def _run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None) -> dict[str, Any] | None:
        predictions, recovered, n_visits = self.classify(data_slice, slice_point)
        if predictions is None:
            return None
        confusion = predictions.confusion()
        scores = scores_of_counts(confusion.astype(np.float64))
        recall = dict(zip(predictions.classes, scores["recall"].tolist(), strict=True))
        return {
            "macro_f1": float(scores["macro_f1"]),
            "balanced_accuracy": float(scores["balanced_accuracy"]),
            "log_loss": float(predictions.surprise.mean()),
            **{f"recall_{name}": recall.get(name, float("nan")) for name in LABELS},
            "recovered": recovered,
            "n_visits": n_visits,
            "confusion": confusion,
            "star_id": predictions.star_id,
            "label": predictions.label,
            "predicted": predictions.predicted,
            "probability": predictions.probability,
            "magnitude": predictions.magnitude,
        }

    def classify(
        self,
        data_slice: npt.NDArray[Any],
        slice_point: dict[str, Any] | None,
        classifier: SurveyClassifier | None = None,
    ) -> tuple[Predictions | None, float, int]:
        """Observe and classify the stars of one slice point.

        Parameters
        ----------
        data_slice : numpy structured array, shape (n_visits,)
            The visits of the slice point.
        slice_point : dict or None
            Its "ra" and "dec" in radians.
        classifier : SurveyClassifier, optional
            Another classifier than the metric's.

        Returns
        -------
        predictions : Predictions or None
            None where there are too few visits.
        recovered : float
            Fraction of the periodic stars whose period was found; NaN if there are none.
        n_visits : int
            Visits to the slice point.

        Raises
        ------
        InputError
            If the slice point has no position, or a column is missing.
        """
        look = self.look(data_slice, slice_point)
        if look is None:
            return None, float("nan"), len(data_slice)
        stars = observe_mix(
            self.mix,
            look.visits,
            look.ra,
            look.dec,
            model=load_model(self.model),
            ebv=look.ebv,
            baseline=look.baseline,
        )
        periodic = ~np.isin(stars.label, LABELS[-2:])
        recovered = float(stars.recovered[periodic].mean()) if periodic.any() else float("nan")
        judge = self.classifier if classifier is None else classifier
        return judge.predict(stars), recovered, look.n_visits

    # MAF finds reduce methods by their names.
    reduce_macro_f1 = value_reducer("macro_f1", "mean F1 score of the classes")
    reduce_balanced_accuracy = value_reducer("balanced_accuracy", "mean recall of the classes")
    reduce_log_loss = value_reducer("log_loss", "mean of minus ln of the probability of the truth")
    reduce_recovered = value_reducer("recovered", "fraction of stars with their period")
    reduce_recall_acep = value_reducer("recall_ACEP", "recall of anomalous Cepheids", name="recall_acep")
    reduce_recall_cep = value_reducer("recall_CEP", "recall of classical Cepheids", name="recall_cep")
    reduce_recall_dsct = value_reducer("recall_DSCT", "recall of delta Scuti stars", name="recall_dsct")
    reduce_recall_ecl = value_reducer("recall_ECL", "recall of eclipsing binaries", name="recall_ecl")
    reduce_recall_ell = value_reducer("recall_ELL", "recall of ellipsoidal variables", name="recall_ell")
    reduce_recall_lpv = value_reducer("recall_LPV", "recall of Miras", name="recall_lpv")
    reduce_recall_rrlyr = value_reducer("recall_RRLYR", "recall of RR Lyrae stars", name="recall_rrlyr")
    reduce_recall_t2cep = value_reducer("recall_T2CEP", "recall of type II Cepheids", name="recall_t2cep")
    reduce_recall_constant = value_reducer(
        "recall_constant", "recall of constant stars", name="recall_constant"
    )
    reduce_recall_contaminant = value_reducer(
        "recall_contaminant", "recall of contaminants", name="recall_contaminant"
    )


def _resized(mix: ClassMix, stars_per_class: int | None) -> ClassMix:
    return mix if stars_per_class is None else replace(mix, stars_per_class=int(stars_per_class))

"""Figures of merit of the classification: a ceiling, what is reached, and what would betray a leak."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.classify.classifier import VariableClassifier
from pelsvae_cadence.classify.features.encoder import encoder_features
from pelsvae_cadence.classify.features.extraction import extract
from pelsvae_cadence.classify.features.table import DEFAULT_GROUPS, feature_definitions
from pelsvae_cadence.classify.labelled import LABELS, ClassMix, LabelledStars
from pelsvae_cadence.classify.observing import observe_survey, positions_of
from pelsvae_cadence.classify.protocol import SkySplit, cross_validate
from pelsvae_cadence.classify.scores import Estimate, Predictions, paired_difference, score
from pelsvae_cadence.classify.survey_classifier import SurveyClassifier
from pelsvae_cadence.core.real_data import find_data_folder
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods import search
from pelsvae_cadence.periods.result import PeriodResult
from pelsvae_cadence.simulation.simulate import simulate
from pelsvae_cadence.validate.classify.transfer import Transfer, transfer_to_real_stars
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["classify_report", "cost_of_features", "many_light_curves"]

FloatArray = npt.NDArray[np.float64]

_PARAMETERS: Final = ("log_period", "log_teff", "log_amplitude")
_PERMUTATIONS: Final = 4
_COST_CURVES: Final = 1000
_COST_VISITS: Final = 824
_COST_TARGET: Final = 3.0  # seconds
_TRANSFER_TARGET: Final = 0.90
_CEILING_MARGIN: Final = 0.03
_BRIGHT: Final = 19.0


def classify_report(
    seed: int = 0, quick: bool = False, data: Path | None = None, checkpoint_dir: Path | None = None
) -> Report:
    """Measure how well stars are told apart, and what that rests on.

    Parameters
    ----------
    seed : int
        Seed of positions, stars, noise and classifiers.
    quick : bool
        A sixth of the stars, and neither cost, encoder nor real stars.
    data : Path, optional
        Folder of real light curves and survey tables; by default that of
        `pelsvae_cadence.core.real_data.find_data_folder`. Without one the figures of real stars are left out.
    checkpoint_dir : Path, optional
        Folder that keeps the observed stars, for a run that is repeated.

    Returns
    -------
    Report
        Macro-F1 of eight classes under a synthetic LSST after ten years and after one, the ceiling
        that the true parameters set, ablations, chance, cost, and the transfer to real stars.
        Confusion matrices and scores by magnitude under ``extra``.
    """
    data = data or find_data_folder()
    survey = SyntheticSurvey(preset="lsst-v3", seed=seed)
    mix = ClassMix(classes=LABELS, stars_per_class=5 if quick else 12, seed=seed)
    positions = positions_of(survey, 6 if quick else 16, seed=seed, min_visits=500)
    folder = None if checkpoint_dir is None else checkpoint_dir / "simulated"
    ten_all, one_all = observe_survey(survey, positions, mix, years=(None, 1.0), checkpoint_dir=folder)
    split = SkySplit.of_positions(ten_all.ra, ten_all.dec, 3, seed=seed)
    eight = np.isin(ten_all.label, STAR_CLASSES)
    figures, extra = _figures(ten_all.take(eight), one_all.take(eight), mix, split, seed, encoder=not quick)
    ten_labels = cross_validate(ten_all, _names(mix), calibrate=False, seed=seed, split=split).predictions
    everything = score(ten_labels, seed=seed)
    figures.append(_inform("10 years, constant stars and contaminants added: macro-F1", everything.macro_f1))
    extra["10 years, ten labels: recall"] = {k: v.value for k, v in everything.recall.items()}
    about = f"synthetic LSST, {len(positions)} positions, r 17-23, classes balanced"
    if not quick:
        figures += _cost_figures(ten_all.take(eight), mix, seed)
        if data is not None:
            transfers = transfer_to_real_stars(
                data,
                seed=seed,
                checkpoint_dir=None if checkpoint_dir is None else checkpoint_dir / "transfer",
            )
            figures += [_transfer_figure(transfer) for transfer in transfers]
            extra["real stars taken for"] = {t.name: t.predicted for t in transfers}
            extra["simulated stars taken for"] = {t.name: t.simulated_predicted for t in transfers}
            about += "; real stars: OGLE, Stripe 82"
    return Report(topic="classify", data=about, seed=seed, figures=tuple(figures), extra=extra)


def _names(mix: ClassMix, without: Sequence[str] = ()) -> list[str]:
    groups = [group for group in DEFAULT_GROUPS if group not in without]
    return [feature.name for feature in feature_definitions(mix.bands, groups)]


def _figures(
    ten: LabelledStars, one: LabelledStars, mix: ClassMix, split: SkySplit, seed: int, *, encoder: bool
) -> tuple[list[Figure], dict[str, Any]]:
    def run(stars: LabelledStars, names: Sequence[str], **options: Any) -> Predictions:
        options.setdefault("calibrate", False)
        found = cross_validate(stars, names, seed=seed, split=split, **options)
        return found.predictions

    truth = run(ten, ten.truth.names, on_truth=True)
    ceiling = score(truth, seed=seed).macro_f1
    parameters = score(run(ten, _PARAMETERS, on_truth=True), seed=seed).macro_f1
    trained = cross_validate(ten, _names(mix), seed=seed, split=split)
    now = {"10 years": trained.predictions, "1 year": run(one, _names(mix), calibrate=True)}
    scores = {when: score(p, seed=seed) for when, p in now.items()}
    ten_f1, one_f1 = scores["10 years"].macro_f1, scores["1 year"].macro_f1
    beside = paired_difference(now["10 years"], truth, seed=seed)["macro_f1"]
    figures = [
        _inform("ceiling: true period, temperature, amplitude and noise-free shape: macro-F1", ceiling),
        _inform("true period, temperature and amplitude alone: macro-F1", parameters),
        Figure.within(
            "10 years: macro-F1",
            ten_f1.value,
            round(ceiling.value - _CEILING_MARGIN, 3),
            round(ceiling.value + _CEILING_MARGIN, 3),
            note=f"{_range(ten_f1)}; less the ceiling {beside.value:+.3f} +- {beside.error:.3f}",
        ),
        _above_the_ceiling(now["10 years"], truth, seed),
        Figure.within("1 year: macro-F1", one_f1.value, 0.80, note=_range(one_f1)),
    ]
    for when, stars in (("10 years", ten), ("1 year", one)):
        figures += [
            _inform(f"{when}: balanced accuracy", scores[when].balanced_accuracy),
            _inform(f"{when}: log-loss", scores[when].log_loss),
            _inform(
                f"{when}, without period and folded shape: macro-F1",
                score(run(stars, _names(mix, ("period", "shape"))), seed=seed).macro_f1,
            ),
            _inform(
                f"{when}, without colours: macro-F1",
                score(run(stars, _names(mix, ("colour",))), seed=seed).macro_f1,
            ),
            _inform(
                f"{when}, absolute magnitudes known: macro-F1",
                score(_with_absolute(stars, mix, seed, split), seed=seed).macro_f1,
            ),
        ]
        if encoder:
            figures += _with_encoder(when, stars, mix, split, now[when], seed)
    figures.append(_permuted("10 years", ten, mix, split, seed))
    frozen = SurveyClassifier(
        name="10 years",
        years=None,
        mix=mix,
        split=split,
        classifiers=trained.classifiers,
        held_out=trained.predictions,
    )
    kept = frozen.predict(one)
    lost = paired_difference(kept, now["1 year"], seed=seed)["macro_f1"]
    figures.append(
        _inform(
            "1 year, classifier frozen after ten: macro-F1",
            score(kept, seed=seed).macro_f1,
            f"less one trained on the year {lost.value:+.3f} +- {lost.error:.3f}",
        )
    )
    extra: dict[str, Any] = {"classes": list(truth.classes)}
    for when, predictions in now.items():
        extra[f"{when}: confusion"] = scores[when].confusion.tolist()
        extra[f"{when}: recall"] = {k: v.value for k, v in scores[when].recall.items()}
        extra[f"{when}: precision"] = {k: v.value for k, v in scores[when].precision.items()}
        extra[f"{when}: macro-F1 by magnitude"] = _by_magnitude(predictions, seed)
    extra["ceiling: macro-F1 by magnitude"] = _by_magnitude(truth, seed)
    return figures, extra


def _range(estimate: Estimate) -> str:
    return f"{estimate.low:.3f} .. {estimate.high:.3f} over positions"


def _inform(name: str, estimate: Estimate, note: str = "") -> Figure:
    words = _range(estimate) + (f"; {note}" if note else "")
    return Figure(name=name, value=estimate.value, note=words)


def _above_the_ceiling(now: Predictions, truth: Predictions, seed: int) -> Figure:
    """Compare bright stars, whose noise hides nothing, with the true parameters, star by star."""
    bright = now.magnitude < _BRIGHT
    excess = paired_difference(now.take(bright), truth.take(bright), seed=seed)["macro_f1"]
    return Figure.within(
        f"10 years, r < {_BRIGHT:g}: macro-F1 less the ceiling",
        excess.value,
        high=round(2.0 * excess.error, 3),
        note=f"{_range(excess)}; more than two errors would be a leak",
    )


def _permuted(when: str, stars: LabelledStars, mix: ClassMix, split: SkySplit, seed: int) -> Figure:
    """Score classifiers that were trained on shuffled labels.

    A compact class is given to one label as a whole, so that a single shuffling scatters far more
    than its stars would: the error comes from several.
    """
    drawn = []
    for k in range(_PERMUTATIONS):
        found = cross_validate(stars, _names(mix), permuted=True, calibrate=False, seed=seed + k, split=split)
        drawn.append(score(found.predictions, seed=seed).balanced_accuracy.value)
    chance = 1.0 / np.unique(stars.label).size
    error = float(np.std(drawn, ddof=1) / np.sqrt(len(drawn)))
    # A scatter of four has a wide error of its own: never less than that of the stars.
    error = max(error, float(np.sqrt(chance * (1.0 - chance) / len(stars))))
    return Figure.within(
        f"{when}, labels permuted: balanced accuracy",
        float(np.mean(drawn)),
        round(chance - 3.0 * error, 3),
        round(chance + 3.0 * error, 3),
        note=f"{_PERMUTATIONS} permutations, +-{error:.3f}; chance is {chance:.3f}",
    )


def _with_absolute(stars: LabelledStars, mix: ClassMix, seed: int, split: SkySplit) -> Predictions:
    """Classify with the mean magnitudes at a known distance beside the other features."""
    magnitudes = [f.name for f in feature_definitions(mix.bands, ("magnitude",))]
    absolute = stars.features.columns(magnitudes).values - stars.distance_modulus[:, None]
    table = stars.features.columns(_names(mix)).beside(magnitudes, absolute)
    found = cross_validate(
        replace(stars, features=table), table.names, calibrate=False, seed=seed, split=split
    )
    return found.predictions


def _with_encoder(
    when: str, stars: LabelledStars, mix: ClassMix, split: SkySplit, plain: Predictions, seed: int
) -> list[Figure]:
    """Let the encoder of the source model look at the folded curves, star by star the same stars."""
    from pelsvae_cadence.model.source import LightCurveModel

    seen = encoder_features(stars.features, LightCurveModel.load())
    figures = []
    for words, names in (
        ("with the encoder's features beside the others", _names(mix)),
        ("encoder's features in place of the shape's", _names(mix, ("shape",))),
    ):
        table = stars.features.columns(names).beside(seen.names, seen.values)
        found = cross_validate(
            replace(stars, features=table), table.names, calibrate=False, seed=seed, split=split
        ).predictions
        gain = paired_difference(found, plain, seed=seed)["macro_f1"]
        figures.append(
            _inform(
                f"{when}, {words}: macro-F1",
                score(found, seed=seed).macro_f1,
                f"less without them {gain.value:+.3f} +- {gain.error:.3f}",
            )
        )
    return figures


def _by_magnitude(predictions: Predictions, seed: int) -> dict[str, float]:
    edges = np.arange(np.floor(predictions.magnitude.min()), predictions.magnitude.max() + 1.0)
    result = {}
    for low in edges:
        here = (predictions.magnitude >= low) & (predictions.magnitude < low + 1.0)
        if here.any():
            value = score(predictions.take(here), seed=seed, n_resamplings=1).macro_f1.value
            result[f"{low:g}-{low + 1.0:g}"] = value
    return result


def many_light_curves(seed: int, n: int, n_visits: int) -> tuple[LightCurves, PeriodResult]:
    """Simulate light curves of one position, with their true periods in place of a search."""
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.photometry.magnitudes import at_magnitude

    model = LightCurveModel.load()
    survey = SyntheticSurvey(preset="lsst-v3", seed=seed)
    (position,) = positions_of(survey, 1, seed=seed, min_visits=500)
    visits = survey.at(*position)
    keep = np.linspace(0, len(visits) - 1, min(n_visits, len(visits))).round().astype(np.int64)
    visits = visits.take(keep)
    parts, periods = [], []
    classes = [name for name in STAR_CLASSES if name not in ("ELL",)]
    each = -(-n // len(classes))
    for k, name in enumerate(classes):
        stars = model.sample(
            name, n=each, seed=seed, star_id=np.arange(each) + k * each, ra=position[0], dec=position[1]
        )
        curve = model.phase_curve(stars, seed=seed)
        placed = at_magnitude(stars, "r", np.linspace(17.0, 23.0, each))
        parts.append(simulate(placed, visits, seed=seed, curve=curve))
        periods.append(stars.period)
    everything = LightCurves.concatenate(parts)
    found = search(everything, period_range=(0.9, 1.1), refine_peaks=False)
    frequency = 1.0 / np.concatenate(periods)
    return everything, replace(found, frequency=frequency)


def cost_of_features(
    classifier: VariableClassifier, light_curves: LightCurves, periods: PeriodResult
) -> float:
    """Time features and classification."""
    times = []
    for _ in range(2):
        start = time.process_time()
        classifier.predict_proba(extract(light_curves, periods))
        times.append(time.process_time() - start)
    return min(times)


def _cost_figures(stars: LabelledStars, mix: ClassMix, seed: int) -> list[Figure]:
    classifier = VariableClassifier(seed=seed, calibrate=False)
    classifier.fit(stars.features.columns(_names(mix)), stars.label)
    light_curves, periods = many_light_curves(seed, _COST_CURVES, _COST_VISITS)
    seconds = cost_of_features(classifier, light_curves, periods)
    seconds *= _COST_CURVES * _COST_VISITS / light_curves.n_points
    return [
        Figure.within(
            "features and classification of 1,000 light curves of 824 visits",
            seconds,
            0.0,
            _COST_TARGET,
            unit="s",
            note=f"processor time of one core, {light_curves.n_points} points, search excluded",
        )
    ]


def _transfer_figure(transfer: Transfer) -> Figure:
    return Figure.within(
        f"{transfer.name}: recall of {transfer.label}",
        transfer.recall,
        _TRANSFER_TARGET,
        note=(
            f"n = {transfer.n_stars}, +-{transfer.error:.3f}; simulated stars "
            f"{transfer.simulated:.3f} (n = {transfer.n_simulated}), gap {transfer.gap:+.3f}"
        ),
    )

"""``pelsvae_cadence classify``: train classifiers of a survey, apply them, judge them elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pelsvae_cadence.cli.options import (
    Constraint,
    Database,
    Json,
    Model,
    OutDir,
    RunSeed,
    Sha256,
    SurveyKind,
    Synthetic,
    Workers,
    unset,
)
from pelsvae_cadence.cli.output import list_files, progress_bar, save_picture
from pelsvae_cadence.cli.parsing import load_cadence, numbers, pair, parse_class_mix, parse_positions, words
from pelsvae_cadence.core.console import print_json, table
from pelsvae_cadence.core.errors import InputError, did_you_mean
from pelsvae_cadence.core.files import output_folder, replacing

if TYPE_CHECKING:
    from pelsvae_cadence.classify.scores import Predictions, Scores

__all__ = ["Folder", "Places", "StarsPerClass", "app"]

app = typer.Typer(
    help="Tell classes of stars apart: train on a survey, apply, evaluate.", no_args_is_help=True
)

Folder = Annotated[
    Path, typer.Argument(help="Folder of a classifier, made by 'classify train'.", show_default=False)
]
Places = Annotated[
    str | None,
    unset(
        "RA,DEC in degrees, several separated by blanks; or a CSV file. Default: positions all over the "
        "footprint.",
        "--positions",
    ),
]
StarsPerClass = Annotated[
    int | None, unset("Stars of each class at each position; as in training by default.")
]


@app.command()
def train(
    db: Database = None,
    synthetic: Synthetic = None,
    survey: SurveyKind = None,
    constraint: Constraint = "",
    sha256: Sha256 = None,
    positions: Places = None,
    n_positions: Annotated[int, typer.Option(help="Positions, without --positions.", min=2)] = 30,
    classes: Annotated[
        str,
        unset(
            "Classes, separated by commas; 'constant' and 'contaminant' (aperiodic) may be among them. "
            "Default: the eight classes."
        ),
    ] = "",
    stars_per_class: Annotated[int, typer.Option(help="Stars of each class at each position.", min=1)] = 10,
    magnitudes: Annotated[
        str, unset("Brightest and faintest mean r magnitude, e.g. 17,23. Default: of the survey.")
    ] = "",
    years: Annotated[
        str,
        unset("Lengths of the survey in years, e.g. 1,2,5,10: one classifier for each. Default: all of it."),
    ] = "",
    with_magnitudes: Annotated[
        bool, typer.Option("--with-magnitudes", help="Also use mean magnitudes (leaks distances).")
    ] = False,
    out_dir: OutDir = Path("classifier"),
    workers: Workers = 1,
    model: Model = "default",
    seed: RunSeed = 0,
    as_json: Json = False,
) -> None:
    """Train on simulated stars observed by a survey, and score on sky that was held out.

    An interrupted run goes on where it stopped: observed stars are kept in OUT_DIR/observed.
    """
    from dataclasses import replace

    from pelsvae_cadence.classify.features.table import DEFAULT_GROUPS, FEATURE_GROUPS
    from pelsvae_cadence.classify.labelled import class_mix_for
    from pelsvae_cadence.classify.survey_classifier import train_on_survey

    lengths = _years(years)
    names = words(classes)
    cadence = load_cadence(db, synthetic, seed=seed, survey=survey, constraint=constraint, sha256=sha256)
    mix = class_mix_for(cadence.survey, stars_per_class=stars_per_class, seed=seed)
    if names:
        mix = replace(mix, classes=names)
    if magnitudes:
        mix = replace(mix, magnitude_range=pair(magnitudes, "--magnitudes"))
    folder = output_folder(out_dir)
    with progress_bar("observing positions") as step:
        trained = train_on_survey(
            cadence,
            positions=None if positions is None else parse_positions(positions),
            n_positions=n_positions,
            mix=mix,
            years=lengths,
            groups=tuple(FEATURE_GROUPS) if with_magnitudes else DEFAULT_GROUPS,
            model=model,
            checkpoint_dir=folder / "observed",
            workers=workers,
            progress=step,
        )
    files = {}
    for classifier in trained:
        home = folder / _folder_of(classifier.years)
        files[_title(classifier.years)] = str(classifier.save(home))
    found = {_title(c.years): c.held_out for c in trained}
    files |= _pictures(found, folder, cadence.name, mix.reference_band)
    _report(f"{cadence.name}: held-out stars", found, files, seed, as_json)


@app.command()
def evaluate(
    classifier: Folder,
    db: Database = None,
    synthetic: Synthetic = None,
    survey: SurveyKind = None,
    constraint: Constraint = "",
    sha256: Sha256 = None,
    positions: Places = None,
    n_positions: Annotated[int, typer.Option(help="Positions, without --positions.", min=1)] = 10,
    stars_per_class: StarsPerClass = None,
    out_dir: OutDir = Path("evaluation"),
    workers: Workers = 1,
    model: Model = "default",
    seed: RunSeed = 0,
    as_json: Json = False,
) -> None:
    """Judge a classifier, frozen as it is, on stars observed by another survey.

    Where positions were seen in training, the classifier answers that was trained without them.
    """
    from dataclasses import replace

    from pelsvae_cadence.classify.labelled import SURVEY_BANDS
    from pelsvae_cadence.classify.observing import observe_survey, positions_of
    from pelsvae_cadence.classify.survey_classifier import SurveyClassifier

    frozen = SurveyClassifier.load(classifier)
    cadence = load_cadence(db, synthetic, seed=seed, survey=survey, constraint=constraint, sha256=sha256)
    mix = frozen.mix
    frozen.check_bands(SURVEY_BANDS[cadence.survey], cadence.name)
    if stars_per_class is not None:
        mix = replace(mix, stars_per_class=stars_per_class)
    points = (
        positions_of(cadence, n_positions, seed=seed) if positions is None else parse_positions(positions)
    )
    folder = output_folder(out_dir)
    with progress_bar("observing positions") as step:
        (stars,) = observe_survey(
            cadence,
            points,
            mix,
            years=(frozen.years,),
            model=model,
            checkpoint_dir=folder / "observed",
            workers=workers,
            progress=step,
        )
    found = {f"trained on {frozen.name}": frozen.predict(stars)}
    files = _pictures(found, folder, cadence.name, mix.reference_band)
    _report(f"{cadence.name}: frozen classifier", found, files, seed, as_json)


@app.command()
def apply(
    classifier: Folder,
    catalogue: Annotated[Path, typer.Argument(help="HDF5 catalogue of light curves.", show_default=False)],
    output: Annotated[Path, typer.Option(help="Table of probabilities (CSV).")] = Path("classified.csv"),
    priors: Annotated[
        str, unset("Expected shares, e.g. RRLYR=5,ECL=10,... for every class. Default: equal.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Classify the light curves of a catalogue: period search, features, probabilities."""
    import numpy as np
    import pandas as pd

    from pelsvae_cadence.catalog.reader import Catalog
    from pelsvae_cadence.classify.classifier import check_priors
    from pelsvae_cadence.classify.features.extraction import extract
    from pelsvae_cadence.classify.survey_classifier import SurveyClassifier
    from pelsvae_cadence.periods import search

    trained = SurveyClassifier.load(classifier)
    shares = parse_class_mix(priors) if priors.strip() else None
    with Catalog(catalogue) as source:
        light_curves = source.light_curves()
        stars = source.stars
    if not len(light_curves):
        raise InputError(f"{catalogue} holds no star")
    trained.check_bands(np.unique(light_curves.band).tolist(), str(catalogue))
    for name in shares or ():
        if name not in trained.classes:
            raise InputError(
                f"--priors names {name!r}, which the classifier does not know",
                allowed=", ".join(trained.classes),
                remedy=did_you_mean(name, trained.classes),
            )
    check_priors(shares, trained.classes)
    with progress_bar("searching periods") as step:
        periods = search(light_curves, progress=step)
    features = extract(light_curves, periods, bands=trained.mix.bands, groups=trained.mix.groups)
    part = trained.split.part_of(stars.ra, stars.dec)
    probability = np.empty((len(stars), len(trained.classes)))
    for k in np.unique(part).tolist():
        rows = np.flatnonzero(part == k)
        one = trained.classifiers[k]
        where = [one.classes.index(name) for name in trained.classes]
        probability[rows] = one.predict_proba(features.take(rows), priors=shares)[:, where]
    best = np.array(trained.classes)[np.argmax(probability, axis=1)]
    frame = pd.DataFrame(probability, columns=[f"p_{name}" for name in trained.classes])
    frame.insert(0, "star_id", light_curves.star_id)
    frame.insert(1, "classified_as", best)
    frame.insert(2, "period", periods.period)
    frame.insert(3, "true_class", stars.star_class)
    with replacing(output) as partial:
        frame.to_csv(partial, index=False)
    right = float(np.mean(best == stars.star_class))
    names, counts = np.unique(best, return_counts=True)
    if as_json:
        print_json(
            {
                "stars": len(stars),
                "accuracy": right,
                "output": output,
                "classified_as": dict(zip(names.tolist(), counts.tolist(), strict=True)),
            }
        )
        return
    rows_of = [
        [str(name), str(count), str(int(np.count_nonzero(stars.star_class == name)))]
        for name, count in zip(names, counts, strict=True)
    ]
    table(
        f"{catalogue.name}: {len(stars)} stars, {right:.2f} classified as what they are",
        ["class", "classified as", "true"],
        rows_of,
    )
    list_files({"table": output})


def _years(text: str) -> tuple[float | None, ...]:
    if not text.strip():
        return (None,)
    values = sorted(numbers(text, "--years"))
    if values[0] <= 0 or len(set(values)) != len(values):
        raise InputError(f"--years {text!r}", allowed="positive numbers, e.g. 1,2,5,10")
    return tuple(values)


def _folder_of(years: float | None) -> str:
    return "all-years" if years is None else f"years-{years:g}"


def _title(years: float | None) -> str:
    return "whole survey" if years is None else f"{years:g} year{'s' if years != 1 else ''}"


def _pictures(found: dict[str, Predictions], folder: Path, run: str, band: str) -> dict[str, str]:
    from pelsvae_cadence.classify.scores import recall_by_position, score
    from pelsvae_cadence.plotting.classification import plot_confusion, plot_score_by_magnitude
    from pelsvae_cadence.plotting.sky_map import plot_sky_map

    files = {}

    def save(name: str, axes: Any) -> None:
        files[name.replace("_", " ")] = str(save_picture(folder / f"{name}.png", axes.figure, 130))

    last, predictions = list(found.items())[-1]
    scores = score(predictions)
    title = f"{run}, {last}: macro-F1 {scores.macro_f1.value:.2f}"
    save("confusion", plot_confusion(scores.confusion, scores.classes, title=title))
    save(
        "score_by_magnitude",
        plot_score_by_magnitude(found, magnitude_label=f"mean {band} magnitude", title=run),
    )
    ra, dec, recall = recall_by_position(predictions)
    save(
        "recall_sky",
        plot_sky_map(
            recall,
            ra=ra,
            dec=dec,
            title=f"{run}, {last}",
            vmin=0.0,
            vmax=1.0,
            label="mean recall of the classes",
        ),
    )
    return files


def _report(
    title: str, found: dict[str, Predictions], files: dict[str, str], seed: int, as_json: bool
) -> None:
    from pelsvae_cadence.classify.scores import score

    scores = {name: score(predictions, seed=seed) for name, predictions in found.items()}
    if as_json:
        print_json({"scores": {name: _plain(s) for name, s in scores.items()}, "files": files})
        return
    for name, one in scores.items():
        rows = [
            [c, f"{one.confusion[k].sum()}", *(_number(e) for e in (one.recall[c], one.precision[c]))]
            for k, c in enumerate(one.classes)
        ]
        table(
            f"{title}, {name}: macro-F1 {_number(one.macro_f1)}, balanced accuracy "
            f"{_number(one.balanced_accuracy)}, log-loss {_number(one.log_loss)} "
            f"({one.n_stars} stars, {one.n_positions} positions)",
            ["class", "stars", "recall", "precision"],
            rows,
        )
    list_files(files)


def _number(estimate: Any) -> str:
    import numpy as np

    if not np.isfinite(estimate.value):
        return "-"
    error = estimate.error
    return f"{estimate.value:.3f}" + (f"±{error:.3f}" if np.isfinite(error) else "")


def _plain(scores: Scores) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(scores)

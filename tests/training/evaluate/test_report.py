"""The report on the shipped model, on few stars."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.evaluate.figures import gallery
from pelsvae_cadence.training.evaluate.measures.reconstruction import reconstruction_error
from pelsvae_cadence.training.evaluate.report import PARTS, model_report
from pelsvae_cadence.training.open_set.table import OpenSet


def few(stars: OpenSet, star_class: str, split: str, n: int) -> OpenSet:
    return stars.take(np.flatnonzero((stars.star_class == star_class) & (stars.split == split))[:n])


@pytest.mark.parametrize(
    ("star_class", "sparse", "dense"), [("CEP", 0.03, 0.012), ("RRLYR", 0.08, 0.04), ("ECL", 0.12, 0.06)]
)
def test_reconstruction(open_stars: OpenSet, star_class: str, sparse: float, dense: float) -> None:
    """Loose bounds: they catch a broken model, the report says how good it is."""
    model = LightCurveModel.load()
    rows = few(open_stars, star_class, "test", 40)
    at_20, fit_20 = (np.median(v) for v in reconstruction_error(model, rows, 20))
    at_300, _ = (np.median(v) for v in reconstruction_error(model, rows, 300))
    assert at_300 < dense
    assert at_300 < at_20 < sparse
    # From few points a model that knows the class beats a fit that does not.
    assert at_20 < fit_20


@pytest.mark.slow
def test_report(open_stars: OpenSet) -> None:
    """Every part on few stars: figures are finite, targets have verdicts, JSON can be written."""
    kept = np.isin(open_stars.star_class, ["CEP", "RRLYR", "ECL"])
    report = model_report(0, table=open_stars.take(kept), most=61, draws=1)
    names = " | ".join(figure.name for figure in report.figures)
    for text in (
        "dependence on other visits",
        "CEP: reconstruction RMS / amplitude at 20 points",
        "RRLYR: two-sample AUC given the period",
        "mean of the classes",
        "TSTR / TRTR",
        "rise time against Teff",
        "skewness against Teff",
        "phi21(log P)",
        "ECL: nearest-training distance",
        "ECL: flatness",
        "another star's physics",
        "latent means from physics, forest",
        "size of the weights",
        "100 light curves",
    ):
        assert text in names
    assert all(np.isfinite(figure.value) for figure in report.figures)
    assert all((figure.passed is None) == (figure.target == "") for figure in report.figures)
    size = next(f for f in report.figures if f.name == "size of the weights")
    assert size.passed
    assert json.loads(json.dumps(report.as_dict()))["extra"]["response"]["CEP"]["all"]["gain"] > 1
    assert len(PARTS) == 10


@pytest.mark.slow
def test_gallery(open_stars: OpenSet, tmp_path) -> None:  # type: ignore[no-untyped-def]
    some = open_stars.take(np.isin(open_stars.star_class, ["ACEP", "ECL"]))
    path = gallery(tmp_path / "gallery.png", table=some, n=2)
    assert path.stat().st_size > 10_000

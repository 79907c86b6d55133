"""The report on the shipped model, on few stars."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.source import LightCurveModel
from pelsvae_cadence.training.model_checks import (
    model_report,
    reconstruction_error,
    two_sample_test,
)
from pelsvae_cadence.training.model_figures import gallery
from pelsvae_cadence.training.open_set import OpenSet


def few(stars: OpenSet, star_class: str, split: str, n: int) -> OpenSet:
    return stars.take(np.flatnonzero((stars.star_class == star_class) & (stars.split == split))[:n])


@pytest.mark.parametrize(("star_class", "sparse", "dense"), [
    ("CEP", 0.03, 0.012), ("RRLYR", 0.08, 0.04), ("ECL", 0.12, 0.06),
])  # fmt: skip
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


def test_two_sample_test_sees_wrong_stars(open_stars: OpenSet) -> None:
    model = LightCurveModel.load()
    rows, other = (few(open_stars, "RRLYR", part, 120) for part in ("test", "validation"))
    auc, control = two_sample_test(model, rows, other)
    assert abs(control - 0.5) < 0.15
    assert auc < 0.75

    class Wrong(LightCurveModel):
        """A model that draws every star at one temperature's shape, the mean latent point."""

        def _draw_latent(self, rows, group, star_id, random):  # type: ignore[no-untyped-def]
            return 0.0 * super()._draw_latent(rows, group, star_id, random)

    from pelsvae_cadence.weights import load_weights

    assert two_sample_test(Wrong(load_weights()), rows, other)[0] > 0.9


@pytest.mark.slow
def test_report(open_stars: OpenSet) -> None:
    report = model_report(0, table=open_stars, most=12)
    names = [figure.name for figure in report.figures]
    assert "CEP: reconstruction RMS / amplitude at 20 points" in names
    assert "size of the weights" in names
    assert all(np.isfinite(figure.value) for figure in report.figures)
    size = next(f for f in report.figures if f.name == "size of the weights")
    assert size.passed


@pytest.mark.slow
def test_gallery(open_stars: OpenSet, tmp_path) -> None:  # type: ignore[no-untyped-def]
    some = open_stars.take(np.isin(open_stars.star_class, ["ACEP", "ECL"]))
    path = gallery(tmp_path / "gallery.png", table=some, n=2)
    assert path.stat().st_size > 10_000

"""The evaluate command and the paper's figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.evaluate import figures
from pelsvae_cadence.training.evaluate.measures.trends import Trend
from pelsvae_cadence.training.evaluate.run import evaluate
from pelsvae_cadence.training.open_set.table import OpenSet


def drawn_pixels(figure, path: Path) -> float:  # type: ignore[no-untyped-def]
    """Fraction of the picture that is not background."""
    from matplotlib.image import imread

    figure.savefig(path, dpi=40)
    return float(np.mean(np.any(imread(path)[..., :3] < 0.95, axis=2)))


def test_losses_come_from_the_log(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no vae"):
        figures.plot_losses(tmp_path)
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "log.csv").write_text(
        "step,rate,train_loss,train_kl,score\n10,1,4.0,1.0,-1.0\n20,1,2.0,1.5,-2.0\n30,1,1.9,2,-1.5\n"
    )
    figure = figures.plot_losses(tmp_path)
    loss, kl = figure.axes[0].get_lines()
    np.testing.assert_array_equal(loss.get_ydata(), [4.0, 2.0, 1.9])
    np.testing.assert_array_equal(kl.get_xdata(), [10, 20, 30])
    kept = figure.axes[1].get_lines()[1]
    assert (kept.get_xdata()[0], kept.get_ydata()[0]) == (20, -2.0)


def test_trends_show_both_sides(tmp_path: Path) -> None:
    x = np.arange(4.0)
    trend = Trend(centre=x, real=x, drawn=x + 1, rms=1.0, error=0.1, noise=0.2, n=40)
    figure = figures.plot_trends({"a": trend}, {"a": ("Teff", "rise")})
    real, drawn = figure.axes[0].get_lines()[:2]
    np.testing.assert_array_equal(real.get_ydata(), x)
    np.testing.assert_array_equal(drawn.get_ydata(), x + 1)
    assert drawn_pixels(figure, tmp_path / "a.png") > 0.01


def test_reconstructions_and_latent_space(open_stars: OpenSet, tmp_path: Path) -> None:
    model = LightCurveModel.load()
    few = open_stars.take(np.flatnonzero(open_stars.split == "test")[::12])
    figure = figures.plot_reconstructions(model, few, n_points=20, n=2)
    truth, answer = figure.axes[2].get_lines()[-2:]
    # The decoded Cepheid follows the true one.
    assert np.std(truth.get_ydata() - answer.get_ydata()) < 0.4 * np.std(truth.get_ydata())
    assert drawn_pixels(figure, tmp_path / "r.png") > 0.02
    latent = figures.plot_latent(model, few, dimensions=2, most=20)
    assert len(latent.axes) == 4
    assert len(latent.axes[2].collections) == len(model.classes)


@pytest.mark.slow
def test_evaluate(open_stars: OpenSet, tmp_path: Path) -> None:
    few = open_stars.take(np.isin(open_stars.star_class, ["CEP", "ECL"]))
    with pytest.raises(InputError, match="part 'colour' is unknown"):
        evaluate(tmp_path, table=few, parts=("colour",))
    told: list[str] = []
    report = evaluate(tmp_path, table=few, parts=("eclipses", "memory"), most=70, draws=1, tell=told.append)
    written = json.loads((tmp_path / "report.json").read_text())
    assert [f["name"] for f in written["figures"]] == [f.name for f in report.figures]
    assert "measuring: memory" in told
    for name in ("reconstructions", "latent", "gallery"):
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000

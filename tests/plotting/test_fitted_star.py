"""The picture of a fitted star: points under their curves, bars that are the probabilities, honest titles."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import flux_to_mag
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.plotting.fitted_star import picture_names, plot_fitted_star
from tests.inference.fitted_sample import fitted, light_curves


def picture(row: int, method: str = "learned", stars: LightCurves | None = None):
    figure = plot_fitted_star(
        (light_curves() if stars is None else stars).star(row), fitted(method).take([row])
    )
    figure.savefig(BytesIO(), format="png", dpi=40)
    return figure


def panel(figure, xlabel: str):
    (found,) = [ax for ax in figure.axes if ax.get_xlabel().startswith(xlabel)]
    return found


def shift_of(ax, band: str) -> float:
    (text,) = [t.get_text() for t in ax.texts if t.get_text().split()[0] == band]
    return float(text.split()[1].replace("\N{MINUS SIGN}", "-")) if " " in text else 0.0


def test_points_and_curves_are_those_of_the_star():
    star, row = light_curves().star(0), fitted().take([0])
    ax = panel(picture(0), "phase")
    assert ax.yaxis_inverted()
    curve = row.curve[0]
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == 401 and line.get_color() != "white"]
    for band, line in zip("gr", lines, strict=True):
        mjd = curve.epoch + line.get_xdata() * row.period[0]
        expected = flux_to_mag(curve.flux(mjd, band)) + shift_of(ax, band)
        np.testing.assert_allclose(line.get_ydata(), expected, atol=1e-6)
    for band, container in zip("gr", ax.containers, strict=True):
        x, y = container.lines[0].get_data()
        mine = star.band == band
        assert len(x) == 2 * np.count_nonzero(mine)
        phase = ((star.mjd[mine] - curve.epoch) / row.period[0]) % 1.0
        np.testing.assert_allclose(np.sort(x[: len(phase)]), np.sort(phase), atol=1e-9)
        np.testing.assert_allclose(np.sort(y[: len(phase)]), np.sort(star.mag[mine]) + shift_of(ax, band))
    # Shifted bands keep off each other.
    g, r = (line.get_ydata() for line in lines)
    assert r.max() < g.min() or g.max() < r.min()


def test_bars_are_the_probabilities():
    row = fitted().take([0])
    figure = picture(0)
    classes = panel(figure, "probability")
    assert [t.get_text() for t in classes.get_yticklabels()] == ["RRLYR", "other"]
    assert [bar.get_width() for bar in classes.patches] == row.class_probability[0].tolist()
    (periods,) = [ax for ax in figure.axes if ax.get_title(loc="left") == "period"]
    labels = [t.get_text() for t in periods.get_yticklabels()]
    widths = [bar.get_width() for bar in periods.patches]
    assert labels[0] == f"{row.period[0]:.6g} d"
    assert labels[-2:] == ["other periods", "no period"]
    assert widths[0] == row.probability[0]
    assert sum(widths) == pytest.approx(1.0)


def test_titles_say_what_is_known():
    title = picture(0).get_suptitle()
    assert title.startswith("star V1: RRab, P = 0.613")
    assert "probability > 0.999" in title or "probability 0.9" in title
    assert "false-alarm probability" in title
    assert picture(1, "harmonic").get_suptitle().endswith("harmonic search")
    assert picture(2).get_suptitle() == "star few: no answer, too few points (3 points used)"
    unsure = replace(fitted().take([0]), no_period_probability=np.array([0.75]))
    title = plot_fitted_star(light_curves().star(0), unsure).get_suptitle()
    assert title.startswith("star V1: no period, probability 0.750")


def test_an_unlikely_period_has_a_dashed_curve():
    def styles(row):
        ax = panel(plot_fitted_star(light_curves().star(0), row), "phase")
        return {line.get_linestyle() for line in ax.get_lines() if line.get_color() != "white"} & {"-", "--"}

    assert styles(fitted().take([0])) == {"-"}
    assert styles(replace(fitted().take([0]), probability=np.array([0.3]))) == {"--"}


def test_the_harmonic_search_shows_its_periodogram():
    figure = picture(0, "harmonic")
    assert panel(figure, "frequency").get_ylabel().startswith("power")
    assert not [ax for ax in figure.axes if ax.patches]


def test_undetected_points_are_limits_or_fluxes():
    stars = light_curves().star(0)
    few, many = np.full(40, 1.0), np.full(40, 1.0)
    few[:2], many[:15] = 1e3, 1e3

    def dimmer(factor):
        return LightCurves(
            star_id=stars.star_id,
            offsets=stars.offsets,
            mjd=stars.mjd,
            band=stars.band,
            flux=stars.flux,
            flux_err=stars.flux_err * factor,
        )

    row = fitted().take([0])
    ax = panel(plot_fitted_star(dimmer(few), row), "phase")
    assert ax.get_title(loc="left") == "40 points; 2 not detected (arrows: upper limits)"
    assert ax.get_ylabel() == "AB magnitude, shifted"
    ax = panel(plot_fitted_star(dimmer(many), row), "phase")
    assert ax.get_title(loc="left") == "40 points; 15 not detected"
    assert ax.get_ylabel().startswith("flux (µJy)")
    assert not ax.yaxis_inverted()


def test_stars_without_points_or_another_star_are_no_picture_of_it():
    empty = light_curves().star(2).keep(np.zeros(3, dtype=bool))
    figure = plot_fitted_star(empty, fitted().take([2]))
    assert [t.get_text() for t in figure.axes[0].texts] == ["no usable points"]
    with pytest.raises(InputError, match="the light curve of star 1 with the fit of 0"):
        plot_fitted_star(light_curves().star(1), fitted().take([0]))
    with pytest.raises(InputError, match="3 light curves and 3 fits; allowed: one star"):
        plot_fitted_star(light_curves(), fitted())


def test_names_of_pictures_are_files_and_differ():
    assert picture_names(["a b/c", "a_b_c", "A_b_c", "..", "ü", 7]) == [
        "a_b_c.png",
        "a_b_c-2.png",
        "A_b_c-3.png",
        "star.png",
        "_.png",
        "7.png",
    ]

"""The pictures: what is drawn, where, and that nothing is drawn behind the user's back."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from typing import Any

import healpy
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.figure import Figure

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.cadence import Visits
from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.plotting import (
    BAND_MARKERS,
    CLASS_STYLES,
    plot_cadence,
    plot_cumulative_visits,
    plot_folded,
    plot_light_curve,
    plot_recovery_by_magnitude,
    plot_sky_map,
)
from pelsvae_cadence.simulation.simulate import simulate
from pelsvae_cadence.stars import Stars


def make_visits(n: int = 60, bands: str = "ugrizy") -> Visits:
    # Around 04 h UT, which is local midnight in Chile, on every third night.
    mjd = 61000.17 + 3.0 * np.arange(n) + np.linspace(-0.1, 0.1, n)
    return Visits(
        mjd=mjd,
        band=np.array([bands[k % len(bands)] for k in range(n)], dtype="U2"),
        m5=np.full(n, 24.0),
        night=np.arange(n),
        visit_id=np.arange(n),
        exptime=np.full(n, 30.0),
    )


CURVE = PhaseCurve(cos=[[-0.4, -0.15, -0.05]], sin=[[0.1, 0.1, 0.05]]).normalised()


def make_star(distance_modulus: float = 16.0) -> Stars:
    return Stars(
        star_id=[7],
        star_class=["RRLYR"],
        subtype=["RRab"],
        period=0.5731,
        teff=6500.0,
        abs_mag_g=0.6,
        amplitude_i=0.5,
        epoch=2461000.2,
        ra=60.0,
        dec=-30.0,
        distance_modulus=distance_modulus,
        ebv=0.05,
        feh=-1.5,
    )


def observe(star: Stars, visits: Visits) -> LightCurves:
    return simulate(star, visits, seed=1, curve=CURVE)


def fresh_axes(projection: str | None = None) -> Axes:
    return Figure().add_subplot(projection=projection)


def legend_texts(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def render(ax: Axes) -> None:
    """Draw for real: some mistakes show only then."""
    ax.figure.savefig(BytesIO(), format="png", dpi=50)


def test_styles_are_complete_and_different() -> None:
    assert set(BAND_MARKERS) == set(BANDS)
    assert set(CLASS_STYLES) == set(STAR_CLASSES)
    assert len({style.colour for style in CLASS_STYLES.values()}) == len(STAR_CLASSES)
    assert len({style.marker for style in CLASS_STYLES.values()}) == len(STAR_CLASSES)


def test_pyplot_is_never_loaded() -> None:
    script = """
import io
import sys
import pelsvae_cadence
import pelsvae_cadence.plotting as plotting
assert not any(name.split(".")[0] == "matplotlib" for name in sys.modules), "loaded on import"
table = {"star_class": ["CEP"], "magnitude": [20.0], "recovered": [True]}
plotting.plot_recovery_by_magnitude(table).figure.savefig(io.BytesIO())
assert "matplotlib.pyplot" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")


# ---------------------------------------------------------------- light curves


def test_folded_light_curve_has_two_cycles_of_points_and_lines() -> None:
    star, visits = make_star(), make_visits()
    points = observe(star, visits)
    ax = fresh_axes()
    assert plot_folded(points, star=star, curve=CURVE, title="An RRab", ax=ax) is ax
    assert ax.yaxis_inverted()
    assert ax.get_xlim() == (0.0, 2.0)
    assert ax.get_xlabel() == "phase (P = 0.5731 d)"
    assert ax.get_ylabel() == "AB magnitude"
    assert ax.get_title() == "An RRab"
    assert legend_texts(ax) == list("ugrizy")
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == 401]
    assert [line.get_color() for line in lines] == [BANDS[name].colour for name in "ugrizy"]
    drawn = sum(len(container.lines[0].get_xdata()) for container in ax.containers)
    assert drawn == 2 * np.count_nonzero(points.detected) == 120


def test_points_lie_on_their_lines_without_noise() -> None:
    star, visits = make_star(), make_visits()
    points = simulate(star, visits, seed=1, curve=CURVE, noise=False)
    ax = plot_folded(points, star=star, curve=CURVE)
    lines = {line.get_color(): line for line in ax.get_lines() if len(line.get_xdata()) == 401}
    for container in ax.containers:
        data = container.lines[0]
        line = lines[data.get_color()]
        expected = np.interp(data.get_xdata(), line.get_xdata(), line.get_ydata())
        # The grid of 200 phases a cycle is linear between its nodes.
        np.testing.assert_allclose(data.get_ydata(), expected, atol=1e-3)


def test_a_period_of_its_own_draws_no_lines() -> None:
    star, visits = make_star(), make_visits()
    points = observe(star, visits)
    ax = plot_folded(points, star=star, curve=CURVE, period=0.25, epoch=2400000.5 + 61000.17)
    assert not [line for line in ax.get_lines() if len(line.get_xdata()) == 401]
    assert "P = 0.25 d" in ax.get_xlabel()
    u = ax.containers[0].lines[0].get_xdata()
    first = points.mjd[(points.band == "u")][0]
    assert u[0] == pytest.approx(((first - 61000.17) / 0.25) % 1.0, abs=1e-6)


def test_undetected_points_are_left_out_and_counted() -> None:
    star = make_star(distance_modulus=23.0)
    points = observe(star, make_visits(120))
    n = np.count_nonzero(points.detected)
    assert 0 < n < 120
    for ax, copies in ((plot_folded(points, star=star, curve=CURVE), 2), (plot_light_curve(points), 1)):
        assert sum(len(c.lines[0].get_xdata()) for c in ax.containers) == copies * n
        assert ax.get_legend().get_title().get_text() == f"{n} of 120\npoints detected"


def test_saturated_points_are_open() -> None:
    star = make_star(distance_modulus=13.0)
    points = observe(star, make_visits())
    assert points.saturated.any()
    ax = plot_light_curve(points)
    labels = legend_texts(ax)
    assert any("saturated" in label for label in labels)
    for container, label in zip(ax.containers, labels, strict=True):
        is_open = container.lines[0].get_markerfacecolor() == "none"
        assert is_open == ("saturated" in label)


def test_light_curve_over_time() -> None:
    points = observe(make_star(), make_visits(30, "gr"))
    ax = fresh_axes()
    assert plot_light_curve(points, title="Over time", ax=ax) is ax
    assert ax.yaxis_inverted()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("MJD (TAI)", "AB magnitude")
    assert legend_texts(ax) == ["g", "r"]
    times = np.concatenate([c.lines[0].get_xdata() for c in ax.containers])
    assert sorted(times) == sorted(points.mjd)


@pytest.mark.parametrize("n", [0, 1])
def test_light_curves_of_no_or_one_point(n: int) -> None:
    star, visits = make_star(), make_visits(n, "r")
    points = observe(star, visits)
    for ax in (
        plot_folded(points, star=star, curve=CURVE),
        plot_folded(points, period=1.0),
        plot_light_curve(points),
    ):
        assert ax.yaxis_inverted()
        assert len(legend_texts(ax)) == n
        assert [text.get_text() for text in ax.texts] == ([] if n else ["no detected points"])
        render(ax)


def test_wrong_light_curves_are_refused() -> None:
    star, visits = make_star(), make_visits()
    points = observe(star, visits)
    both = LightCurves.concatenate([points, points])
    with pytest.raises(InputError, match="2 light curves; allowed: one star"):
        plot_light_curve(both)
    with pytest.raises(InputError, match="2 light curves"):
        plot_folded(both, period=1.0)
    with pytest.raises(InputError, match="needs a period"):
        plot_folded(points)
    with pytest.raises(InputError, match="period = 0 d"):
        plot_folded(points, period=0.0)


# ---------------------------------------------------------------- recovered fractions


def test_recovery_shows_fractions_and_wilson_intervals() -> None:
    table = {
        "star_class": ["CEP"] * 10 + ["RRLYR"] * 4,
        "magnitude": [20.2] * 10 + [20.7, 20.7, 21.2, 21.2],
        "recovered": [True] * 7 + [False] * 3 + [True, True, False, False],
    }
    ax = fresh_axes()
    assert plot_recovery_by_magnitude(table, bins=[20.0, 20.5, 21.0, 21.5], ax=ax) is ax
    assert legend_texts(ax) == ["classical Cepheids (10)", "RR Lyrae stars (4)"]
    cepheids, rr_lyrae = ax.containers
    assert cepheids.lines[0].get_ydata().tolist() == [0.7]
    assert rr_lyrae.lines[0].get_ydata().tolist() == [1.0, 0.0]
    assert cepheids.lines[0].get_color() == CLASS_STYLES["CEP"].colour
    low, high = cepheids.lines[2][0].get_segments()[0][:, 1]
    # Wilson (1927) for 7 of 10 and one standard deviation.
    z2, n, p = 1.0, 10, 0.7
    middle, half = (p + z2 / (2 * n)) / (1 + z2 / n), np.sqrt(p * (1 - p) / n + z2 / (4 * n**2))
    assert low == pytest.approx(middle - half / (1 + z2 / n), abs=1e-4)
    assert high == pytest.approx(middle + half / (1 + z2 / n), abs=1e-4)
    # All of two recovered is not a certainty.
    low, high = rr_lyrae.lines[2][0].get_segments()[0][:, 1]
    assert low == pytest.approx(2 / 3, abs=1e-4)
    assert high == 1.0


def test_recovery_bins_by_default_hold_everything() -> None:
    rng = np.random.default_rng(0)
    for low, high in ((17.0, 25.0), (20.1, 22.3), (20.0, 20.0)):
        magnitude = np.append(rng.uniform(low, high, 50), [low, high])
        table = {"star_class": ["ECL"] * 52, "magnitude": magnitude, "recovered": np.ones(52, bool)}
        ax = plot_recovery_by_magnitude(table)
        assert ax.get_xlim()[0] <= low
        assert ax.get_xlim()[1] >= high
        assert "(52)" in legend_texts(ax)[0]
    empty = plot_recovery_by_magnitude({"star_class": [], "magnitude": [], "recovered": []})
    assert legend_texts(empty) == []
    render(empty)


def test_wrong_recovery_tables_are_refused() -> None:
    good: dict[str, Any] = {"star_class": ["CEP"], "magnitude": [20.0], "recovered": [True]}
    for problem, change, bins in (
        ("unknown star class 'XX'", {"star_class": ["XX"]}, None),
        ("must be finite", {"magnitude": [np.nan]}, None),
        ("rising edges", {}, [21.0, 20.0]),
        ("1 magnitudes lie outside the bins, first 20", {}, [21.0, 22.0]),
    ):
        with pytest.raises(InputError, match=problem):
            plot_recovery_by_magnitude({**good, **change}, bins=bins)


# ---------------------------------------------------------------- the sky


@pytest.mark.parametrize(("nest", "centre_ra"), [(False, 0.0), (True, 75.0)])
def test_sky_map_puts_east_left_and_values_where_they_belong(nest: bool, centre_ra: float) -> None:
    nside = 8
    values = np.zeros(healpy.nside2npix(nside))
    bright = healpy.ang2pix(nside, centre_ra + 40.0, 35.0, nest=nest, lonlat=True)
    values[bright] = 1.0
    values[healpy.ang2pix(nside, centre_ra - 60.0, -50.0, nest=nest, lonlat=True)] = np.nan
    ax = plot_sky_map(values, nest=nest, centre_ra=centre_ra, title="Sky", label="fraction")
    assert ax.get_title() == "Sky"
    (mesh,) = [c for c in ax.collections if isinstance(c, QuadMesh)]
    corners = np.degrees(mesh.get_coordinates())
    centres = 0.5 * (corners[1:, 1:] + corners[:-1, :-1])
    shown = mesh.get_array()
    x, y = centres[np.asarray(shown.filled(0.0)) == 1.0].mean(axis=0)
    # East of the centre is left of it.
    assert x == pytest.approx(-40.0, abs=5.0)
    assert y == pytest.approx(35.0, abs=5.0)
    x, y = centres[np.ma.getmaskarray(shown)].mean(axis=0)
    assert x == pytest.approx(60.0, abs=8.0)
    assert y == pytest.approx(-50.0, abs=5.0)
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert labels == [f"{(centre_ra + d) % 360:g}°" for d in (120, 60, 0, -60, -120)]
    assert ax.figure.axes[1].get_xlabel() == "fraction"
    render(ax)


def test_sky_positions_with_masked_values() -> None:
    values = np.ma.masked_array([1.0, 2.0, 3.0, 4.0], mask=[False, True, False, False])
    ax = fresh_axes("mollweide")
    found = plot_sky_map(values, ra=[10.0, 20.0, 350.0, 180.0], dec=[0.0, 1.0, -2.0, 3.0], ax=ax)
    assert found is ax
    hidden, shown = (c for c in ax.collections if isinstance(c, PathCollection))
    assert np.degrees(hidden.get_offsets()).tolist() == [pytest.approx([-20.0, 1.0])]
    assert np.degrees(shown.get_offsets())[:2].tolist() == [
        pytest.approx([-10.0, 0.0]),
        pytest.approx([10.0, -2.0]),
    ]
    assert shown.get_clim() == (1.0, 4.0)


def test_sky_map_without_any_value() -> None:
    ax = plot_sky_map(np.full(12, np.nan))
    render(ax)
    ax = plot_sky_map([], ra=[], dec=[])
    render(ax)


def test_wrong_sky_maps_are_refused() -> None:
    for problem, arguments in (
        ("13 values are not a HEALPix map", {"values": np.zeros(13)}),
        ("3 values for 2 positions", {"values": np.zeros(3), "ra": [0, 1], "dec": [0, 1]}),
        ("both ra and dec", {"values": np.zeros(3), "ra": [0, 1, 2]}),
        ("projection 'rectilinear'", {"values": np.zeros(12), "ax": fresh_axes()}),
    ):
        with pytest.raises(InputError, match=problem):
            plot_sky_map(**arguments)  # type: ignore[arg-type]


# ---------------------------------------------------------------- visits


def test_cadence_shows_every_visit_by_local_hour() -> None:
    visits = make_visits(60, "gr")
    ax = fresh_axes()
    assert plot_cadence(visits, title="Cadence", ax=ax) is ax
    assert legend_texts(ax) == ["g (30)", "r (30)"]
    hours = np.concatenate([line.get_ydata() for line in ax.get_lines()])
    days = np.concatenate([line.get_xdata() for line in ax.get_lines()])
    # 61000.17 +- 0.1 d at 70.75 degrees west.
    middle = 24.0 * 0.17 - 70.749417 / 15.0
    assert (hours.min(), hours.max()) == pytest.approx((middle - 2.4, middle + 2.4), abs=1e-6)
    assert sorted(days) == (3.0 * np.arange(60)).tolist()
    assert ax.get_xlabel() == "nights since the first visit"
    assert ax.get_title() == "Cadence"


def test_cadence_knows_where_the_telescope_stands() -> None:
    mjd = 61000.0 + 116.8631 / 360.0 + np.arange(4)  # local midnight on Palomar
    ztf = Visits(
        mjd=mjd,
        band=np.array(["zg", "zr"] * 2),
        m5=np.full(4, 20.5),
        night=np.arange(4),
        visit_id=np.arange(4),
        exptime=np.full(4, 30.0),
    )
    for ax, hour in ((plot_cadence(ztf), 0.0), (plot_cadence(ztf, longitude=-116.8631 + 15), 1.0)):
        hours = np.concatenate([line.get_ydata() for line in ax.get_lines()])
        np.testing.assert_allclose(hours, hour, atol=1e-6)


def test_cumulative_visits_end_at_their_number() -> None:
    visits = make_visits(61, "gri")
    ax = fresh_axes()
    assert plot_cumulative_visits(visits, ax=ax) is ax
    assert legend_texts(ax) == ["g (21)", "r (20)", "i (20)"]
    assert [line.get_ydata()[-1] for line in ax.get_lines()] == [21, 20, 20]
    assert {line.get_xdata()[-1] for line in ax.get_lines()} == {visits.mjd[-1] - visits.mjd[0]}
    assert ax.get_ylabel() == "visits so far"


@pytest.mark.parametrize("n", [0, 1])
def test_no_or_one_visit(n: int) -> None:
    for plot in (plot_cadence, plot_cumulative_visits):
        ax = plot(make_visits(n, "r"))
        assert len(legend_texts(ax)) == n
        render(ax)

"""The shape bank: its members are the model's stars, and little of their curves is lost."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from pelsvae_cadence.core.flux import VEGA_TO_AB
from pelsvae_cadence.inference.bank import _draw_group, shape_bank
from pelsvae_cadence.model.extrapolation import ExtrapolationWarning
from pelsvae_cadence.photometry.band_curves import band_curves
from tests.inference.stars_of_bank import BANDS, curve, group, model

# Rms of what the harmonics leave out over the rms of the curve: median and worst of the members.
LOSS = {
    "RRab": (0.01, 0.02),
    "RRc": (0.02, 0.05),
    "EA": (0.005, 0.06),
    "EB": (0.02, 0.2),
    "EW": (0.02, 0.1),
    "F": (0.01, 0.03),
    "BLHer": (0.01, 0.03),
    "Mira": (0.01, 0.1),
    "DSCT": (0.03, 0.1),
    "ELL": (0.01, 0.1),
}
PHASE = np.arange(256) / 256


@pytest.mark.parametrize("subtype", LOSS)
def test_harmonics_hold_the_curves(subtype):
    shapes = group(subtype, BANDS)
    rows = np.arange(0, len(shapes), len(shapes) // 25)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        stars = model().sample(
            shapes.star_class,
            subtype=subtype,
            period=np.exp(shapes.ln_period[rows]),
            star_id=rows,
            seed=0,
            extrapolate="flag",
        )
        drawn = band_curves(stars, model().phase_curve(stars, extrapolate="flag"), BANDS)
    loss = []
    for j, shape in enumerate(drawn.shapes):
        phase = np.broadcast_to(PHASE, (rows.size, PHASE.size))
        mag = shape.evaluate(phase) * drawn.amplitude[:, j : j + 1] + drawn.zero[:, j : j + 1]
        flux = 10.0 ** (-0.4 * mag) - 1.0
        for row, full in zip(rows, flux, strict=True):
            rest = full - curve(shapes.harmonics[row, j], PHASE)
            loss.append(np.sqrt(np.mean(rest**2) / np.var(full)))
    median, worst = LOSS[subtype]
    assert np.median(loss) < median
    assert np.max(loss) < worst


def test_rare_periods_are_covered_as_well_as_common_ones():
    for shapes in shape_bank(model(), BANDS).groups:
        low, high = np.log(model().ranges(shapes.star_class, shapes.subtype)["period"])
        n = len(shapes)
        np.testing.assert_allclose(np.diff(shapes.ln_period), (high - low) / n, rtol=1e-6)
        assert shapes.ln_period[0] - low == pytest.approx(0.5 * (high - low) / n, rel=1e-6)
        assert shapes.density.sum() == pytest.approx(1.0)
        assert shapes.density.min() >= 0.499 / n
        assert shapes.width >= 10 * (high - low) / n  # a kernel reaches many members
        assert 0.0 < shapes.share <= 1.0
        assert np.isfinite(shapes.harmonics).all()
        assert np.isfinite(shapes.mean_mag).all()


def test_shares_of_subtypes_make_up_each_class():
    bank = shape_bank(model(), BANDS)
    total: dict[str, float] = {}
    for shapes in bank.groups:
        total[shapes.star_class] = total.get(shapes.star_class, 0.0) + shapes.share
    assert total == pytest.approx(dict.fromkeys(total, 1.0))
    assert len(bank) == sum(len(shapes) for shapes in bank.groups)


def test_bands_of_its_own_are_taken_as_they_are_and_others_lie_between_neighbours():
    lsst = ("u", "g", "r", "i", "z", "y")
    bank = shape_bank(model(), lsst)
    turned = bank.in_bands(("y", "g"))
    between = bank.in_bands(("R", "nobody knows", "U", "decam_Y"))
    for whole, two, odd in zip(bank.groups, turned.groups, between.groups, strict=True):
        np.testing.assert_array_equal(two.harmonics, whole.harmonics[:, [5, 1]])
        np.testing.assert_array_equal(two.mean_mag, whole.mean_mag[:, [5, 1]])
        for j in range(2):  # R and the unknown band: between r and i, or g and r
            low = np.minimum.reduce(whole.mean_mag[:, 1:4], axis=1)
            high = np.maximum.reduce(whole.mean_mag[:, 1:4], axis=1)
            assert ((odd.mean_mag[:, j] >= low - 1e-9) & (odd.mean_mag[:, j] <= high + 1e-9)).all()
        r, i = whole.mean_mag[:, 2], whole.mean_mag[:, 3]
        weight = (odd.mean_mag[0, 0] - i[0]) / (r[0] - i[0])
        assert 0.0 < weight < 1.0
        np.testing.assert_allclose(odd.mean_mag[:, 0], weight * r + (1 - weight) * i)
        np.testing.assert_allclose(
            odd.harmonics[:, 0],
            weight * whole.harmonics[:, 2] + (1 - weight) * whole.harmonics[:, 3],
            atol=1e-6,
        )
        # Beyond u and y the last band holds.
        np.testing.assert_allclose(odd.mean_mag[:, 2], whole.mean_mag[:, 0])
        np.testing.assert_allclose(odd.mean_mag[:, 3], whole.mean_mag[:, 5])


def test_bands_behind_the_balmer_jump_are_hardly_u():
    bank = shape_bank(model(), ("u", "g", "r"))
    between = bank.in_bands(("B", "sdss_g", "decam_u"))
    for whole, odd in zip(bank.groups, between.groups, strict=True):
        if whole.star_class != "RRLYR":
            continue
        u, g, r = whole.mean_mag.T
        # Lupton (2005): B = g + 0.313 (g - r) + 0.227 (Vega).
        expected = g + 0.313 * (g - r) + 0.227 + VEGA_TO_AB["B"]
        np.testing.assert_allclose(odd.mean_mag[:, 0], expected, atol=0.12)
        np.testing.assert_allclose(odd.mean_mag[:, 1], g, atol=1e-9)
        share = (odd.mean_mag[:, 2] - g) / (u - g)
        np.testing.assert_allclose(share, 0.83, atol=0.01)


def test_the_same_seed_gives_the_same_members():
    shapes = group("ELL", BANDS)
    again, other = (_draw_group(model(), "ELL", "ELL", 1.0, seed) for seed in (0, 1))
    np.testing.assert_array_equal(again.ln_period, shapes.ln_period)
    np.testing.assert_array_equal(again.teff, shapes.teff)
    np.testing.assert_array_equal(again.amplitude_i, shapes.amplitude_i)
    np.testing.assert_array_equal(other.ln_period, shapes.ln_period)
    assert (other.amplitude_i != shapes.amplitude_i).all()


def test_members_are_selected_with_all_that_is_theirs():
    shapes = group("RRc", BANDS)
    few = shapes.take(np.array([3, 200]))
    assert len(few) == 2
    assert (few.star_class, few.subtype, few.width) == ("RRLYR", "RRc", shapes.width)
    np.testing.assert_array_equal(few.harmonics[1], shapes.harmonics[200])
    np.testing.assert_array_equal(few.mean_mag[0], shapes.mean_mag[3])

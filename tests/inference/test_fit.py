"""One row a star: tables of fitted stars, whatever the input."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from astropy.table import QTable
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import OmissionWarning
from pelsvae_cadence.inference.fit import fit
from pelsvae_cadence.inference.fitted import FittedStars
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.light_curves import LightCurves
from tests.inference.fitted_sample import CLASSES, PERIOD, PERIOD_RANGE, fitted, light_curves, points


def test_every_star_has_a_row_and_what_the_model_says():
    table = fitted().to_pandas()
    assert table.star_id.tolist() == ["V1", "constant", "few"]
    assert table.status.tolist() == ["ok", "ok", "too few points"]
    variable, constant, few = (table.iloc[k] for k in range(3))
    assert variable.period == pytest.approx(PERIOD, rel=1e-3)
    assert abs(variable.period - PERIOD) < 5.0 * variable.period_error
    assert variable.probability > 0.9 > constant.no_period_probability or constant.no_period_probability > 0.5
    assert (variable.star_class, variable.subtype) == ("RRLYR", "RRab")
    assert constant.no_period_probability > variable.no_period_probability
    assert variable.false_alarm_probability < constant.false_alarm_probability
    assert np.isnan(few[["period", "probability", "p_RRLYR", "no_period_probability"]].astype(float)).all()
    assert few.star_class == ""
    assert table.n_points.tolist() == [40, 30, 3]
    # What is left when all alternatives are added up is no probability beyond one.
    columns = ["probability", *(f"probability_{k}" for k in range(2, 6)), "no_period_probability"]
    assert (table[columns].sum(axis=1) <= 1.0 + 1e-9).all()
    assert np.nansum(table.iloc[0][["p_RRLYR", "p_other"]].astype(float)) == pytest.approx(1.0)


def test_the_harmonic_sister_makes_the_same_table_without_probabilities():
    table = fitted("harmonic").to_pandas()
    unknown = [name for name in fitted().to_pandas() if name not in table]
    assert unknown == ["p_RRLYR", "p_other"]
    assert table[["period_error", "probability", "no_period_probability"]].isna().all().all()
    assert table.period[0] == pytest.approx(PERIOD, rel=1e-3)
    assert table.period[:2].between(*PERIOD_RANGE).all()


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".parquet"])
def test_tables_are_read_back(tmp_path, suffix):
    file = tmp_path / f"fits{suffix}"
    stars = fitted()
    stars.write(file)
    if suffix == ".ecsv":
        read = QTable.read(file)
        assert {str(read[name].unit) for name in ("period", "period_error", "period_5")} == {"d"}
        assert read.meta["method"] == "learned"
        back = {name: np.asarray(getattr(read[name], "value", read[name])) for name in read.colnames}
    else:
        frame = pd.read_csv(file, keep_default_na=True) if suffix == ".csv" else pd.read_parquet(file)
        back = {name: frame[name].to_numpy() for name in frame}
    for name, value in stars.to_pandas().items():
        if value.dtype.kind == "f":
            np.testing.assert_array_equal(np.asarray(back[name], dtype=float), value)
    assert back["star_id"].astype(str).tolist() == stars.label.tolist()
    with pytest.raises(InputError, match=f"fits{suffix} exists already"):
        stars.write(file)
    stars.write(file, overwrite=True)


def test_an_unknown_kind_of_table_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"unknown kind of table 'fits.txt'; allowed: .csv, .ecsv, .parquet"):
        fitted().write(tmp_path / "fits.txt")


def test_curves_survive_the_way_through_arrays():
    stars = fitted()
    back = FittedStars.of_arrays(stars.to_arrays(), stars.options)
    assert back == stars
    assert [curve is None for curve in back.curve] == [curve is None for curve in stars.curve]
    mjd = np.linspace(60000.0, 60001.0, 7)
    for band in "gr":
        np.testing.assert_array_equal(back.curve[0].flux(mjd, band), stars.curve[0].flux(mjd, band))
    # The curve is one of the points: they lie on it but for their noise and the model's error.
    first = light_curves().star(0)
    mine = first.band == "g"
    scatter = np.std(first.flux[mine] - stars.curve[0].flux(first.mjd[mine], "g"))
    assert scatter < 0.3 * np.std(first.flux[mine])


@given(counts=st.lists(st.integers(1, 14), max_size=5), bad=st.lists(st.integers(0, 69), max_size=4))
@settings(max_examples=25, derandomize=True, deadline=None)
def test_rows_of_the_output_are_the_stars_of_the_input(counts, bad):
    rng = np.random.default_rng(3)
    n = sum(counts)
    flux = rng.normal(3.0e4, 5.0e3, n)
    flux[[k for k in bad if k < n]] = np.nan
    stars = LightCurves(
        star_id=np.arange(len(counts)),
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        mjd=np.sort(rng.uniform(60000.0, 60040.0, n)),
        band=np.where(np.arange(n) % 2, "g", "r").astype("U1"),
        flux=flux,
        flux_err=np.full(n, 1.0e3),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OmissionWarning)
        table = fit(stars, method="harmonic", period_range=(0.5, 2.0))
        each = [fit(stars.star(i), method="harmonic", period_range=(0.5, 2.0)) for i in range(len(stars))]
    assert len(table) == len(counts)
    assert table.star_id.tolist() == list(range(len(counts)))
    assert (np.isfinite(table.period) == (table.status == "ok")).all()
    # A star's row does not depend on the others.
    for i, alone in enumerate(each):
        assert table.take([i]) == alone


def test_names_of_the_input_are_those_of_the_output():
    table = points()
    table["star_id"] = table.star_id.map({"V1": "z", "constant": "a", "few": "k"})
    names = fit(table, method="harmonic", period_range=PERIOD_RANGE).to_pandas().star_id
    assert sorted(names) == ["a", "k", "z"]
    assert (
        fit(table, method="harmonic", period_range=PERIOD_RANGE).period[names.tolist().index("z")]
        == (fitted("harmonic").period[0])
    )


def test_what_cannot_be_fitted_is_refused():
    difference = LightCurves.from_arrays(
        np.arange(20.0) + 60000.3, "r", flux=np.ones(20), flux_err=1.0, flux_kind="difference"
    )
    with pytest.raises(InputError, match="difference fluxes; allowed: total fluxes"):
        fit(difference, period_range=PERIOD_RANGE)
    assert len(fit(difference, method="harmonic", period_range=PERIOD_RANGE)) == 1
    with pytest.raises(InputError, match="method = 'magic'; allowed: learned, harmonic"):
        fit(light_curves(), method="magic")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="n_candidates"):
        fit(light_curves(), n_candidates=9)
    with pytest.raises(InputError, match="no column"):
        fit(points().drop(columns="band"), method="harmonic")


def test_physics_stands_in_the_table_where_it_was_asked_for():
    one = LightCurves.from_table(points()[points().star_id == "V1"])
    stars = fit(
        one, priors=Priors(classes={CLASSES: 1.0}), period_range=PERIOD_RANGE, physics=True, ebv=[0.05]
    )
    back = FittedStars.of_arrays(stars.to_arrays(), stars.options)
    assert back == stars
    table = back.to_table()
    assert table.meta["dust"] == "given"
    assert str(table["teff"].unit) == "K"
    assert 5500.0 < table["teff"][0].value < 7500.0
    for name in ("teff", "abs_mag_g", "amplitude_i", "ebv", "distance_modulus"):
        assert table[f"{name}_low"][0] < table[name][0] < table[f"{name}_high"][0]
    assert table["distance_modulus"][0].value == pytest.approx(16.4, abs=0.5)  # r = 17, M_r about 0.6
    assert "teff" not in fitted().to_table().colnames
    with pytest.raises(InputError, match="harmonic search"):
        fit(one, method="harmonic", physics=True)

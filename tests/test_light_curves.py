"""One's own light curves: from arrays of any kind, and from tables whose columns are detected."""

from __future__ import annotations

import warnings

import astropy.units as u
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from astropy.utils.masked import Masked
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence import InputError, LightCurves, search
from pelsvae_cadence.classify import extract
from pelsvae_cadence.core.tables.columns import OmissionWarning
from pelsvae_cadence.light_curves import MeasuredLightCurves
from pelsvae_cadence.plotting import plot_folded

RNG = np.random.default_rng(5)
N, PERIOD = 200, 0.5371
T = 60000 + np.sort(RNG.uniform(0, 400, N))
FLUX = 1e5 * (1 + 0.3 * np.sin(2 * np.pi * T / PERIOD)) + 300 * RNG.standard_normal(N)
ERROR = np.full(N, 300.0)
MAG = 31.4 - 2.5 * np.log10(FLUX)


def test_magnitudes_and_fluxes_become_each_other():
    of_flux = LightCurves.from_arrays(T, "r", flux=FLUX, flux_err=ERROR)
    of_mag = LightCurves.from_arrays(T, "r", of_flux.mag, of_flux.mag_err)
    np.testing.assert_allclose(of_mag.flux, FLUX, rtol=1e-12)
    np.testing.assert_allclose(of_mag.flux_err, ERROR, rtol=1e-9)
    assert of_flux.detected.all()
    assert (of_flux.visit_id == -1).all()
    assert np.isnan(of_flux.mag_true).all()
    assert not of_flux.saturated.any()
    for curve in (of_flux, of_mag):
        found = search(curve)
        assert abs(found.period[0] / PERIOD - 1) < 1e-3
        with pytest.warns(UserWarning, match="was not observed"):
            assert len(extract(curve, found)) == 1
        plot_folded(curve, period=PERIOD)


def as_kinds(values, unit, bad):
    """The same numbers in every container, with those at `bad` masked or missing where it can."""
    gaps = np.where(bad, np.nan, values)
    yield gaps
    yield gaps.tolist()
    yield [None if b else v for v, b in zip(values.tolist(), bad, strict=True)]
    yield gaps.astype(">f8")
    yield np.ma.array(np.where(bad, -1e9, values), mask=bad)
    yield pd.Series(gaps, index=np.arange(values.size)[::-1])
    yield pd.array(np.where(bad, None, values), dtype="Float64")
    yield pa.array(np.where(bad, None, values))
    yield MaskedColumn(np.where(bad, -99.0, values), mask=bad)
    yield gaps * unit
    if unit == u.nJy:
        yield MaskedColumn(np.where(bad, -99.0, values) / 1e3, mask=bad, unit="uJy")
        yield Masked(np.where(bad, -99.0, values) / 1e6 * u.mJy, mask=bad)
        yield (gaps * unit).to(u.Jy)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.sets(st.integers(0, N - 1), max_size=50), st.integers(0, 12), st.integers(0, 9))
def test_masks_and_units_survive(rows, kind, other):
    bad = np.isin(np.arange(N), list(rows))
    fluxes, times = list(as_kinds(FLUX, u.nJy, bad)), list(as_kinds(T, u.day, np.zeros(N, dtype=bool)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OmissionWarning)
        found = LightCurves.from_arrays(times[other], ["r"] * N, flux=fluxes[kind], flux_err=300)
    assert found.n_points == N - bad.sum()
    np.testing.assert_allclose(found.flux, FLUX[~bad], rtol=1e-12)
    np.testing.assert_allclose(found.mjd, T[~bad], rtol=1e-13)
    assert found.origin.n_omitted == bad.sum()


def test_the_constructor_keeps_masks_and_units_too():
    bad = np.arange(N) % 5 == 0
    shared = {"star_id": [0], "offsets": [0, N], "band": pd.Series(["r"] * N)}
    with pytest.warns(OmissionWarning, match=f"{bad.sum()} of {N} points do not count"):
        found = LightCurves(
            **shared, mjd=T * 24 * u.hour, flux=np.ma.array(FLUX, mask=bad), flux_err=ERROR / 1e3 * u.uJy
        )
    assert search(found).n_points[0] == N - bad.sum()
    np.testing.assert_allclose(found.mjd, T)
    np.testing.assert_allclose(found.flux_err, ERROR)
    with pytest.raises(InputError, match="cannot be converted"):
        LightCurves(**shared, mjd=T, flux=FLUX * u.electron, flux_err=ERROR)


def test_left_out_points_are_counted():
    mag = MAG.copy()
    mag[[0, 1]] = np.nan, 99.999
    errors = np.full(N, 0.01)
    errors[[2, 3]] = 0.0, 99.99
    times = np.append(T, T[7])
    with pytest.warns(
        OmissionWarning,
        match="5 of 201 rows of arrays left out: 2 without a magnitude, 2 without a "
        "positive error of the magnitude, 1 repeated exactly",
    ):
        found = LightCurves.from_arrays(times, "r", np.append(mag, mag[7]), np.append(errors, errors[7]))
    assert found.n_points == N - 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mag": MAG}, "without mag_err"),
        ({}, "either mag and mag_err, or flux and flux_err"),
        ({"mag": MAG, "mag_err": 0.1, "flux": FLUX}, "either mag and mag_err"),
        ({"mag": MAG[:5], "mag_err": 0.1}, r"mag has shape \(5,\)"),
        ({"flux": FLUX * u.electron, "flux_err": ERROR}, "cannot be converted to nJy"),
        ({"mag": ["faint"] * N, "mag_err": 0.1}, "mag cannot be read, it holds no numbers: 'faint'"),
        ({"mag": MAG * np.nan, "mag_err": 0.1}, "no usable point"),
        ({"mag": MAG, "mag_err": 0.1, "time_system": "GPS"}, "time system 'GPS'"),
        ({"mag": MAG, "mag_err": 0.1, "mag_system": "ST"}, "magnitude system 'ST'"),
        ({"flux": FLUX, "flux_err": ERROR, "flux_kind": "diff"}, "flux_kind = 'diff'"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        LightCurves.from_arrays(T, "r", **arguments)


def test_times_of_other_systems():
    exact = Time(T, format="mjd", scale="tai")
    found = LightCurves.from_arrays(exact.utc, "r", MAG, 0.01)
    np.testing.assert_allclose(found.mjd, T, rtol=0, atol=1e-9)
    found = LightCurves.from_arrays(exact.tdb.jd - 2457000, "r", MAG, 0.01, time_system="BTJD")
    np.testing.assert_allclose(found.mjd, T, rtol=0, atol=1e-8)
    assert found.time_system == "MJD (TAI), barycentric"
    found = LightCurves.from_arrays(exact.utc.jd, "r", MAG, 0.01)
    np.testing.assert_allclose(found.mjd, T, rtol=0, atol=1e-8)
    dates = exact.utc.to_value("datetime64")
    np.testing.assert_allclose(LightCurves.from_arrays(dates, "r", MAG, 0.01).mjd, T, rtol=0, atol=1e-9)


def test_vega_magnitudes():
    found = LightCurves.from_arrays(T, "I", MAG, 0.01, mag_system="Vega")
    np.testing.assert_allclose(found.mag, MAG + 0.45)
    with pytest.raises(InputError, match="Vega zero point of band 'w'"):
        LightCurves.from_arrays(T, "w", MAG, 0.01, mag_system="Vega")


def test_difference_fluxes_have_no_magnitudes():
    found = LightCurves.from_arrays(T, "r", flux=FLUX - 1e5, flux_err=ERROR, flux_kind="difference")
    assert np.isnan(found.mag).all()
    assert found.star(0).flux_kind == "difference"
    total = LightCurves.from_arrays(T, "r", flux=FLUX, flux_err=ERROR)
    for parts in ([found, total], [total, found]):
        with pytest.raises(InputError, match="different flux_kind"):
            LightCurves.concatenate(parts)
    assert isinstance(LightCurves.concatenate([total, total]), MeasuredLightCurves)


def long_table():
    star = np.repeat([12, 7], N // 2)
    return pd.DataFrame({"Object ID": star, "MJD (TAI)": T, "filter": "r", "mag": MAG, "magerr": 0.01})


def test_tables_of_every_kind(tmp_path):
    frame = long_table()
    expected = LightCurves.from_table(frame)
    assert expected.star_id.tolist() == [7, 12]
    assert expected.origin.columns["mag_err"] == "magerr"
    tables = [Table.from_pandas(frame), pa.table(frame), frame.to_dict("list")]
    for name in ("t.csv", "t.ecsv", "t.parquet", "t.fits", "t.tsv"):
        path = tmp_path / name
        if name.endswith("v"):
            if name == "t.ecsv":
                Table.from_pandas(frame).write(path)
            else:
                frame.to_csv(path, index=False, sep="\t" if name == "t.tsv" else ",")
        elif name == "t.fits":
            Table.from_pandas(frame).write(path)
        else:
            frame.to_parquet(path)
        tables += [path, str(path)]
    for table in tables:
        found = LightCurves.from_table(table)
        np.testing.assert_array_equal(found.mjd, expected.mjd)
        np.testing.assert_allclose(found.mag, expected.mag, rtol=1e-15)
        assert found.star_id.tolist() == [7, 12]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(mjd=T), r"several columns for the time: MJD \(TAI\), mjd"),
        (lambda f: f.drop(columns="filter"), r'no column for the band .*band="filter"'),
        (lambda f: f.drop(columns="magerr"), "no errors of the mag"),
        (lambda f: f.drop(columns=["mag", "magerr"]), "neither magnitudes nor fluxes"),
        (
            lambda f: f.rename(columns={"MJD (TAI)": "time"}).assign(time=np.arange(N)),
            "time system of column 'time'",
        ),
        (lambda f: f.rename(columns={"MJD (TAI)": "jd"}), "says JD, but its values are around"),
        (lambda f: f.rename(columns={"Object ID": "id"}).assign(id=np.arange(N)), "numbers the points"),
        (lambda f: f.assign(flux=FLUX / 1e6, flux_err=1.0), "unit is not stated and not nJy"),
        (
            lambda f: f.drop(columns=["mag", "magerr"]).assign(flux=FLUX / 1e5, flux_err=0.01),
            "too faint for nJy",
        ),
        (lambda f: f.iloc[:0], "no usable point"),
    ],
)
def test_ambiguous_tables_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        LightCurves.from_table(change(long_table()))


def test_arguments_settle_what_is_ambiguous():
    frame = long_table().assign(mjd=T + 1, flux=FLUX / 1e6, flux_err=ERROR / 1e6)
    found = LightCurves.from_table(frame, time="mjd", flux="flux", flux_unit="mJy", band="filter")
    np.testing.assert_allclose(np.sort(found.flux), np.sort(FLUX))
    assert found.mjd.min() == T.min() + 1
    bare = frame[["mjd", "mag"]]
    constant = LightCurves.from_table(bare, band="r", mag_err=0.02)
    assert set(constant.band) == {"r"}
    np.testing.assert_allclose(constant.mag_err, 0.02)
    with pytest.raises(InputError, match="no column 'magg'; did you mean 'mag'"):
        LightCurves.from_table(bare, band="r", mag_err=0.02, mag="magg")


def test_names_of_stars_are_kept():
    frame = long_table().rename(columns={"Object ID": "name"}).assign(name=np.repeat(["V2", "V1"], N // 2))
    found = LightCurves.from_table(frame)
    assert found.star_id.tolist() == [0, 1]
    assert found.name.tolist() == ["V1", "V2"]
    assert found.take([1]).name.tolist() == ["V2"]
    assert found.keep(found.mjd > 0).name.tolist() == ["V1", "V2"]

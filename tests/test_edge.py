"""The way in of arrays: masks, units and containers, for every public class that users fill."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import astropy.units as u
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy.table import Column, MaskedColumn
from astropy.time import Time
from astropy.utils.masked import Masked
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence import LightCurves, Stars, Visits
from pelsvae_cadence.cadence.survey import Survey, check_position
from pelsvae_cadence.core.arrays import column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import TrueEBV
from pelsvae_cadence.core.tables.columns import OmissionWarning
from pelsvae_cadence.core.tables.containers import number, whole_number
from pelsvae_cadence.periods import PeriodResult, judge
from pelsvae_cadence.periods.grid import FrequencyGrid
from pelsvae_cadence.photometry.magnitudes import at_magnitude, mean_magnitudes

N = 6
EXAMPLES = settings(max_examples=400, derandomize=True, deadline=None)
FEWER = settings(EXAMPLES, max_examples=150)


@dataclass(frozen=True)
class Field:
    """A column of a class: good values, its unit, another unit, and whether it holds whole numbers."""

    values: Any
    unit: str | None = None
    other: str | None = None
    whole: bool = False
    optional: bool = False  # missing entries become NaN


STARS = {
    "star_id": Field(np.arange(N), whole=True),
    "star_class": Field(np.full(N, "RRLYR")),
    "subtype": Field(np.full(N, "RRab")),
    "period": Field(np.linspace(0.5, 0.7, N), "d", "h"),
    "teff": Field(np.linspace(6000.0, 7000.0, N), "K", "kK"),
    "abs_mag_g": Field(np.linspace(0.4, 0.8, N), "mag"),
    "amplitude_i": Field(np.linspace(0.4, 0.8, N), "mag"),
    "epoch": Field(2461000.0 + np.arange(N), "d", "h"),
    "ra": Field(np.linspace(10.0, 350.0, N), "deg", "rad"),
    "dec": Field(np.linspace(-80.0, 80.0, N), "deg", "arcmin"),
    "distance_modulus": Field(np.linspace(10.0, 20.0, N), "mag"),
    "ebv": Field(np.linspace(0.0, 1.0, N), "mag"),
    "feh": Field(np.linspace(-2.0, 0.0, N), "dex", optional=True),
}
VISITS = {
    "mjd": Field(60000.0 + np.arange(N), "d", "h"),
    "band": Field(np.array(list("ugrizy"))),
    "m5": Field(np.linspace(22.0, 25.0, N), "mag"),
    "night": Field(np.arange(N), whole=True),
    "visit_id": Field(100 + np.arange(N), whole=True),
    "exptime": Field(np.full(N, 30.0), "s", "min"),
    "airmass": Field(np.linspace(1.0, 2.0, N)),
    "seeing": Field(np.linspace(0.7, 1.2, N), "arcsec", "deg"),
}
SURVEY = {**VISITS, "ra": STARS["ra"], "dec": STARS["dec"], "rotation": Field(np.zeros(N), "deg", "rad")}
CURVES = {
    "mjd": Field(60000.0 + np.arange(N), "d", "h", optional=True),
    "band": Field(np.array(list("ugrizy"))),
    "visit_id": Field(100 + np.arange(N), whole=True),
    "flux": Field(np.linspace(100.0, 900.0, N), "nJy", "uJy", optional=True),
    "flux_err": Field(np.full(N, 5.0), "nJy", "mJy", optional=True),
    "mag": Field(np.linspace(20.0, 21.0, N), "mag", optional=True),
}


def _stars(**fields: Any) -> Stars:
    return Stars(**fields)


def _visits(**fields: Any) -> Visits:
    return Visits(**fields)


def _survey(**fields: Any) -> Survey:
    return Survey(name="run", survey="lsst", **fields)


def _curves(**fields: Any) -> LightCurves:
    return LightCurves(star_id=[0], offsets=[0, N], **fields)


MAKERS: list[tuple[Callable[..., Any], dict[str, Field]]] = [
    (_stars, STARS),
    (_visits, VISITS),
    (_survey, SURVEY),
    (_curves, CURVES),
]


def _fields(of: dict[str, Field]) -> dict[str, Any]:
    return {name: field.values for name, field in of.items()}


def _plain(field: Field, array: Any) -> dict[str, Any]:
    """Put values without gaps into every kind of container."""
    kinds = {
        "list": array.tolist(),
        "tuple": tuple(array.tolist()),
        "object": array.astype(object),
        "Series": pd.Series(array, index=np.arange(N)[::-1]),
        "object Series": pd.Series(array, dtype=object),
        "Column": Column(array, unit=field.unit),
        "MaskedColumn": MaskedColumn(array, unit=field.unit),
        "masked array": np.ma.array(array),
        "arrow": pa.array(array.tolist()),
        "chunked arrow": pa.chunked_array([array[:2].tolist(), array[2:].tolist()]),
        "Categorical": pd.Categorical(array),
    }
    if array.dtype.kind in "iuf":
        kinds["big-endian"] = array.astype(array.dtype.newbyteorder(">"))
        kinds["nullable"] = pd.Series(array).convert_dtypes()
        kinds["text"] = array.astype(str)
    if field.whole:
        kinds["whole floats"] = array.astype(float)
        kinds["small"] = array.astype(np.uint16)
    if field.unit is not None:
        kinds["Quantity"] = u.Quantity(array, field.unit)
        kinds["list of Quantity"] = [u.Quantity(x, field.unit) for x in array]
        kinds["Masked"] = Masked(u.Quantity(array, field.unit))
    if field.other is not None:
        kinds["other unit"] = u.Quantity(array, field.unit).to(field.other)
        kinds["other column"] = Column(u.Quantity(array, field.unit).to_value(field.other), unit=field.other)
    return kinds


def _gaps(field: Field, array: Any, gone: Any) -> dict[str, Any]:
    """Put values into every kind of container that can say that some are missing."""
    filled = array.copy()
    if array.dtype.kind in "if":
        filled[gone] = -999
    nulls = [None if out else x for x, out in zip(array.tolist(), gone, strict=True)]
    kinds = {
        "masked array": np.ma.array(filled, mask=gone),
        "MaskedColumn": MaskedColumn(filled, mask=gone, unit=field.unit),
        "list": nulls,
        "object": np.array(nulls, dtype=object),
        "Series": pd.Series(nulls, dtype=object),
        "arrow": pa.array(nulls),
    }
    if array.dtype.kind in "if":
        kinds["nullable"] = pd.Series(nulls, dtype="Int64" if field.whole else "Float64")
    else:
        kinds["nullable"] = pd.Series(nulls, dtype="string")
        kinds["Categorical"] = pd.Series(nulls, dtype="category")
    if field.unit is not None:
        kinds["Masked"] = Masked(u.Quantity(filled, field.unit), mask=gone)
    return kinds


@pytest.mark.parametrize(("make", "fields"), MAKERS)
@EXAMPLES
@given(data=st.data())
def test_every_container_and_unit_gives_the_same_columns(make, fields, data):
    name = data.draw(st.sampled_from(sorted(fields)))
    kinds = _plain(fields[name], fields[name].values)
    kind = data.draw(st.sampled_from(sorted(kinds)))
    expected = getattr(make(**_fields(fields)), name)
    got = getattr(make(**{**_fields(fields), name: kinds[kind]}), name)
    assert got.dtype.kind == expected.dtype.kind
    assert not got.flags.writeable
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(got, expected, rtol=1e-12)
    else:
        assert got.tolist() == expected.tolist()


@pytest.mark.parametrize(("make", "fields"), MAKERS)
@FEWER
@given(data=st.data())
def test_what_is_missing_never_becomes_a_value(make, fields, data):
    name = data.draw(st.sampled_from(sorted(fields)))
    gone = np.array(data.draw(st.lists(st.booleans(), min_size=N, max_size=N).filter(any)))
    kinds = _gaps(fields[name], fields[name].values, gone)
    kind = data.draw(st.sampled_from(sorted(kinds)))
    given_fields = {**_fields(fields), name: kinds[kind]}
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        refusal = None
        try:
            made = make(**given_fields)
        except InputError as error:
            refusal = str(error)
    if refusal is not None:
        assert name in refusal
        return
    good = fields[name].values[~gone]
    got = getattr(made, name)
    if make is _visits:  # left out, and counted
        assert got.tolist() == good.tolist()
    elif fields[name].optional:
        assert np.isnan(got[gone]).all()
        np.testing.assert_array_equal(got[~gone], good)
    else:
        assert name == "subtype"
        assert (got[gone] == "").all()
        return
    if name in ("feh", "mag"):
        return
    (message,) = [str(one.message) for one in seen if one.category is OmissionWarning]
    assert message.startswith(f"{gone.sum()} of {N} ")


WRONG_UNITS = ["km", "kg", "Jy s"]


@pytest.mark.parametrize(("make", "fields"), MAKERS)
@settings(max_examples=100, derandomize=True, deadline=None)
@given(data=st.data())
def test_units_that_do_not_fit_are_refused(make, fields, data):
    numeric = [name for name, field in fields.items() if field.values.dtype.kind in "if"]
    name = data.draw(st.sampled_from(sorted(numeric)))
    unit = data.draw(st.sampled_from(WRONG_UNITS))
    values = fields[name].values
    wrong = data.draw(st.sampled_from([u.Quantity(values, unit), Column(values, unit=unit)]))
    with pytest.raises(InputError, match=rf"{name}.* is in "):
        make(**{**_fields(fields), name: wrong})


BOUNDS = [
    (_visits, VISITS, "m5", [500.0, -9.99, 4.9, 35.1]),
    (_visits, VISITS, "mjd", [2460000.5, 100.0, -1.0]),
    (_visits, VISITS, "night", [0.5, np.nan, np.inf, 1e300]),
    (_visits, VISITS, "visit_id", [0.7, np.nan, -np.inf, 1e17]),
    (_visits, VISITS, "exptime", [0.0, -30.0, np.nan]),
    (_visits, VISITS, "seeing", [0.0, -1.0, np.nan]),
    (_survey, SURVEY, "m5", [500.0, np.nan]),
    (_survey, SURVEY, "ra", [390.0, -400.0, np.inf]),
    (_survey, SURVEY, "dec", [91.0, -95.0]),
    (_stars, STARS, "ra", [390.0, -361.0, 1e9]),
    (_stars, STARS, "dec", [90.1, -91.0]),
    (_stars, STARS, "ebv", [-0.1, np.nan]),
    (_stars, STARS, "period", [0.0, -1.0, np.inf]),
    (_stars, STARS, "star_id", [0.5, -1.0, 1e17]),
    (_curves, CURVES, "mjd", [2460000.5, 12.0]),
]


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    case=st.sampled_from([(m, f, n, v) for m, f, n, values in BOUNDS for v in values]),
    row=st.integers(0, N - 1),
)
def test_bounds_are_kept(case, row):
    make, fields, name, value = case
    values = fields[name].values.astype(float)
    values[row] = value
    with pytest.raises(InputError, match=r"\S"):
        make(**{**_fields(fields), name: values.tolist()})


def test_a_time_object_is_a_time_of_visits_and_points():
    times = Time(VISITS["mjd"].values, format="mjd", scale="utc")
    expected = times.tai.mjd
    np.testing.assert_allclose(_visits(**{**_fields(VISITS), "mjd": times}).mjd, expected)
    np.testing.assert_allclose(_curves(**{**_fields(CURVES), "mjd": times}).mjd, expected)
    with pytest.raises(InputError, match="epoch is an astropy Time"):
        _stars(**{**_fields(STARS), "epoch": times})


def test_negative_right_ascensions_are_westward():
    assert _stars(**{**_fields(STARS), "ra": -10.0}).ra.tolist() == [350.0] * N
    assert check_position(-10, 0) == (350.0, 0.0)
    with pytest.raises(InputError, match="not on the sky"):
        check_position(390.0, 0.0)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.lists(st.floats(), max_size=3),
    st.sampled_from([np.ma.masked, pd.NA, np.nan, np.inf, 3 * u.km, [1] * u.d, {}, object(), 1 + 2j]),
)


@FEWER
@given(value=SCALARS)
def test_what_is_not_one_number_is_refused(value):
    for read in (lambda: number("baseline", value, "d"), lambda: whole_number("n_top", value, 1, 8)):
        with pytest.raises(InputError, match=r"^(baseline|n_top)"):
            read()


@EXAMPLES
@given(value=st.floats(-1e6, 1e6))
def test_one_number_is_read(value):
    assert number("baseline", value, "d") == value
    assert number("baseline", np.float64(value) * u.d, "d") == value
    assert number("baseline", np.array(value), "d") == value
    if value != int(value):
        with pytest.raises(InputError, match="whole numbers"):
            whole_number("seed", value, 0)


def test_long_numbers_stay_exact():
    ids = np.array([2**62 + k for k in range(3)])
    kinds = [
        ids.tolist(),
        ids.astype(object),
        pd.Series(ids, dtype="Int64"),
        pa.array(ids),
        MaskedColumn(ids),
        [str(x) for x in ids],
    ]
    for kind in kinds:
        assert column("star_id", kind, 3, np.int64).tolist() == ids.tolist()
    with pytest.raises(InputError, match="no exact whole number"):
        column("star_id", ids.astype(float), 3, np.int64)
    with pytest.raises(InputError, match="star_id"):
        column("star_id", np.array([2**63], dtype=np.uint64), 1, np.int64)


def _result(n: int) -> PeriodResult:
    return PeriodResult(
        star_id=np.arange(n),
        frequency=np.full(n, 2.0),
        score=np.ones(n),
        n_harmonics=np.ones(n, int),
        power=np.ones(n),
        false_alarm_probability=np.zeros(n),
        top_frequencies=np.full((n, 1), 2.0),
        top_scores=np.ones((n, 1)),
        n_points=np.full(n, 50),
        status=np.full(n, "ok"),
        grid=FrequencyGrid.from_baseline(1000.0, (0.1, 10.0)),
        options={},
    )


def test_true_periods_keep_units_and_masks():
    result = _result(2)
    for period in ([0.5, 0.5], [12.0, 12.0] * u.h, pd.Series([0.5, 0.5]), MaskedColumn([12, 12], unit="h")):
        assert judge(result, period).verdict.tolist() == ["exact", "exact"]
    with pytest.raises(InputError, match=r"true_period = nan in row 1 is not a positive number"):
        judge(result, np.ma.array([0.5, 999.0], mask=[False, True]))
    with pytest.raises(InputError, match="true_period is in m"):
        judge(result, [0.5, 0.5] * u.m)


def test_magnitudes_keep_units_and_masks():
    stars = _stars(**_fields(STARS))
    wanted = np.linspace(18.0, 20.0, N)
    expected = at_magnitude(stars, "r", wanted).distance_modulus
    for kind in (wanted * u.mag, pd.Series(wanted), wanted * u.ABmag):
        np.testing.assert_allclose(at_magnitude(stars, "r", kind).distance_modulus, expected)
    with pytest.raises(InputError, match="magnitude is not finite in 1 of 6 rows, first in row 2"):
        at_magnitude(stars, "r", np.ma.array(wanted, mask=np.arange(N) == 2))
    with pytest.raises(InputError, match="magnitude is in"):
        at_magnitude(stars, "r", wanted * u.nJy)
    np.testing.assert_array_equal(mean_magnitudes(stars, "zg"), mean_magnitudes(stars, ("zg",)))
    np.testing.assert_array_equal(
        mean_magnitudes(stars, pd.Series(["g", "r"])), mean_magnitudes(stars, ("g", "r"))
    )


def test_a_colour_excess_keeps_its_mask():
    with pytest.raises(InputError, match="true E"):
        TrueEBV(np.ma.array([0.1, 999.0], mask=[False, True]))
    assert TrueEBV([0.1, 0.2] * u.mag).value.tolist() == [0.1, 0.2]

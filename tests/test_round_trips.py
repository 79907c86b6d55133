"""Stars, visits, light curves and periods as tables of astropy and pandas, and back."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods.result import PeriodResult
from pelsvae_cadence.periods.search import search
from pelsvae_cadence.stars import Stars

RNG = np.random.default_rng(5)
N = 7
STARS = Stars(
    star_id=np.arange(N) + 2**53,
    star_class=["RRLYR", "CEP"] * 3 + ["ECL"],
    subtype=["RRab", "F"] * 3 + [""],
    period=RNG.uniform(0.3, 20.0, N),
    teff=6500.0,
    abs_mag_g=0.6,
    amplitude_i=0.5,
    epoch=2460000.1 + RNG.uniform(0, 1, N),
    ra=RNG.uniform(0, 360, N),
    dec=RNG.uniform(-90, 90, N),
    distance_modulus=18.5,
    ebv=0.1,
    feh=[np.nan, *[-1.5] * (N - 1)],
    latent=RNG.normal(size=(N, 4)),
)
VISITS = Visits(
    mjd=61000.0 + np.sort(RNG.uniform(0, 900, 40)),
    band=RNG.choice(list("ugrizy"), 40),
    m5=RNG.uniform(22, 25, 40),
    night=np.arange(40),
    visit_id=np.arange(40) + 10**12,
    exptime=30.0,
    seeing=RNG.uniform(0.6, 1.2, 40),
)


def curves(lengths: list[int], ids: list[int]) -> LightCurves:
    n = sum(lengths)
    return LightCurves(
        star_id=ids,
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        mjd=60000.0 + RNG.uniform(0, 300, n),
        band=RNG.choice(["u", "zg", "V", "F606W"], n),
        flux=RNG.normal(100.0, 50.0, n),
        flux_err=RNG.uniform(5.0, 10.0, n),
        visit_id=np.arange(n),
    )


LIGHT_CURVES = curves([30, 20, 50], [9, 3, 2**60])
WITH_EMPTY = curves([0, 20, 0, 7], [4, 3, 8, 1])
MEASURED = LightCurves.from_table(
    {"star": ["b", "a", "a"], "mjd": [6e4, 6e4, 60001.5], "band": ["r", "G", "G"], "mag": [20.0, 19.0, 19.5]},
    mag_err=0.1,
)
DIFFERENCE = LightCurves.from_arrays(
    [6e4, 60001], "r", flux=[-3.0, 9.0], flux_err=1.0, flux_kind="difference"
)
PERIODS = search(LIGHT_CURVES, period_range=(0.5, 5.0), n_top=3)
ALL = {
    "stars": STARS,
    "stars without latent": Stars.from_table(
        {**STARS.to_pandas().drop(columns=[f"latent_{k}" for k in range(4)])}
    ),
    "no stars": STARS.take([]),
    "visits": VISITS,
    "no visits": VISITS.take([]),
    "light curves": LIGHT_CURVES,
    "stars without points": WITH_EMPTY,
    "no points": curves([0, 0], [1, 2]),
    "measured": MEASURED,
    "difference": DIFFERENCE,
    "periods": PERIODS,
}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("how", ["to_table", "to_pandas"])
def test_tables_become_what_they_were(name: str, how: str) -> None:
    struct = ALL[name]
    again = type(struct).from_table(getattr(struct, how)())
    assert type(again) is type(struct)
    assert again == struct


@pytest.mark.parametrize("name", ["stars", "visits", "light curves", "measured", "difference", "periods"])
def test_files_become_what_they_were(name: str, tmp_path: Path) -> None:
    struct = ALL[name]
    struct.to_table().write(tmp_path / "table.ecsv")
    assert type(struct).from_table(QTable.read(tmp_path / "table.ecsv")) == struct


def test_structs_are_equal_where_all_is() -> None:
    assert STARS != VISITS
    assert STARS.take([0, 1]) != STARS.take([1, 0])
    assert STARS.take([0]) == STARS.take([0])
    assert LIGHT_CURVES != MEASURED
    assert PERIODS.take(np.arange(len(PERIODS))) == PERIODS


def test_units() -> None:
    table = STARS.to_table()
    assert (table["period"].unit, table["teff"].unit, table["epoch"].scale) == (u.day, u.K, "tdb")
    assert Stars.from_table(
        {**{name: table[name] for name in table.colnames}, "period": table["period"].to("h")}
    )
    assert VISITS.to_table()["m5"].unit == u.ABmag
    table = LIGHT_CURVES.to_table()
    assert len(table) == LIGHT_CURVES.n_points
    assert table["flux"].unit == u.nJy
    table["flux"] = table["flux"].to("uJy")
    np.testing.assert_allclose(LightCurves.from_table(table).flux, LIGHT_CURVES.flux, rtol=1e-12)
    assert PERIODS.to_table()["period"].unit == u.day


def test_rows_of_a_table_may_be_chosen_and_sorted() -> None:
    table = LIGHT_CURVES.to_table()
    some = LightCurves.from_table(table[np.asarray(table["star_id"]) != 3])
    assert some == LIGHT_CURVES.take([0, 2])
    frame = LIGHT_CURVES.to_pandas().sort_values("mjd")
    mixed = LightCurves.from_table(frame)
    assert sorted(mixed.star_id.tolist()) == sorted(LIGHT_CURVES.star_id.tolist())
    row = mixed.star_id.tolist().index(3)
    assert sorted(mixed.star(row).flux.tolist()) == sorted(LIGHT_CURVES.star(1).flux.tolist())


def test_time_series_of_a_star() -> None:
    series = LIGHT_CURVES.to_timeseries(3)
    assert len(series) == 20
    assert series.time.scale == "tai"
    assert series.meta["star_id"] == 3
    assert MEASURED.to_timeseries("a").meta["name"] == "a"
    assert len(DIFFERENCE.to_timeseries()) == 2
    with pytest.raises(InputError, match=r"star 5 is not among the 3 light curves; allowed: star_id: 9, 3"):
        LIGHT_CURVES.to_timeseries(5)
    with pytest.raises(InputError, match="a time series of 3 stars"):
        LIGHT_CURVES.to_timeseries()


def test_tables_that_are_none() -> None:
    with pytest.raises(InputError, match="a table of Stars without teff"):
        Stars.from_table(STARS.to_pandas().drop(columns="teff"))
    with pytest.raises(InputError, match="a str is no table"):
        Stars.from_table("stars.csv")
    frame = PERIODS.to_pandas()
    frame.attrs.clear()
    with pytest.raises(InputError, match="without the grid and the options"):
        PeriodResult.from_table(frame)


@pytest.mark.parametrize("name", ALL)
def test_structs_show_themselves_briefly(name: str) -> None:
    text, html = repr(ALL[name]), ALL[name]._repr_html_()
    assert len(text) < 400
    assert "array(" not in text + html
    assert html.count("<tr>") <= 6
    assert len(html) < 6000


def test_names_are_escaped() -> None:
    bad = "<script>alert(1)</script>"
    one = LightCurves.from_arrays([6e4], [bad], [20.0], 0.1, star_id=bad)
    assert bad not in one._repr_html_()
    assert "&lt;script&gt;" in one._repr_html_()
    assert StringIO(repr(one)).read().startswith("<MeasuredLightCurves: 1 point of 1 star")

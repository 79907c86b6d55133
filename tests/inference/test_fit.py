"""One row a star: tables of fitted stars, whatever the input."""

from __future__ import annotations

import json
import pickle
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
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
from pelsvae_cadence.parallel.partitions import run_partitions
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
    with pytest.raises(
        InputError, match=r"unknown kind of table 'fits.txt'; allowed: .csv, .ecsv, .parquet, .hats"
    ):
        fitted().write(tmp_path / "fits.txt")


def test_hats_joins_by_the_input_s_own_names_and_numbers(tmp_path):
    hats = pytest.importorskip("hats", reason="HATS is an option")
    table = points()
    places = {"V1": (10.0, -30.0), "constant": (200.0, 5.0), "few": (-1.0, 88.0)}
    table[["RAJ2000", "DEJ2000"]] = [places[name] for name in table.star_id]
    for stars in (
        fitted("harmonic").with_positions(table),
        fitted("harmonic").with_positions({"name": list(places), "ra": [10, 200, -1], "dec": [-30, 5, 88]}),
    ):
        assert stars.ra.tolist() == [10.0, 200.0, 359.0]
    with pytest.raises(InputError, match="HATS needs the positions of the stars"):
        fitted("harmonic").write(tmp_path / "fits.hats")
    folder = stars.write(tmp_path / "fits.hats")
    with pytest.raises(InputError, match=r"fits\.hats exists already"):
        stars.write(folder)
    opened = hats.read_hats(folder)
    assert opened.catalog_info.total_rows == 3
    assert json.loads(opened.catalog_info.pelsvae_options)["method"] == "harmonic"
    frame = pd.concat(pd.read_parquet(file) for file in folder.glob("dataset/Norder*/**/*.parquet"))
    assert frame.columns.tolist() == ["_healpix_29", *stars.to_pandas().columns]
    pd.testing.assert_frame_equal(
        frame.set_index("star_id")
        .loc[stars.label.tolist()]
        .drop(columns="_healpix_29")
        .astype({"n_points": int}),
        stars.to_pandas().set_index("star_id"),
        check_dtype=False,
        check_index_type=False,
    )
    numbered = replace(stars, name=None, star_id=np.array([2**62, 5, 7]))
    numbered.write(folder, overwrite=True)
    ids = pd.concat(pd.read_parquet(file) for file in folder.glob("dataset/Norder*/**/*.parquet")).star_id
    assert ids.dtype == np.int64
    assert sorted(ids) == [5, 7, 2**62]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"star_id": ["V1"], "ra": [1.0]}, "has no column dec"),
        (
            {"star_id": ["V1", "few"], "ra": [1.0, 2.0], "dec": [0.0, 0.0]},
            "no position for 1 of 3 stars, .* constant",
        ),
        (
            {"star_id": ["V1", "few", "constant"], "ra": [1.0, 2.0, 3.0], "dec": [0.0, 0.0, 95.0]},
            "constant .* dec = 95",
        ),
    ],
)
def test_positions_that_are_none_are_refused(columns, message):
    with pytest.raises(InputError, match=message):
        fitted("harmonic").with_positions(columns)


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


def test_light_curves_in_rows_of_parquet_files_are_read_piece_by_piece(tmp_path, monkeypatch):
    read = nested_points(tmp_path / "nested")
    options = {"method": "harmonic", "period_range": PERIOD_RANGE}
    expected = fit(read, **options).to_pandas()
    sizes, pieces = [], []

    def watched(task, partitions, *, inputs, **others):
        sizes.append(len(pickle.dumps(task)))
        return run_partitions(
            task, partitions, inputs=lambda p: pieces.append(inputs(p)) or pieces[-1], **others
        )

    monkeypatch.setattr("pelsvae_cadence.inference.fit.run_partitions", watched)
    with pytest.warns(OmissionWarning, match="2 of .* rows of nested left out: 2 without a positive error"):
        found = fit(tmp_path / "nested", **options).to_pandas()
    # Rows come in the order of the files, not of the names; who has no usable point has no row.
    assert found.star_id.tolist() == ["V1", "few", "constant"]
    pd.testing.assert_frame_equal(found.set_index("star_id").loc[expected.star_id].reset_index(), expected)
    # Light curves travel by themselves: none is part of the task, and every piece holds its own alone.
    assert sizes[0] < 5000
    assert [len(piece[0]) for piece in pieces] == [1, 0, 1, 1]


def test_large_tables_have_larger_partitions(monkeypatch):
    seen = []

    def counted(task, partitions, **others):
        seen.append(len(partitions))
        return run_partitions(task, partitions[:1], **others)

    monkeypatch.setattr("pelsvae_cadence.inference.fit.run_partitions", counted)
    n = 30_000
    one = light_curves().star(2)
    many = replace(one, star_id=np.arange(n), name=None, **repeated(one, n))
    fit(many, method="harmonic", period_range=PERIOD_RANGE)
    fit(many.take(np.arange(40)), method="harmonic", period_range=PERIOD_RANGE)
    assert seen == [120, 40]


def test_curves_can_be_left_out():
    priors = Priors(classes={"RRLYR": 1.0})
    without = fit(light_curves(), priors=priors, period_range=PERIOD_RANGE, curves=False)
    assert without == fitted()
    assert without.curve.tolist() == [None, None, None]


def repeated(one, n):
    points = {
        name: np.tile(getattr(one, name), n)
        for name in one._columns()[1]
        if name not in ("flux_kind", "time_system")
    }
    return {**points, "offsets": np.arange(n + 1) * one.n_points}


def nested_points(folder):
    """Write the three stars, and one without a usable point, into rows of two files; give their points."""
    folder.mkdir()
    table = points()
    bad = table[table.star_id == "few"].head(2).assign(star_id="bad", mag_err=-1.0)
    groups = dict(list(pd.concat([table, bad]).groupby("star_id")))
    for file, names in (("a.parquet", ["V1", "bad"]), ("b.parquet", ["few", "constant"])):
        rows = [
            {"star_id": name, "lc": groups[name].drop(columns="star_id").to_dict("records")} for name in names
        ]
        pq.write_table(pa.Table.from_pylist(rows), folder / file)
    return table


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

"""Survey tables: every spelling read, every visit the database's own, every fault named."""

from __future__ import annotations

import sqlite3

import astropy.units as u
import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.cadence import Visits, read_survey, survey_from_frame
from pelsvae_cadence.cadence.tables import find_columns, guess_survey
from pelsvae_cadence.core.errors import InputError


def frame(n: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "observationId": np.arange(n) + 10,
            "fieldRA": rng.uniform(8.0, 12.0, n),
            "fieldDec": rng.uniform(-22.0, -18.0, n),
            "observationStartMJD": 60218.1 + np.sort(rng.uniform(0, 400, n)),
            "band": rng.choice(list("ugrizy"), n),
            "fiveSigmaDepth": rng.normal(24, 0.3, n),
            "night": 0,
            "rotSkyPos": rng.uniform(0, 360, n),
            "visitExposureTime": 30.0,
        }
    )


def database(path, table: pd.DataFrame, name: str = "observations"):
    with sqlite3.connect(path) as connection:
        table.to_sql(name, connection, index=False)
    connection.close()
    return path


def test_visits_are_the_tables_own(tmp_path):
    table = frame()
    survey = read_survey(database(tmp_path / "run.db", table))
    assert (survey.name, survey.survey, len(survey)) == ("run", "lsst", 200)
    visits = survey.at(10.0, -20.0)
    near = np.hypot((table.fieldRA - 10.0) * np.cos(np.radians(20.0)), table.fieldDec + 20.0)
    inside = table[near < 1.7].observationId
    outside = table[near > 1.8].observationId
    assert set(inside) <= set(visits.visit_id)
    assert not set(outside) & set(visits.visit_id)
    rows = table.set_index("observationId").loc[visits.visit_id]
    np.testing.assert_allclose(visits.mjd, rows.observationStartMJD + 15.0 / 86400, atol=1e-9)
    np.testing.assert_array_equal(visits.band, rows.band)
    np.testing.assert_array_equal(visits.m5, rows.fiveSigmaDepth)
    assert (np.diff(visits.mjd) >= 0).all()


def test_units_and_radius(tmp_path):
    survey = survey_from_frame(frame())
    by_degree = survey.at(10.0, -20.0, 1.0)
    by_unit = survey.at(np.radians(10.0) * u.rad, -1200 * u.arcmin, 60 * u.arcmin)
    np.testing.assert_array_equal(by_degree.visit_id, by_unit.visit_id)
    assert len(survey.at(10, -20, 0.3)) < len(by_degree) < len(survey.at(370.0 - 360, -20, 3.0))
    assert len(survey.at(190.0, 20.0)) == 0
    assert survey.nearest(190.0, 20.0) > 170.0


def test_a_field_that_straddles_zero_hours():
    table = frame().assign(fieldRA=lambda t: (t.fieldRA - 10.0) % 360.0)
    assert len(survey_from_frame(table).at(0.0, -20.0)) == len(survey_from_frame(frame()).at(10, -20))


@pytest.mark.parametrize(
    "rename",
    [
        {"band": "filter"},
        {"observationStartMJD": "expMJD", "fieldRA": "ra", "fieldDec": "dec", "band": "FILTER"},
        {"fiveSigmaDepth": "maglim", "observationId": "visitId"},
    ],
)
def test_other_column_names(tmp_path, rename):
    table = frame()
    plain = survey_from_frame(table).at(10, -20)
    other = read_survey(database(tmp_path / "x.sqlite", table.rename(columns=rename))).at(10, -20)
    for name in ("mjd", "band", "m5"):
        np.testing.assert_array_equal(getattr(other, name), getattr(plain, name))


def test_filter_names_with_numbers_and_no_night():
    table = frame()
    odd = table.assign(filter=table.band + "_57").drop(columns=["band", "night"])
    survey = survey_from_frame(odd)
    np.testing.assert_array_equal(survey.band, survey_from_frame(table).band)
    # Nights split at local noon (16:43 UT at Cerro Pachon) and start at zero.
    assert survey.night.min() == 0
    np.testing.assert_array_equal(
        survey.night, np.floor(survey.mjd - 0.6965) - np.floor(survey.mjd.min() - 0.6965)
    )


def test_band_wins_over_filter():
    found = find_columns([*frame().columns, "filter"])
    assert found["band"] == "band"


def test_mid_exposure_times_stay_as_they_are():
    table = frame().rename(columns={"observationStartMJD": "exp_midpt_mjd"})
    np.testing.assert_array_equal(survey_from_frame(table).mjd, table.exp_midpt_mjd)


SUFFIXES = pytest.mark.parametrize("suffix", [".db", ".csv", ".csv.gz", ".parquet"])


def write(table: pd.DataFrame, path):
    if path.suffix == ".db":
        return database(path, table)
    table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
    return path


def noted() -> pd.DataFrame:
    """A table with a note and an airmass, of which some are missing."""
    table = frame()
    notes = np.resize(["pair_33, a=1", "a AND b", "DD:cosmos", "it's"], len(table))
    return table.assign(
        note=np.where(table.index % 5 == 0, None, notes),
        quality=np.where(table.index % 3 == 0, np.nan, table.index / 10.0),
    )


@SUFFIXES
@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("observationId < 100 AND band <> 'u'", lambda t: (t.observationId < 100) & (t.band != "u")),
        ("observationId < 100 and not band == 'u'", lambda t: (t.observationId < 100) & (t.band != "u")),
        ("band in ('g', 'r')", lambda t: t.band.isin(["g", "r"])),
        ("FieldRA between 9 and 10.5", lambda t: t.fieldRA.between(9, 10.5)),
        ("quality is not null", lambda t: t.quality.notna()),
        ("quality is null or quality > 12", lambda t: t.quality.isna() | (t.quality > 12)),
        ("note = 'pair_33, a=1'", lambda t: t.note == "pair_33, a=1"),
        ("note = 'a AND b' AND night = 0", lambda t: t.note == "a AND b"),
        ("note <> 'it''s'", lambda t: t.note.notna() & (t.note != "it's")),
        ("note not like 'DD:%'", lambda t: t.note.notna() & (t.note != "DD:cosmos")),
        ("note not like '%=%' and note like '%''%'", lambda t: t.note == "it's"),
        ("(observationId - 10) % 7 = 2", lambda t: (t.observationId - 10) % 7 == 2),
        ("abs(fieldDec + 20) < 0.5 * visitExposureTime / 15", lambda t: abs(t.fieldDec + 20) < 1),
        ("\"observationId\" >= '150'", lambda t: t.observationId >= 150),
    ],
)
def test_constraints_are_sql_in_every_file(tmp_path, suffix, constraint, expected):
    table = noted()
    survey = read_survey(write(table, tmp_path / f"run{suffix}"), constraint=constraint)
    wanted = table[expected(table)]
    assert 0 < len(wanted) < len(table)
    np.testing.assert_array_equal(survey.visit_id, wanted.observationId)
    for name, column in (("ra", "fieldRA"), ("m5", "fiveSigmaDepth"), ("band", "band")):
        np.testing.assert_array_equal(getattr(survey, name), wanted[column])


@SUFFIXES
def test_constraints_that_cannot_be_met_are_named(tmp_path, suffix):
    path = write(frame(), tmp_path / f"run{suffix}")
    with pytest.raises(InputError, match=r"constraint 'colour = 3' on run\S* fails: no such column: colour"):
        read_survey(path, constraint="colour = 3")
    with pytest.raises(InputError, match=r"no visit of run\S* satisfies 'night > 10'"):
        read_survey(path, constraint="night > 10")
    for wrong in ("1=1; drop table observations", "night <", "band in [1]"):
        with pytest.raises(InputError, match=r"constraint '.*' on run\S* fails: "):
            read_survey(path, constraint=wrong)
    assert len(read_survey(path)) == 200


@SUFFIXES
@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.drop(columns="observationId"),
        lambda t: t.assign(observationId=t.night),
        lambda t: t.assign(observationId=[f"MC_{i}" for i in range(len(t))]),
        lambda t: t.assign(observationId=t.observationId.where(t.index < 150)),
        lambda t: t.assign(observationId=np.arange(len(t)) % 2 + 2 * (t.band == "r")),
    ],
)
def test_numbers_of_visits_do_not_depend_on_the_constraint(tmp_path, suffix, change):
    """Noise is keyed by them: without usable ones rows of the whole table stand in."""
    table = change(frame())
    path = write(table, tmp_path / f"run{suffix}")
    whole, part = read_survey(path), read_survey(path, constraint="band = 'r'")
    np.testing.assert_array_equal(whole.visit_id, np.arange(len(table)))
    np.testing.assert_array_equal(part.visit_id, np.flatnonzero(table.band == "r"))


@SUFFIXES
def test_rows_of_detectors_keep_the_numbers_of_their_visits(tmp_path, suffix):
    table = frame(40)
    rows = pd.concat([table.assign(detector=k) for k in (0, 1)]).sort_values("observationStartMJD")
    path = write(rows, tmp_path / f"ccd{suffix}")
    part = read_survey(path, constraint="band = 'r' and not (detector = 1 and fieldRA > 10)")
    np.testing.assert_array_equal(part.visit_id, table[table.band == "r"].observationId)
    named = rows.assign(observationId="MC_" + rows.observationId.astype(str))
    part = read_survey(write(named, tmp_path / f"named{suffix}"), constraint="band = 'r'")
    np.testing.assert_array_equal(part.visit_id, np.flatnonzero(table.band == "r"))


def test_survey_is_told_by_bands_and_depth():
    assert guess_survey(["g", "r", "i"], [20.5, 20.7, 20.1]) == "ztf"
    assert guess_survey(["g", "r", "i"], [24.0, 23.9, 23.5]) == "lsst"
    assert guess_survey(["g", "r", "z"], [20.5, 20.7, 20.1]) == "lsst"
    table = frame().assign(band="r", fiveSigmaDepth=20.5)
    assert set(survey_from_frame(table).band) == {"zr"}
    assert set(survey_from_frame(table, survey="lsst").band) == {"r"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="fiveSigmaDepth"), r"no fiveSigmaDepth column.*its columns"),
        (lambda t: t.drop(columns="band"), r"no band or filter column"),
        (lambda t: t.drop(columns="observationStartMJD"), r"no observationStartMJD column"),
        (lambda t: t.assign(band="white"), r"unknown band 'white'"),
        (lambda t: t.assign(fiveSigmaDepth=np.nan), r"fiveSigmaDepth.*not a number in 200 of 200"),
        (
            lambda t: t.assign(observationStartMJD=t.observationStartMJD.where(t.index != 7)),
            r"observationStartMJD.*in 1 of 200 visits, first in row 7.*is not null",
        ),
        (lambda t: t.assign(fieldDec=-100.0), r"dec = -100 deg.*-90 to 90"),
        (lambda t: t.assign(fiveSigmaDepth=99.0), r"m5 = 99 mag"),
        (lambda t: t.iloc[:0], r"no visit of run.db is in the table"),
    ],
)
def test_faults_are_named(tmp_path, change, message):
    path = database(tmp_path / "run.db", change(frame()))
    with pytest.raises(InputError, match=message):
        read_survey(path)


def test_times_that_are_no_mjd():
    table = frame()
    survey = survey_from_frame(table.assign(observationStartMJD=table.observationStartMJD + 2.4e6))
    with pytest.raises(InputError, match=r"subtract 2400000\.5"):
        survey.at(10, -20)


def test_files_that_are_no_survey(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_survey(tmp_path / "none.db")
    with pytest.raises(InputError, match="is a directory"):
        read_survey(tmp_path)
    text = tmp_path / "text.db"
    text.write_text("hello")
    with pytest.raises(InputError, match="not an sqlite database"):
        read_survey(text)
    whole = database(tmp_path / "run.db", frame(5000))
    cut = tmp_path / "cut.db"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(InputError, match=r"cut.db (fails|cannot be read|has no)"):
        read_survey(cut)
    two = database(database(tmp_path / "two.db", frame(), "a"), frame(), "b")
    with pytest.raises(InputError, match=r"no survey table \(its tables: a, b\)"):
        read_survey(two)


@pytest.mark.parametrize(
    ("ra", "dec", "radius"),
    [(np.nan, 0, None), (0, 95, None), (800, 0, None), ("x", 0, None), (0, 0, -1), (0, 0, 91)],
)
def test_bad_positions(ra, dec, radius):
    with pytest.raises(InputError, match=r"not on the sky|pair of numbers|radius"):
        survey_from_frame(frame()).at(ra, dec, radius)


def test_camera_footprint():
    survey = survey_from_frame(frame())

    def half(ra, dec, pointing_ra, pointing_dec, rotation):
        return pointing_ra > ra

    seen = survey.at(10.0, -20.0, footprint=half)
    assert 0 < len(seen) < len(survey.at(10.0, -20.0, 2.1))
    with pytest.raises(InputError, match=r"radius = 1\.0 and a camera footprint.*Give one of the two"):
        survey.at(10.0, -20.0, 1.0, footprint=half)
    without = survey_from_frame(frame().drop(columns="rotSkyPos"))
    with pytest.raises(InputError, match="rotSkyPos"):
        without.at(10.0, -20.0, footprint=half)


def test_bad_visits():
    good = {
        "mjd": [60000.0, 60001.0],
        "band": "r",
        "m5": 24.0,
        "night": 0,
        "visit_id": [0, 1],
        "exptime": 30.0,
    }
    assert len(Visits(**good)) == 2
    for change, message in (
        ({"mjd": [60000.0, np.nan]}, r"visit times.*not finite in 1 of 2"),
        ({"m5": [np.nan, 24.0]}, r"depths.*not finite"),
        ({"band": "B"}, "unknown band 'B'"),
        ({"visit_id": [1, 1]}, "unique"),
        ({"mjd": [2460000.0, 2460001.0]}, "2400000.5"),
        ({"m5": [24.0] * 3}, r"shape \(3,\)"),
    ):
        with pytest.raises(InputError, match=message):
            Visits(**{**good, **change})


# Real tables ------------------------------------------------------------------------------------

#: Visits within 1.75 deg in OpSim baseline v3.0: N, u, g, r, i, z, y, nights.
BASELINE = {
    (80.0, -69.0): (865, 52, 68, 182, 201, 180, 182, 379),
    (267.0, -29.5): (793, 30, 100, 217, 199, 138, 109, 367),
    (180.0, -80.0): (248, 10, 32, 49, 62, 52, 43, 94),
    (53.1, -28.1): (23686, 1014, 2731, 5458, 5490, 4110, 4883, 670),
}


def test_ten_year_baseline(shared_data):
    path = shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db"
    survey = read_survey(path)
    assert survey.survey == "lsst"
    for (ra, dec), (n, *per_band, nights) in BASELINE.items():
        visits = survey.at(ra, dec)
        assert len(visits) == n
        assert [int((visits.band == b).sum()) for b in "ugrizy"] == per_band
        assert np.unique(visits.night).size == nights
        with sqlite3.connect(path) as connection:
            rows = pd.read_sql("select * from observations", connection)
        connection.close()
        own = rows.set_index("observationId").loc[visits.visit_id]
        np.testing.assert_allclose(visits.mjd, own.observationStartMJD + 15.0 / 86400, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(visits.band, own.band)
        np.testing.assert_array_equal(visits.m5, own.fiveSigmaDepth)
        np.testing.assert_array_equal(visits.night, own.night)


def test_one_year_baseline_has_no_night_and_only_filter(shared_data):
    survey = read_survey(shared_data / "cadence" / "rubin_baseline_v2.0_1yr.db")
    assert len(survey) == 216_233
    assert (survey.night.min(), survey.night.max()) == (0, 365)
    assert survey.seeing is not None
    assert len(survey.at(80.0, -69.0)) == 110


def test_ztf_log(shared_data):
    survey = read_survey(shared_data / "cadence" / "ztf_2018_2022_40points.db")
    assert survey.survey == "ztf"
    positions = pd.read_csv(shared_data / "cadence" / "ztf_2018_2022_40points_positions.csv")
    for row in positions.itertuples():
        visits = survey.at(row.ra, row.dec)
        assert len(visits) == row.n_within_3p5deg
        assert np.unique(visits.night).size == row.nights_within_3p5deg
        assert set(visits.bands) <= {"zg", "zr", "zi"}


def test_executed_visits(shared_data):
    survey = read_survey(shared_data / "cadence" / "sv_db_subsampled.db")
    assert len(survey) == 4045
    assert survey.exptime.max() == 38.0
    with sqlite3.connect(shared_data / "cadence" / "sv_db_subsampled.db") as connection:
        own = pd.read_sql("select exp_midpt_mjd from observations", connection)
    connection.close()
    np.testing.assert_array_equal(survey.mjd, own.exp_midpt_mjd)

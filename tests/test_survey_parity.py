"""One file, one survey: every way into the package sees the same visits, whatever the table looks like."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.cadence import Visits, read_survey, survey_from_frame
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import OmissionWarning

PLACE = (30.0, -30.0)
N = 60


def observed(n: int = N, bands: str = "gri", depth: float = 24.0) -> pd.DataFrame:
    """Visits by night to two places; two thirds of them to `PLACE`."""
    rng = np.random.default_rng(3)
    here = np.arange(n) % 3 != 0
    return pd.DataFrame(
        {
            "observationId": np.arange(n) * 3 + 100,
            "observationStartMJD": 60623.2 + np.arange(n) + rng.uniform(0.0, 0.05, n),
            "fieldRA": np.where(here, PLACE[0], 80.0) + rng.uniform(-0.02, 0.02, n),
            "fieldDec": np.where(here, PLACE[1], -60.0) + rng.uniform(-0.02, 0.02, n),
            "band": rng.choice(list(bands), n),
            "fiveSigmaDepth": depth + 0.2 * rng.standard_normal(n),
            "visitExposureTime": 30.0,
            "seeingFwhmEff": rng.uniform(0.7, 1.2, n),
        }
    )


def save(path: Path, frame: pd.DataFrame, table: str = "observations", *more: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        frame.to_sql(table, connection, index=False)
        for statement in more:
            connection.execute(statement)
        connection.commit()
    return path


def detectors(frame: pd.DataFrame, **names: str) -> pd.DataFrame:
    """Spend nine rows on each visit: detectors of 0.24 degrees in a square."""
    parts = []
    for k in range(9):
        x, y = 0.24 * (k % 3 - 1), 0.24 * (k // 3 - 1)
        part = frame.assign(detector=k, fieldDec=frame.fieldDec + y)
        parts.append(part.assign(fieldRA=frame.fieldRA + x / np.cos(np.radians(part.fieldDec))))
    rows = pd.concat(parts).sort_values(["observationStartMJD", "detector"], ignore_index=True)
    rows["ccdVisitId"] = rows.observationId * 256 + rows.detector
    return rows.rename(columns=names)


def middle(frame: pd.DataFrame) -> pd.Series:
    return frame.observationStartMJD + 15.0 / 86400.0


DP1 = {
    "fieldRA": "ra",
    "fieldDec": "dec",
    "fiveSigmaDepth": "magLim",
    "seeingFwhmEff": "seeing",
    "visitExposureTime": "expTime",
    "observationId": "visitId",
    "observationStartMJD": "obsStartMJD",
}


def in_radians(path: Path, base: pd.DataFrame) -> Path:
    plain = base.drop(columns=["fieldRA", "fieldDec"])
    return save(path / "r.db", plain.assign(_ra=np.radians(base.fieldRA), _dec=np.radians(base.fieldDec)))


def with_units(path: Path, base: pd.DataFrame) -> Path:
    from astropy import units as u
    from astropy.table import QTable

    table = QTable.from_pandas(base)
    table["fieldRA"] = (base.fieldRA.to_numpy() * u.deg).to(u.hourangle)
    table["fieldDec"] = (base.fieldDec.to_numpy() * u.deg).to(u.rad)
    table["visitExposureTime"] = (base.visitExposureTime.to_numpy() * u.s).to(u.min)
    table.write(path / "run.ecsv")
    return path / "run.ecsv"


def ccd_visits(path: Path, base: pd.DataFrame) -> Path:
    detectors(base, **DP1).assign(expMidptMJD=0.0).drop(columns="expMidptMJD").to_parquet(
        path / "ccd.parquet"
    )
    return path / "ccd.parquet"


def without_visit(path: Path, base: pd.DataFrame) -> Path:
    rows = detectors(base, **DP1).drop(columns=["visitId", "detector"])
    rows.to_parquet(path / "ccd.parquet")
    return path / "ccd.parquet"


def nothing_but_time(path: Path, base: pd.DataFrame) -> Path:
    rows = detectors(base, **DP1).drop(columns=["visitId", "detector", "ccdVisitId"])
    rows.to_csv(path / "ccd.csv", index=False)
    return path / "ccd.csv"


def visit_detector(path: Path, base: pd.DataFrame) -> Path:
    rows = detectors(base.assign(expMidptMJD=middle(base)), **{**DP1, "observationId": "visit"})
    rows = rows.drop(columns=["obsStartMJD", "ccdVisitId"])
    rows.to_parquet(path / "visit_detector.parquet")
    return path / "visit_detector.parquet"


def with_corners(path: Path, base: pd.DataFrame) -> Path:
    rows = detectors(base, **DP1)
    for name, x, y in (("ll", -1, -1), ("ur", 1, 1)):
        rows[f"{name}dec"] = rows.dec + 0.112 * y
        rows[f"{name}ra"] = rows.ra + 0.112 * x / np.cos(np.radians(rows.dec))
    return save(path / "corners.db", rows, "CcdVisit")


def consdb(path: Path, base: pd.DataFrame) -> Path:
    rows = base.rename(
        columns={
            "observationId": "visit_id",
            "observationStartMJD": "obs_start_mjd",
            "fieldRA": "s_ra",
            "fieldDec": "s_dec",
            "fiveSigmaDepth": "stats_mag_lim_median",
            "visitExposureTime": "exp_time",
        }
    )
    rows = rows.assign(exp_midpt_mjd=middle(base), physical_filter=base.band + "_03", day_obs=20250701)
    return save(path / "consdb.db", rows, "visit1", "create table exposure (exposure_id integer)")


def a_view(path: Path, base: pd.DataFrame) -> Path:
    raw = pd.concat([base.assign(good=1), base.assign(good=0, fiveSigmaDepth=20.0)], ignore_index=True)
    return save(path / "view.db", raw, "raw", "create view observations as select * from raw where good = 1")


def nine_at_the_boresight(path: Path, base: pd.DataFrame) -> Path:
    rows = pd.concat([base.assign(detector=k) for k in range(9)]).sort_values("observationStartMJD")
    return save(path / "detectors.db", rows, "visits")


def gzipped(path: Path, base: pd.DataFrame) -> Path:
    base.to_csv(path / "run.tar.gz", index=False, compression="gzip")
    return path / "run.tar.gz"


SCHEMAS: dict[str, Callable[[Path, pd.DataFrame], Path]] = {
    "degrees": lambda path, base: save(path / "run.db", base),
    "radians": in_radians,
    "units": with_units,
    "gzip": gzipped,
    "boresights": nine_at_the_boresight,
    "CcdVisit": ccd_visits,
    "ccdVisitId alone": without_visit,
    "nothing but time": nothing_but_time,
    "VisitDetector": visit_detector,
    "corners": with_corners,
    "ConsDB": consdb,
    "view": a_view,
    "table visit1": lambda path, base: save(path / "run.db", base, "visit1"),
    "any table": lambda path, base: save(path / "run.db", base, "my pointings"),
    "old filter": lambda path, base: save(
        path / "run.db", base.assign(band=base.band + "_6").rename(columns={"band": "filter"})
    ),
    "filter and band": lambda path, base: save(path / "run.db", base.assign(filter="u")),
    "middles": lambda path, base: save(
        path / "run.db", base.assign(exp_midpt_mjd=middle(base)).drop(columns="observationStartMJD")
    ),
    "no numbers": lambda path, base: save(path / "run.db", base.drop(columns="observationId")),
    "#": lambda path, base: save(path / "run#2.db", base),
    "%": lambda path, base: save(path / "run%202.db", base),
    "?": lambda path, base: save(path / "what? 100%.db", base),
    "# csv": lambda path, base: base.to_csv(path / "run#%202?.csv", index=False) or path / "run#%202?.csv",
    "# parquet": lambda path, base: base.to_parquet(path / "a#%202?.parquet") or path / "a#%202?.parquet",
}


def by_maf(path: Path, constraint: str) -> Visits:
    """Read a file as `run_period_recovery` and `metrics --db` do, and slice it as MAF does."""
    from pelsvae_cadence.metrics.maf.slicers import sky_slicer
    from pelsvae_cadence.metrics.maf.survey_source import open_survey
    from pelsvae_cadence.metrics.position.options import SliceOptions, table_keywords
    from pelsvae_cadence.metrics.position.visits import visits_from_slice

    source = open_survey(path, positions=[PLACE], constraint=constraint)
    slicer = sky_slicer(source.columns, points=[PLACE], radius=source.reach())
    slicer.setup_slicer(source.array)
    here = slicer[0]
    options = SliceOptions(**table_keywords(source.columns, source.survey), **source.keywords)
    return visits_from_slice(source.array[here["idxs"]], options, here["slice_point"])


def by_command_line(path: Path, constraint: str) -> Visits:
    """Read a file as `catalog`, `classify` and `lightcurve` do."""
    from pelsvae_cadence.cli.parsing import load_cadence

    return load_cadence(path, None, seed=0, constraint=constraint).at(*PLACE)


def by_comparison(path: Path, constraint: str) -> Visits:
    from pelsvae_cadence.metrics.comparison.runs import open_run

    assert not constraint
    return open_run(str(path)).cadence.at(*PLACE)


@pytest.mark.maf
@pytest.mark.usefixtures("maf_ready")
@pytest.mark.parametrize("constraint", ["", "BAND = 'r'"])
@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_entry_sees_the_same_visits(tmp_path, schema, constraint):
    base = observed()
    path = SCHEMAS[schema](tmp_path, base)
    mine = base[np.hypot(base.fieldRA - PLACE[0], base.fieldDec - PLACE[1]) < 1.0]
    if constraint:
        mine = mine[mine.band == "r"]
    condition = constraint.replace("BAND = 'r'", "filter like 'r%'" if schema == "old filter" else constraint)
    survey = read_survey(path, constraint=condition)
    visits = survey.at(*PLACE)
    np.testing.assert_allclose(visits.mjd, middle(mine), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(visits.band, mine.band)
    np.testing.assert_allclose(visits.m5, mine.fiveSigmaDepth, rtol=0, atol=1e-12)
    own = schema not in ("ccdVisitId alone", "nothing but time", "no numbers")
    np.testing.assert_array_equal(visits.visit_id, mine.observationId if own else mine.index)
    by_detector = schema in ("CcdVisit", "ccdVisitId alone", "nothing but time", "VisitDetector", "corners")
    assert survey.fov_radius == pytest.approx(0.455 if by_detector else 1.75, abs=0.01)
    for enter in (by_maf, by_command_line, *(() if constraint else (by_comparison,))):
        other = enter(path, condition)
        for name in ("mjd", "band", "m5", "visit_id", "night", "exptime"):
            np.testing.assert_array_equal(getattr(other, name), getattr(visits, name), err_msg=name)
    # Reading makes no file.
    assert [file for file in tmp_path.iterdir() if file != path] == []


@pytest.mark.maf
@pytest.mark.usefixtures("maf_ready")
@pytest.mark.parametrize("schema", ["radians", "boresights", "view", "?", "ccdVisitId alone"])
def test_a_run_of_the_metrics_has_these_visits(tmp_path, schema):
    from pelsvae_cadence.metrics import run_period_recovery

    path = SCHEMAS[schema](tmp_path, observed())
    result = run_period_recovery(
        path,
        positions=[PLACE],
        star_classes=["RRab"],
        magnitudes=[21.0],
        stars_per_position=1,
        period_range=(0.4, 0.8),
        out_dir=tmp_path / "results #1",
    )
    assert result.positions.n_visits.tolist() == [len(read_survey(path).at(*PLACE))] == [40]


@pytest.mark.maf
@pytest.mark.usefixtures("maf_ready")
def test_columns_that_a_user_names_are_read(tmp_path):
    from pelsvae_cadence.metrics import run_period_recovery

    base = observed().rename(columns={"fiveSigmaDepth": "depth", "observationId": "number"})
    path = save(tmp_path / "run.db", base)
    result = run_period_recovery(
        path,
        positions=[PLACE],
        star_classes=["RRab"],
        magnitudes=[21.0],
        stars_per_position=1,
        period_range=(0.4, 0.8),
        constraint="number > 150",
        m5_col="depth",
        visit_id_col="number",
        seeing_col=None,
        out_dir=tmp_path / "out",
    )
    assert result.positions.n_visits.tolist() == [int(((base.fieldDec > -31) & (base.number > 150)).sum())]
    survey = read_survey(path, columns={"m5": "depth", "visit_id": "number"})
    np.testing.assert_array_equal(survey.m5, base.depth)
    np.testing.assert_array_equal(survey.visit_id, base.number)
    with pytest.raises(InputError, match=r"no column 'deep'.*depth"):
        read_survey(path, columns={"m5": "deep"})
    with pytest.raises(InputError, match=r"no column of a survey means 'mag'"):
        read_survey(path, columns={"mag": "depth"})


# What one exposure is ---------------------------------------------------------------------------


@pytest.mark.parametrize("numbered", [False, True])
def test_repeated_rows_are_dropped_and_counted(numbered):
    base = observed()
    once = base if numbered else base.drop(columns="observationId")
    again = once.assign(observationId=base.observationId + 10_000) if numbered else once
    with pytest.warns(OmissionWarning, match=r"60 of 120 rows of survey left out: they repeat"):
        twice = survey_from_frame(pd.concat([once, again]).sort_values("observationStartMJD", kind="stable"))
    single = survey_from_frame(once)
    for name in ("mjd", "ra", "dec", "band", "m5", "visit_id", "night"):
        np.testing.assert_array_equal(getattr(twice, name), getattr(single, name))
    assert twice.fov_radius == 1.75


def test_rounded_times_hold_several_pointings():
    """The public ZTF log rounds times to five minutes: another field is another exposure."""
    base = observed(depth=20.5).drop(columns="observationId")
    other = base.assign(fieldDec=base.fieldDec + 7.0)
    survey = survey_from_frame(pd.concat([base, other]).sort_values("observationStartMJD"))
    assert (len(survey), survey.survey, survey.fov_radius) == (120, "ztf", 3.5)
    # Visits with numbers and depths of their own are not repeats, even of one place.
    deeper = observed().assign(fiveSigmaDepth=24.5, observationId=lambda t: t.observationId + 1000)
    assert len(survey_from_frame(pd.concat([observed(), deeper]))) == 120


def test_a_constraint_on_detectors_has_their_field(tmp_path):
    path = ccd_visits(tmp_path, observed())
    survey = read_survey(path, constraint="detector = 4")
    assert len(survey.at(*PLACE)) == 40
    assert survey.fov_radius == pytest.approx(0.12, abs=0.002)
    assert len(read_survey(path, constraint="detector = 8").at(*PLACE)) == 0


def test_single_detectors_of_a_release_are_no_pointings(tmp_path):
    rows = detectors(observed(), **DP1)
    rows[rows.detector == 4].to_parquet(tmp_path / "one.parquet")
    assert read_survey(tmp_path / "one.parquet").fov_radius == pytest.approx(0.112)


def test_rows_without_a_place_are_left_to_the_constraint(tmp_path):
    base = observed()
    base.loc[[5, 9], ["fieldRA", "observationStartMJD"]] = np.nan
    path = save(tmp_path / "gaps.db", base)
    with pytest.raises(InputError, match=r"is not a number in 2 of 60 visits, first in row 5.*is not null"):
        read_survey(path)
    assert len(read_survey(path, constraint="fieldRA is not null")) == 58


# What the table is --------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".db", ".csv", ".parquet"])
def test_a_constraint_does_not_make_another_survey(tmp_path, suffix):
    """Shallow visits in r alone look like ZTF's."""
    base = observed(bands="ugrizy").drop(columns="observationId")
    base.loc[base.band == "r", "fiveSigmaDepth"] = 21.0
    path = tmp_path / f"run{suffix}"
    if suffix == ".db":
        save(path, base)
    else:
        base.to_csv(path, index=False) if suffix == ".csv" else base.to_parquet(path)
    whole, part = read_survey(path), read_survey(path, constraint="band = 'r' -- only these")
    assert (part.survey, part.fov_radius, set(part.band)) == ("lsst", 1.75, {"r"})
    mine = whole.band == "r"
    np.testing.assert_array_equal(part.visit_id, whole.visit_id[mine])
    np.testing.assert_array_equal(part.night, whole.night[mine])


@pytest.mark.parametrize("constraint", ["max(night) > 3", "night = 1; drop table observations", "1 limit 3"])
@pytest.mark.parametrize("suffix", [".db", ".csv"])
def test_what_is_no_condition_is_refused(tmp_path, constraint, suffix):
    base = observed().assign(night=1)
    path = tmp_path / f"run{suffix}"
    save(path, base) if suffix == ".db" else base.to_csv(path, index=False)
    with pytest.raises(InputError, match=r"constraint .* on run.* fails"):
        read_survey(path, constraint=constraint)


def test_which_table_it_is(tmp_path):
    base = observed()
    both = save(tmp_path / "both.db", base.drop(columns="fiveSigmaDepth"), "visit")
    rows = detectors(base, **DP1)
    save(both, rows, "CcdVisit")
    assert len(read_survey(both)) == N  # the visits have no depths: their detectors do
    two = save(save(tmp_path / "two.db", base, "a"), base, "b")
    with pytest.raises(InputError, match=r"no survey table \(its tables: a, b\)"):
        read_survey(two)
    with pytest.raises(InputError, match=r"no fiveSigmaDepth column.*CcdVisit or VisitDetector"):
        read_survey(save(tmp_path / "visit.db", base.drop(columns="fiveSigmaDepth"), "visit"))


def test_radians_that_do_not_say_so_are_refused():
    rng = np.random.default_rng(0)
    base = observed()
    sky = base.assign(fieldRA=rng.uniform(0, 2 * np.pi, N), fieldDec=rng.uniform(-1.2, 0.1, N))
    with pytest.raises(InputError, match=r"look like radians.*_ra and _dec"):
        survey_from_frame(sky)
    named = survey_from_frame(sky.rename(columns={"fieldRA": "ra_deg", "fieldDec": "dec_deg"}))
    np.testing.assert_array_equal(named.ra, sky.fieldRA)


def test_a_depth_that_cannot_be_is_refused(tmp_path):
    base = observed()
    base.loc[10, "fiveSigmaDepth"] = 34.9
    path = save(tmp_path / "run.db", base)
    with pytest.raises(InputError, match=r"4 mag deeper than their band and exposure time allow.*row 10"):
        read_survey(path)
    assert len(read_survey(path, constraint="fiveSigmaDepth < 30")) == N - 1


def test_tables_with_units_in_memory():
    from astropy import units as u
    from astropy.table import MaskedColumn, QTable
    from astropy.time import Time

    base = observed()
    table = QTable.from_pandas(base)
    table["fieldRA"] = (base.fieldRA.to_numpy() * u.deg).to(u.rad)
    table["fieldDec"] = base.fieldDec.to_numpy() * u.deg
    table["observationStartMJD"] = Time(base.observationStartMJD.to_numpy(), format="mjd", scale="tai")
    plain, mine = survey_from_frame(base), survey_from_frame(table)
    np.testing.assert_allclose(mine.ra, plain.ra)
    np.testing.assert_allclose(mine.mjd, plain.mjd, rtol=0, atol=1e-9)
    table["fiveSigmaDepth"] = MaskedColumn(base.fiveSigmaDepth, mask=np.arange(N) == 4)
    with pytest.raises(InputError, match=r"fiveSigmaDepth.*not a number in 1 of 60 visits, first in row 4"):
        survey_from_frame(table)
    table["fiveSigmaDepth"] = base.fiveSigmaDepth.to_numpy() * u.s
    with pytest.raises(InputError, match=r"fiveSigmaDepth.*cannot be converted to mag"):
        survey_from_frame(table)

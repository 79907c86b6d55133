"""Light curves of archives: the right numbers, flags applied, kinds of flux and time systems told apart."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.time import Time

from pelsvae_cadence import InputError, LightCurves, read_light_curves, search
from pelsvae_cadence.core.tables.columns import OmissionWarning
from pelsvae_cadence.readers import (
    READERS,
    read_asassn,
    read_atlas,
    read_gaia,
    read_ogle,
    read_rubin,
    read_ztf,
)
from tests.readers import samples

T, MAG = samples.curve()


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return samples.write_all(tmp_path_factory.mktemp("archives"))


@pytest.mark.parametrize(
    "key",
    [
        "rubin",
        "rubin-dia",
        "ztf",
        "ztf-forced",
        "gaia",
        "gaia-long",
        "gaia-xml",
        "ogle",
        "atlas",
        "asassn",
        "asassn-2",
        "rubin-parquet",
    ],
)
@pytest.mark.filterwarnings("ignore::pelsvae_cadence.core.tables.columns.OmissionWarning")
def test_the_reader_is_told_by_the_columns(paths, key):
    found = read_light_curves(paths[key])
    named = READERS[key.split("-")[0]](paths[key])
    np.testing.assert_array_equal(found.flux, named.flux)
    assert found.origin is not None
    assert found.origin.reader.lower().replace("-", "") == key.split("-")[0]
    assert np.isfinite(found.mjd).all()
    assert (found.flux_err > 0).all()
    assert found.n_points + found.origin.n_omitted in (samples.N, 3 * samples.N, 3 * samples.N - 2)


def test_forced_source_has_total_and_difference_fluxes(paths):
    with pytest.warns(
        OmissionWarning, match="2 of 24 rows of forced_source.csv left out: 1 flagged psfFlux_flag"
    ):
        total = read_rubin(paths["rubin"])
    source = samples.forced_source()
    keep = np.setdiff1d(np.arange(samples.N), [3, 7])
    np.testing.assert_allclose(total.flux, source["psfFlux"].to_numpy()[keep])
    np.testing.assert_array_equal(total.mjd, source["midpointMjdTai"].to_numpy()[keep])
    np.testing.assert_array_equal(total.visit_id, source["visit"].to_numpy()[keep])
    assert total.star_id.tolist() == [2**60 + 1, 2**60 + 3]
    assert total.flux_kind == "total"
    with pytest.warns(OmissionWarning, match="flagged pixelFlags_cr"):
        difference = read_rubin(paths["rubin"], flux_kind="difference")
    assert difference.flux_kind == "difference"
    assert np.isnan(difference.mag).all()
    kept = np.setdiff1d(np.arange(samples.N), [7])
    np.testing.assert_allclose(difference.flux, source["psfDiffFlux"].to_numpy()[kept])


@pytest.mark.filterwarnings("ignore::pelsvae_cadence.core.tables.columns.OmissionWarning")
def test_visits_give_forced_source_its_times(paths):
    source = samples.forced_source()
    bare = source.drop(columns="midpointMjdTai")
    with pytest.raises(InputError, match=r"has no times .*visits='Visit.parquet'"):
        read_rubin(bare)
    expected = read_rubin(source)
    visits = samples.visit_table()
    np.testing.assert_array_equal(read_rubin(bare, visits=visits).mjd, expected.mjd)
    detectors = visits.rename(columns={"visit": "visitId"}).assign(detector=94)
    detectors = pd.concat([detectors, detectors.assign(detector=95)]).sample(frac=1.0, random_state=1)
    np.testing.assert_array_equal(read_rubin(bare, visits=detectors).mjd, expected.mjd)
    started = visits.assign(obsStartMJD=visits["expMidptMJD"] - 15 / 86400).drop(columns="expMidptMJD")
    np.testing.assert_allclose(read_rubin(bare, visits=started).mjd, expected.mjd, atol=1e-9)
    ccd = bare.rename(columns={"visit": "ccdVisitId"})
    listed = visits.assign(ccdVisitId=visits["visit"], visitId=visits["visit"] // 1000).drop(columns="visit")
    np.testing.assert_array_equal(read_rubin(ccd, visits=listed).mjd, expected.mjd)
    with pytest.warns(OmissionWarning, match="2 of visits without a time"):
        some = read_rubin(bare, visits=visits.iloc[2:])
    assert some.n_points == expected.n_points - 2
    moved = pd.concat([visits, visits.assign(expMidptMJD=visits["expMidptMJD"] + 1)])
    with pytest.raises(InputError, match="differ in time by more than a minute"):
        read_rubin(bare, visits=moved)
    with pytest.raises(InputError, match="no visit of"):
        read_rubin(bare, visits=visits.assign(visit=visits["visit"] + 10**6))


def test_dia_source_psf_flux_is_the_difference(paths):
    with pytest.warns(OmissionWarning, match="1 of no object"):
        total = read_rubin(paths["rubin-dia"])
    with pytest.warns(OmissionWarning, match="1 of no object"):
        difference = read_rubin(paths["rubin-dia"], flux_kind="difference")
    np.testing.assert_allclose(total.flux - difference.flux, 1.5e6)
    bare = samples.dia_source().drop(columns=["diaSourceId", "scienceFlux", "scienceFluxErr"])
    with pytest.raises(InputError, match=r"may be the total flux .* or that of the difference image"):
        read_rubin(bare)
    with pytest.raises(InputError, match="may hold fluxes of difference images"):
        LightCurves.from_table(bare)


@pytest.mark.filterwarnings("ignore::pelsvae_cadence.core.tables.columns.OmissionWarning")
@pytest.mark.parametrize("layout", ["struct of lists", "list of structs", "lists"])
def test_nested_frames_are_unfolded(tmp_path, layout):
    source = samples.forced_source()
    expected = read_rubin(source)
    inner = [name for name in source.columns if name != "objectId"]
    groups = [group for _, group in source.groupby("objectId")]
    ids = pa.array([int(group["objectId"].iloc[0]) for group in groups])
    lists = {name: pa.array([group[name].tolist() for group in groups]) for name in inner}
    columns = {"objectId": ids, "coord_ra": pa.array([1.0, 2.0])}
    if layout == "lists":
        columns |= lists
    elif layout == "struct of lists":
        columns["objectForcedSource"] = pa.StructArray.from_arrays(list(lists.values()), names=inner)
    else:
        columns["objectForcedSource"] = pa.array([group[inner].to_dict("records") for group in groups])
    path = tmp_path / "nested.parquet"
    pq.write_table(pa.table(columns), path)
    for table in (path, pa.table(columns)):
        found = read_light_curves(table)
        assert found.origin.reader == "Rubin"
        np.testing.assert_array_equal(found.flux, expected.flux)
        np.testing.assert_array_equal(found.star_id, expected.star_id)


@pytest.mark.filterwarnings("ignore::pelsvae_cadence.core.tables.columns.OmissionWarning")
def test_lsdb_frames_are_unfolded():
    nested_pandas = pytest.importorskip("nested_pandas")
    source = samples.forced_source()
    base = pd.DataFrame({"objectId": source["objectId"].unique()})
    flat = source.set_index(pd.Index(np.repeat([0, 1], samples.N // 2))).drop(columns="objectId")
    frame = nested_pandas.NestedFrame(base).join_nested(flat, "objectForcedSource")
    np.testing.assert_array_equal(read_light_curves(frame).flux, read_rubin(source).flux)


def test_ztf_data_release(paths):
    with pytest.warns(OmissionWarning, match="1 of 24 rows of ztf.csv left out: 1 flagged catflags"):
        found = read_ztf(paths["ztf"])
    assert np.unique(found.band).tolist() == ["zg", "zr"]
    keep = np.setdiff1d(np.arange(samples.N), [2])
    np.testing.assert_allclose(found.mag, MAG[keep])
    np.testing.assert_allclose(found.mjd, Time(59000.0 + T, format="mjd", scale="utc").tai.mjd[keep])
    with pytest.warns(OmissionWarning, match="flagged catflags"):
        one = read_ztf(paths["ztf"], one_star=True)
    assert len(one) == 1
    release = samples.ztf_release()
    bulk = {
        "objectid": [1],
        "filterid": [2],
        "hmjd": [(59000.0 + T).tolist()],
        "mag": [MAG.tolist()],
        "magerr": [[0.01] * samples.N],
        "catflags": [[0] * samples.N],
    }
    heliocentric = read_light_curves(pa.table(bulk))
    assert heliocentric.time_system == "MJD (TAI), heliocentric"
    assert set(heliocentric.band) == {"zr"}
    with pytest.raises(InputError, match="no difference fluxes"):
        read_ztf(release, flux_kind="difference")


def test_ztf_forced_photometry(paths):
    with pytest.warns(OmissionWarning, match="1 with a procstatus"):
        difference = read_ztf(paths["ztf-forced"])
    with pytest.warns(OmissionWarning, match="1 with a procstatus"):
        total = read_ztf(paths["ztf-forced"], flux_kind="total")
    keep = np.setdiff1d(np.arange(samples.N), [4])
    np.testing.assert_allclose(total.mag, MAG[keep], atol=1e-3)
    assert difference.flux_kind == "difference"
    np.testing.assert_allclose(total.flux - difference.flux, 3631e9 * 10 ** (-0.4 * 16.0), rtol=1e-9)
    middle = Time(2459000.5 + T.round(7), format="jd", scale="utc").tai.mjd + 15 / 86400
    np.testing.assert_allclose(total.mjd, middle[keep], atol=1e-7)


@pytest.mark.filterwarnings("ignore::pelsvae_cadence.core.tables.columns.OmissionWarning")
def test_gaia_layouts_agree(paths, tmp_path):
    wide, long = read_gaia(paths["gaia"]), read_gaia(paths["gaia-long"])
    np.testing.assert_allclose(wide.flux, long.flux)
    np.testing.assert_allclose(wide.flux, read_gaia(paths["gaia-xml"]).flux)
    assert wide.time_system == "MJD (TAI), barycentric"
    first = wide.star_id == 4685850173231544321
    g = wide.star(int(np.argmax(first)))
    g_rows = g.band == "G"
    expected = np.delete(MAG[: samples.N // 2], 6) + (25.8010 - 25.8010)
    np.testing.assert_allclose(g.mag[g_rows], expected, atol=1e-5)
    tcb = Time(1700.0 + np.delete(T[: samples.N // 2], 6), 2455197.5, format="jd", scale="tcb")
    np.testing.assert_allclose(g.mjd[g_rows], tcb.tai.mjd, rtol=0, atol=1e-9)
    frame = samples.gaia_transits()
    rows = [
        {
            name: f"[{', '.join('null' if pd.isna(v) else str(v).lower() for v in group[name])}]"
            for name in frame.columns
            if name not in ("solution_id", "source_id")
        }
        | {"source_id": source}
        for source, group in frame.groupby("source_id")
    ]
    raw = tmp_path / "raw.csv"
    pd.DataFrame(rows).to_csv(raw, index=False)
    np.testing.assert_allclose(read_gaia(raw).flux, wide.flux)


def test_ogle_names_say_star_and_band(paths, tmp_path):
    one = read_ogle(paths["ogle"])
    assert one.name.tolist() == ["OGLE-LMC-CEP-0001"]
    assert one.time_system == "MJD (TAI), heliocentric"
    np.testing.assert_allclose(one.mag, MAG + 0.45)
    utc = Time(2455260.0 + T, format="jd", scale="utc")
    np.testing.assert_allclose(one.mjd, utc.tai.mjd, rtol=0, atol=1e-9)
    for band in "IV":
        (tmp_path / "phot" / band).mkdir(parents=True)
        for k in (1, 2):
            text = samples.ogle().replace("24552", " 52").replace("24553", " 53").replace("24554", " 54")
            (tmp_path / "phot" / band / f"OGLE-BLG-RRLYR-0000{k}.dat").write_text(text)
    many = read_light_curves(tmp_path / "phot")
    assert len(many) == 2
    assert many.n_points == 4 * samples.N
    np.testing.assert_allclose(many.star(0).mjd[::2], one.mjd, atol=1e-9)
    stray = tmp_path / "OGLE-BLG-RRLYR-00003.dat"
    stray.write_text(samples.ogle())
    with pytest.raises(InputError, match=r"tells the band.*band=\"I\""):
        read_ogle(stray)
    assert set(read_ogle(stray, band="V").band) == {"V"}
    stray.write_text(samples.ogle().replace("24", "59"))
    with pytest.raises(InputError, match="Julian Dates, whole or less 2450000"):
        read_ogle(stray, band="I")


def test_atlas_tells_total_from_difference_fluxes(paths, tmp_path):
    difference = read_atlas(paths["atlas"])
    assert difference.flux_kind == "difference"
    path = tmp_path / "reduced.txt"
    path.write_text(samples.atlas(difference=False))
    total = read_atlas(path)
    assert total.flux_kind == "total"
    np.testing.assert_allclose(total.mag, MAG, atol=2e-3)
    assert read_atlas(path, flux_kind="difference").flux_kind == "difference"
    middle = Time(59226.0 + T, format="mjd", scale="utc").tai.mjd + 15 / 86400
    np.testing.assert_allclose(total.mjd, middle, atol=1e-6)


def test_asassn_upper_limits_are_forced_fluxes(paths):
    first = read_asassn(paths["asassn"])
    assert first.n_points == samples.N
    np.testing.assert_allclose(first.mag, MAG, atol=1e-4)
    assert "1 upper limits" in str(first.origin)
    with pytest.warns(OmissionWarning, match="1 of bad quality"):
        second = read_asassn(paths["asassn-2"])
    assert second.star_id.tolist() == [661425129485]
    assert second.time_system == "MJD (TAI)"
    frame = pd.read_csv(paths["asassn"]).drop(columns="Filter")
    with pytest.raises(InputError, match="no filter"):
        read_asassn(frame)
    assert set(read_asassn(frame, band="V").band) == {"V"}


def test_the_front_door_refuses_what_it_cannot_tell(paths, tmp_path):
    with pytest.raises(InputError, match="unknown reader 'rubn'"):
        read_light_curves(paths["ztf"], reader="rubn")
    with pytest.raises(InputError, match="visits is no option of the reader 'ztf'"):
        read_light_curves(paths["ztf"], visits="v.csv")
    with pytest.raises(InputError, match="does not exist"):
        read_light_curves(tmp_path / "none.csv")
    both = samples.forced_source().assign(catflags=0, mag=20.0, magerr=0.1)
    with pytest.raises(InputError, match="rubin or ztf"):
        read_light_curves(both)
    headless = tmp_path / "mine.dat"
    headless.write_text(samples.ogle())
    with pytest.raises(InputError, match="no line with the names"):
        read_light_curves(headless)


def test_own_tables_go_through_the_same_door(tmp_path):
    path = tmp_path / "mine.csv.gz"
    frame = pd.DataFrame({"star": "V1", "MJD": 60000.0 + T, "Filter": "r", "Mag": MAG, "e_mag": 0.01})
    path.write_bytes(gzip.compress(frame.to_csv(index=False).encode("utf-8-sig")))
    found = read_light_curves(path)
    assert found.origin.columns["mag_err"] == "e_mag"
    np.testing.assert_allclose(found.mag, MAG)


@pytest.mark.filterwarnings("ignore::pelsvae_cadence.core.tables.columns.OmissionWarning")
def test_the_period_of_an_archive_star_is_found(tmp_path):
    t, mag = samples.curve(n=300)
    frame = pd.DataFrame(
        {"oid": 1, "filtercode": "zr", "mjd": 59000 + t, "mag": mag, "magerr": 0.01, "catflags": 0}
    )
    period = search(read_light_curves(frame)).period
    assert abs(period[0] / samples.PERIOD - 1.0) < 1e-3

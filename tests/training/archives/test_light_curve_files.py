"""Readers hand over what files hold; pickles only on the user's word."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.light_curve_files import (
    _read_light_curve_table,
    open_light_curves,
    read_ragged,
    write_ragged,
)
from pelsvae_cadence.training.archives.ogle_archive import OgleArchive
from pelsvae_cadence.training.archives.raw_light_curves import RawLightCurves
from pelsvae_cadence.training.archives.star_table import read_star_table
from pelsvae_cadence.training.preprocess.folded_light_curves import doubled, read_folded
from pelsvae_cadence.training.preprocess.published_file import convert_published_file


def _equal(one: RawLightCurves, two: RawLightCurves) -> bool:
    return one.fingerprint() == two.fingerprint()


def _write_archive(folder: Path, curves: RawLightCurves) -> None:
    phot = folder / "cep" / "phot" / "I"
    phot.mkdir(parents=True)
    for i, star in enumerate(curves.star):
        rows = curves.rows(i)
        np.savetxt(
            phot / f"{star}.dat",
            np.column_stack([curves.time[rows], curves.mag[rows], curves.mag_err[rows]]),
            fmt="%.9f",
        )


@pytest.fixture(scope="module")
def cepheids(shared_data: Path) -> RawLightCurves:
    return read_ragged(shared_data / "lightcurves" / "ogle3_lmc_cep_I.npz", band="I")


def test_ragged_set_is_read_as_described(cepheids):
    assert len(cepheids) == 1671
    assert cepheids.n_points.sum() == 894_741
    assert set(cepheids.star_class) == {"CEP"}
    first = cepheids.take([0])
    assert first.star.tolist() == ["OGLE-LMC-CEP-0002"]
    assert first.subtype.tolist() == ["F"]
    assert first.period[0] == pytest.approx(3.11812, abs=1e-6)
    assert first.n_points.tolist() == [366]


def test_take_keeps_each_star_with_its_points(cepheids):
    chosen = cepheids.take([5, 2, 2, 900])
    for k, i in enumerate((5, 2, 2, 900)):
        assert chosen.star[k] == cepheids.star[i]
        assert (chosen.mag[chosen.rows(k)] == cepheids.mag[cepheids.rows(i)]).all()
    halves = [cepheids.read(0, 700), cepheids.read(700, 5000)]
    assert _equal(RawLightCurves.concatenate(halves), cepheids)


def test_ragged_round_trip(tmp_path, cepheids):
    some = cepheids.take(np.arange(30))
    write_ragged(some, tmp_path / "some.npz")
    assert _equal(read_ragged(tmp_path / "some.npz"), some)


def test_a_band_of_a_multi_band_set(shared_data):
    path = shared_data / "lightcurves" / "sdss_s82_rrlyr_ugriz.npz"
    stars = pd.read_parquet(path.with_name("sdss_s82_rrlyr_ugriz_stars.parquet"))
    for band in ("u", "i"):
        curves = read_ragged(path, band=band)
        assert curves.n_points.tolist() == stars[f"n_{band}"].tolist()
    with pytest.raises(InputError, match="several bands"):
        read_ragged(path)


def test_ogle_archive_and_table_agree_with_the_ragged_set(tmp_path, cepheids):
    some = cepheids.take(np.arange(12))
    _write_archive(tmp_path / "lmc", some)
    (tmp_path / "lmc" / "cep" / "ident.dat").write_text("OGLE-LMC-CEP-0002  LMC114.5\n")
    v_band = tmp_path / "lmc" / "cep" / "phot" / "V"
    v_band.mkdir()
    (v_band / f"{some.star[0]}.dat").write_text("2000.0 16.0 0.01\n")
    stars = pd.DataFrame(
        {
            "OGLE_id": [*some.star, "OGLE-LMC-CEP-9998"],
            "subType": [*some.subtype, "F"],
            "Period": [*some.period, 2.0],
        }
    )
    archive = OgleArchive.open(tmp_path / "lmc", stars)
    assert len(archive) == 12
    assert [path.name for path in archive.other_files] == ["ident.dat"]
    assert archive.without_file == ("OGLE-LMC-CEP-9998",)
    read = RawLightCurves.concatenate([archive.read(0, 5), archive.read(5, 12)])
    assert (read.star == some.star).all()
    assert (read.star_class == "CEP").all()
    assert (read.subtype == some.subtype).all()
    assert (read.period == some.period).all()
    assert (read.n_points == some.n_points).all()
    np.testing.assert_allclose(read.time, some.time, rtol=0, atol=1e-8)
    np.testing.assert_allclose(read.mag, some.mag, rtol=0, atol=1e-8)

    long = pd.DataFrame(
        {"star": np.repeat(some.star, some.n_points), "hjd": some.time, "mag": some.mag, "err": some.mag_err}
    )
    shuffled = long.sort_values("hjd", kind="stable")  # interleaves the stars
    for name, write in (("lc.csv", "to_csv"), ("lc.csv.gz", "to_csv"), ("lc.parquet", "to_parquet")):
        getattr(shuffled, write)(tmp_path / name, index=False)
        table = _read_light_curve_table(tmp_path / name, stars, band="I")
        table = table.take(np.argsort(table.star))
        assert (table.star == some.star).all()
        assert (table.period == some.period).all()
        assert (table.time == some.time).all()
        assert (table.mag == some.mag).all()


def test_broken_files_become_faults(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    good = "2000.0 15.0 0.01\n2001.0 15.1 0.01\n"
    (tmp_path / "a" / "OGLE-BLG-RRLYR-00001.dat").write_text(good)
    (tmp_path / "b" / "OGLE-BLG-RRLYR-00001.dat").write_text(good)
    (tmp_path / "a" / "OGLE-BLG-RRLYR-00002.dat").write_text("")
    (tmp_path / "a" / "OGLE-BLG-RRLYR-00003.dat").write_text("2000.0 fifteen 0.01\n")
    (tmp_path / "a" / "OGLE-BLG-RRLYR-00004.dat").write_bytes(b"\xff\xfe\x00garbage")
    archive = OgleArchive.open(tmp_path)
    curves = archive.read(0, len(archive))
    assert curves.fault.tolist() == [
        "",
        "second file of the same star",
        "empty file",
        "unreadable file (ValueError)",
        "unreadable file (UnicodeDecodeError)",
    ]
    assert curves.n_points.tolist() == [2, 0, 0, 0, 0]
    assert (curves.star_class == "RRLYR").all()
    # The second file is found also where a run of files begins with it.
    assert archive.read(1, 2).fault.tolist() == ["second file of the same star"]


def test_reading_errors_name_the_way_out(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        OgleArchive.open(tmp_path / "nothing")
    with pytest.raises(InputError, match="holds no I-band light curves"):
        OgleArchive.open(tmp_path)
    with pytest.raises(InputError, match="no column names the star"):
        read_star_table(pd.DataFrame({"x": [1]}))
    pd.DataFrame({"star": ["a"], "t": [1.0], "mag": [1.0]}).to_csv(tmp_path / "a.csv")
    with pytest.raises(InputError, match="no column for mag_err"):
        _read_light_curve_table(tmp_path / "a.csv")
    np.savez(tmp_path / "b.npz", t=[1.0], mag=[1.0], err=[1.0])
    with pytest.raises(InputError, match="has no array 'offsets'"):
        read_ragged(tmp_path / "b.npz", pd.DataFrame({"star": ["a"]}))
    with pytest.raises(InputError, match=r"offsets must have shape \(3,\)"):
        RawLightCurves(
            star=np.array(["a", "b"]),
            star_class=np.array(["CEP"] * 2),
            subtype=np.array([""] * 2),
            period=np.ones(2),
            band=np.array(["I"] * 2),
            fault=np.array([""] * 2),
            offsets=np.array([0, 1]),
            time=np.ones(1),
            mag=np.ones(1),
            mag_err=np.ones(1),
        )


def test_any_path_is_opened_by_its_kind(tmp_path, cepheids):
    some = cepheids.take(np.arange(3))
    _write_archive(tmp_path / "archive", some)
    write_ragged(some, tmp_path / "some.npz")
    archive = open_light_curves(tmp_path / "archive")
    assert isinstance(archive, OgleArchive)
    assert np.isnan(archive.read(0, 3).period).all()
    ragged = open_light_curves(tmp_path / "some.npz")
    assert ragged.fingerprint() == some.fingerprint()
    with pytest.raises(InputError, match="is a pickle"):
        open_light_curves(tmp_path / "lcs.npy.gz")
    with pytest.raises(InputError, match="does not exist"):
        open_light_curves(tmp_path / "nothing.csv")
    (tmp_path / "lcs.txt").write_text("?")
    with pytest.raises(InputError, match="is neither csv nor parquet"):
        open_light_curves(tmp_path / "lcs.txt")


def test_several_bands_in_a_table_must_be_named(tmp_path):
    frame = pd.DataFrame(
        {"id": ["7", "7", "8"], "t": [1.0, 2.0, 3.0], "mag": 15.0, "err": 0.1, "band": list("VIV")}
    )
    frame.to_csv(tmp_path / "two.csv", index=False)
    with pytest.raises(InputError, match="allowed: I, V"):
        _read_light_curve_table(tmp_path / "two.csv")
    assert _read_light_curve_table(tmp_path / "two.csv", band="V").star.tolist() == ["7", "8"]


# The published file -----------------------------------------------------------------------------


def _published(path: Path, *, old: bool = True, n: int = 6, t_len: int = 20) -> np.ndarray:
    rng = np.random.default_rng(3)
    one = np.sort(rng.random((n, t_len)), axis=1)
    mag, err = 15 + rng.random((n, t_len)), 0.01 + 0.01 * rng.random((n, t_len))
    lcs = np.stack([np.concatenate([one, one + 1], 1), np.tile(mag, 2), np.tile(err, 2)], axis=-1)
    meta = pd.DataFrame(
        {
            "OGLE_id": [f"OGLE-LMC-CEP-000{i}" for i in (2, 2, 4, 6, 6, 8)],
            "Type": "CEP",
            "subType": "F",
            "Period": np.float32(2.5),
            "teff_val": np.float32(5500.0),
        }
    )
    if old:  # before pandas 3, strings were objects
        text = dict.fromkeys(("OGLE_id", "Type", "subType"), object)
        meta = meta.astype(text).set_axis(pd.Index(list(meta), dtype=object), axis=1)
    with gzip.open(path, "wb") as stream:
        content = np.array({"lcs": lcs.astype(np.float32), "meta": meta}, dtype=object)
        np.save(stream, content, allow_pickle=True)
    return lcs.astype(np.float32)


@pytest.mark.parametrize("old", [True, False])
def test_published_file_needs_the_users_word(tmp_path, old):
    lcs = _published(tmp_path / "lcs.npy.gz", old=old)
    with pytest.raises(InputError, match="--trust-pickle"):
        convert_published_file(tmp_path / "lcs.npy.gz", tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()
    folded = convert_published_file(tmp_path / "lcs.npy.gz", tmp_path / "out.npz", trust_pickle=True)
    again, table = read_folded(tmp_path / "out.npz")
    assert again.star.tolist() == folded.star.tolist()
    assert again.copy.tolist() == [1, 1, 0, 1, 1, 0]
    assert table["teff_val"].tolist() == [5500.0] * 6
    assert (again.mag == lcs[:, :20, 1]).all()
    np.testing.assert_allclose(doubled(again), lcs, atol=2e-7)  # phase + 1 in single precision


class _Evil:
    def __reduce__(self):
        return os.mkdir, (os.environ["PELSVAE_TEST_TRAP"],)


def test_even_a_trusted_pickle_cannot_call_what_it_likes(tmp_path, monkeypatch):
    trap = tmp_path / "trap"
    monkeypatch.setenv("PELSVAE_TEST_TRAP", str(trap))
    with gzip.open(tmp_path / "evil.npy.gz", "wb") as stream:
        np.save(stream, np.array({"lcs": _Evil(), "meta": 1}, dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"the pickle asks for (posix|nt|os)\.mkdir"):
        convert_published_file(tmp_path / "evil.npy.gz", tmp_path / "o.npz", trust_pickle=True)
    assert not trap.exists()


def test_a_file_of_another_kind_is_refused(tmp_path):
    with gzip.open(tmp_path / "plain.npy.gz", "wb") as stream:
        np.save(stream, np.zeros((2, 3)))
    with pytest.raises(InputError, match="holds a plain array"):
        convert_published_file(tmp_path / "plain.npy.gz", tmp_path / "o.npz", trust_pickle=True)
    with gzip.open(tmp_path / "text.npy.gz", "wb") as stream:
        stream.write(b"hello, world")
    with pytest.raises(InputError, match="is not a gzip'd npy file"):
        convert_published_file(tmp_path / "text.npy.gz", tmp_path / "o.npz", trust_pickle=True)

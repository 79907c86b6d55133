"""Every light curve is kept or rejected with one reason; a killed run continues."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.stats import sigma_clip

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.light_curve_files import read_ragged
from pelsvae_cadence.training.archives.ogle_archive import OgleArchive
from pelsvae_cadence.training.archives.raw_light_curves import RawLightCurves
from pelsvae_cadence.training.archives.splits import SPLITS, require_whole_stars
from pelsvae_cadence.training.preprocess.cleaning import (
    STEPS,
    PreprocessingOptions,
    _estimate_period,
    _phase_dispersion,
    clean_light_curves,
)
from pelsvae_cadence.training.preprocess.counts import _count_steps, count_reasons, format_counts
from pelsvae_cadence.training.preprocess.folded_light_curves import read_folded
from pelsvae_cadence.training.preprocess.folding import fold_light_curves
from pelsvae_cadence.training.preprocess.run import preprocess, read_preprocessed

ANY_LENGTH = PreprocessingOptions(min_points=10)


def _curve(**changes: object) -> RawLightCurves:
    """Make one clean sine of 60 points, with changes."""
    rng = np.random.default_rng(1)
    time = np.sort(rng.uniform(0, 100, 60))
    given = {
        "star": "a",
        "star_class": "CEP",
        "subtype": "F",
        "period": 2.5,
        "band": "I",
        "fault": "",
        "time": time,
        "mag": 15 + 0.3 * np.sin(2 * np.pi * time / 2.5) + 0.01 * rng.normal(size=60),
        "mag_err": np.full(60, 0.01),
    } | changes
    points = {name: np.asarray(given.pop(name)) for name in ("time", "mag", "mag_err")}
    stars = {name: np.array([value]) for name, value in given.items()}
    return RawLightCurves(offsets=np.array([0, points["time"].size]), **stars, **points)


def _with(values: np.ndarray, i: int, value: float) -> np.ndarray:
    changed = values.copy()
    changed[i] = value
    return changed


GOOD = _curve()


@pytest.mark.parametrize(
    ("changes", "step", "reason"),
    [
        ({}, "", ""),
        ({"fault": "empty file"}, "well formed", "empty file"),
        ({"star_class": "BLAZAR"}, "well formed", "unknown class"),
        (
            {"time": GOOD.time[:9], "mag": GOOD.mag[:9], "mag_err": GOOD.mag_err[:9]},
            "well formed",
            "fewer than 10 points in the file",
        ),
        ({"mag": _with(GOOD.mag, 7, np.nan)}, "well formed", "NaN or infinity"),
        ({"time": _with(GOOD.time, 7, np.nan)}, "well formed", "NaN or infinity"),
        ({"mag_err": _with(GOOD.mag_err, 0, np.inf)}, "well formed", "NaN or infinity"),
        ({"mag_err": _with(GOOD.mag_err, 3, -0.01)}, "well formed", "zero or negative error"),
        ({"mag_err": _with(GOOD.mag_err, 3, 0.0)}, "well formed", "zero or negative error"),
        ({"mag": _with(GOOD.mag, 3, 99.999)}, "well formed", "code for a missing magnitude"),
        ({"mag": np.full(60, 15.0)}, "well formed", "constant magnitude"),
        ({"time": _with(GOOD.time, 8, GOOD.time[7])}, "well formed", "duplicate times"),
        ({"star": "OGLE-LMC-CEP-0003"}, "not reserved", "reserved for judging"),
        ({"star_class": "LPV", "subtype": "OSARG"}, "subtype", "dropped subtype"),
        ({"star_class": "LPV", "subtype": "SRV"}, "subtype", "dropped subtype"),
        ({"star_class": "LPV", "subtype": "C"}, "subtype", "dropped subtype"),
        ({"star_class": "DSCT", "subtype": "MULTIMODE"}, "subtype", "dropped subtype"),
        ({"mag_err": np.full(60, 0.05)}, "signal to noise", "signal to noise below 5"),
        ({"period": np.nan}, "period", "no period"),
        ({"period": -1.0}, "period", "period not above zero"),
        ({"period": 10000.0}, "period", "period longer than the light curve"),
        ({"period": 1.7320508}, "period", "period does not fold"),
    ],
)
def test_each_fault_has_its_reason(changes, step, reason):
    curve = _curve(**changes)
    cleaned, log = clean_light_curves(curve, ANY_LENGTH)
    assert log["step"].tolist() == [step]
    assert log["reason"].tolist() == [reason]
    assert len(cleaned) == (step == "")
    assert count_reasons(log).to_numpy().sum() == (0 if step == "" else 2)  # class and total


def test_too_few_points_is_the_published_cut():
    _, log = clean_light_curves(_curve(), PreprocessingOptions())
    assert log["reason"].tolist() == ["fewer than 300 points"]


def test_reserved_stars_can_be_kept():
    options = PreprocessingOptions(min_points=10, keep_reserved=True)
    assert len(clean_light_curves(_curve(star="OGLE-LMC-CEP-0003"), options)[0]) == 1


def test_unsorted_times_are_mended_and_counted():
    order = np.random.default_rng(2).permutation(60)
    shuffled = _curve(time=GOOD.time[order], mag=GOOD.mag[order])
    cleaned, log = clean_light_curves(shuffled, ANY_LENGTH)
    reference, _ = clean_light_curves(GOOD, ANY_LENGTH)
    assert log["times_sorted"].tolist() == [True]
    assert "1 light curves with unsorted times were sorted" in format_counts(log)
    assert cleaned.fingerprint() == reference.fingerprint()


def test_repeated_points_are_merged_only_on_request():
    twice = _curve(**{n: np.tile(getattr(GOOD, n), 2) for n in ("time", "mag", "mag_err")})
    assert clean_light_curves(twice, ANY_LENGTH)[1]["reason"].tolist() == ["duplicate times"]
    options = PreprocessingOptions(min_points=10, merge_repeated=True)
    cleaned, log = clean_light_curves(twice, options)
    reference, _ = clean_light_curves(GOOD, ANY_LENGTH)
    assert log["n_merged"].tolist() == [60]
    assert cleaned.fingerprint() == reference.fingerprint()
    # Two magnitudes at one time are no repetition.
    other = _curve(time=_with(GOOD.time, 8, GOOD.time[7]))
    assert clean_light_curves(other, options)[1]["reason"].tolist() == ["duplicate times"]


def test_clipping_is_the_published_one():
    mag, err = GOOD.mag.copy(), GOOD.mag_err.copy()
    mag[[5, 17]] += [4.0, -3.0]
    err[[17, 30]] = [0.2, 0.3]
    cleaned, log = clean_light_curves(_curve(mag=mag, mag_err=err), ANY_LENGTH)
    clip_mag = sigma_clip(mag, sigma=3, maxiters=3, cenfunc=np.median).mask
    clip_err = sigma_clip(err, sigma=3, maxiters=3, cenfunc=np.median).mask
    kept = ~(clip_mag | clip_err)
    assert clip_mag[[5, 17]].all()
    assert clip_err[[17, 30]].all()
    assert (cleaned.time == GOOD.time[kept]).all()
    assert log.loc[0, ["n_clipped_mag", "n_clipped_err", "n_points"]].tolist() == [
        clip_mag.sum(),
        clip_err.sum(),
        kept.sum(),
    ]
    whole = PreprocessingOptions(min_points=10, clip_iterations=0)
    assert clean_light_curves(_curve(mag=mag, mag_err=err), whole)[1]["n_points"][0] == 60


def test_phase_dispersion_is_one_for_noise_and_small_for_a_curve():
    rng = np.random.default_rng(0)
    time = np.sort(rng.uniform(0, 300, 500))
    noise = [_phase_dispersion(time, rng.normal(size=500), 2.0) for _ in range(200)]
    # Mean 1, standard deviation about 1 / sqrt(n) of each, hence .0032 of the mean of 200.
    assert abs(np.mean(noise) - 1) < 0.015
    curve = np.sin(2 * np.pi * time / 2.0)
    assert _phase_dispersion(time, curve, 2.0) < 0.001
    assert _phase_dispersion(time, curve, 2.1) > 0.7


# Real stars --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lightcurves(shared_data: Path) -> Path:
    return shared_data / "lightcurves"


@pytest.fixture(scope="module")
def mixed(lightcurves) -> RawLightCurves:
    """Real Cepheids, eclipsing binaries, Miras and more: Hipparcos, OGLE-II, OGLE-III, ASAS."""
    return RawLightCurves.concatenate(
        [
            read_ragged(lightcurves / "hipparcos_ogle2.npz"),
            read_ragged(lightcurves / "ogle3_lmc_cep_I.npz", band="I").read(0, 300),
            read_ragged(lightcurves / "asas_mira_V.npz").read(0, 60),
        ]
    )


@pytest.fixture(scope="module")
def cleaned_mixed(mixed) -> tuple[RawLightCurves, pd.DataFrame]:
    return clean_light_curves(mixed, PreprocessingOptions(min_points=50))


def test_counts_add_up_on_real_stars(mixed, cleaned_mixed):
    cleaned, log = cleaned_mixed
    steps = _count_steps(log)
    assert steps["files"]["total"] == len(mixed) == 901
    assert steps["period"]["total"] == len(cleaned)
    assert (steps.diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)
    assert (steps.drop(index="total").sum() == steps.loc["total"]).all()
    assert count_reasons(log)["total"].sum() == len(mixed) - len(cleaned)
    assert list(steps.columns) == ["files", *STEPS]
    # 15 semiregular variables are dropped, and no ASAS star has a period.
    reasons = log["reason"].value_counts()
    assert reasons["dropped subtype"] == 15
    assert set(log.loc[log["reason"] == "no period", "star_class"]) == {"LPV"}
    text = format_counts(log)
    for reason in reasons.index[reasons.index != ""]:
        assert reason in text


def test_good_periods_fold_and_wrong_ones_do_not(lightcurves):
    """The threshold of the fold test: false rejections and wrong periods accepted."""
    curves = read_ragged(lightcurves / "ogle3_lmc_cep_I.npz", band="I").read(0, 400)
    _, log = clean_light_curves(curves)
    tested = log[log["theta"].notna()]
    false_rejections = (tested["step"] == "period").mean()
    assert false_rejections < 0.01
    factor = np.exp(np.random.default_rng(4).uniform(0.1, 0.4, len(curves)))
    wrong = RawLightCurves(
        **{
            name: getattr(curves, name)
            for name in (
                "star",
                "star_class",
                "subtype",
                "band",
                "fault",
                "offsets",
                "time",
                "mag",
                "mag_err",
            )
        },
        period=curves.period * factor,
    )
    _, wrong_log = clean_light_curves(wrong)
    accepted = (wrong_log["step"] == "").sum() / wrong_log["theta"].notna().sum()
    assert accepted < 0.02


def test_clipping_cuts_deep_eclipses(cleaned_mixed):
    """What the published clipping does to binaries, as its docstring says."""
    _, log = cleaned_mixed
    left = log["amplitude_clipped"] / log["amplitude_raw"]
    algols = left[(log["subtype"] == "Algol (Beta Persei)") & (log["step"] == "")]
    cepheids = left[(log["star_class"] == "CEP") & (log["step"] == "")]
    assert algols.size == 49
    assert algols.median() == pytest.approx(0.431, abs=0.02)
    assert cepheids.median() > 0.99


def test_missing_periods_of_rr_lyrae_and_miras(lightcurves):
    curves = read_ragged(lightcurves / "hipparcos_ogle2.npz")
    for star_class, subtype, found in (("RRLYR", "", 1.0), ("LPV", "Mira", 0.85)):
        own = (curves.star_class == star_class) & np.char.startswith(curves.subtype, subtype)
        stars = curves.take(np.flatnonzero(own)[: 30 if subtype else 12])
        hits = []
        for i in range(len(stars)):
            rows = stars.rows(i)
            time, mag, err = stars.time[rows], stars.mag[rows], stars.mag_err[rows]
            if np.std(mag) / np.median(err) >= 5:
                period = _estimate_period(time, mag, err, star_class)
                hits.append(abs(period / stars.period[i] - 1) < 0.03)
        assert len(hits) > (20 if subtype else 6)
        assert np.mean(hits) >= found
    options = PreprocessingOptions(min_points=50, estimate_periods=True, merge_repeated=True)
    miras, log = clean_light_curves(read_ragged(lightcurves / "asas_mira_V.npz").read(0, 15), options)
    assert len(miras) >= 13
    assert log.loc[log["step"] == "", "period_estimated"].all()


def test_folding_keeps_points_and_fills_up(cleaned_mixed):
    cleaned, _ = cleaned_mixed
    folded = fold_light_curves(cleaned, t_len=200, seed=7)
    assert folded.phase.shape == (len(cleaned), 200)
    assert (np.diff(folded.phase, axis=1) >= 0).all()
    assert folded.phase.min() >= 0
    assert folded.phase.max() <= 1
    short = 0
    for i in range(0, len(cleaned), 7):
        rows = cleaned.rows(i)
        phase = np.mod(cleaned.time[rows], cleaned.period[i]) / cleaned.period[i]
        real = {
            (np.float32(p), np.float32(m)): np.float32(e)
            for p, m, e in zip(phase, cleaned.mag[rows], cleaned.mag_err[rows], strict=True)
        }
        points = list(zip(folded.phase[i], folded.mag[i], strict=True))
        n = cleaned.n_points[i]
        if n >= 200:
            assert len(set(points)) == 200
            assert set(points) <= real.keys()
        else:
            short += 1
            assert real.keys() <= set(points)
            assert set(folded.phase[i].tolist()) == set(np.float32(phase).tolist())
    assert short > 10
    # A star's points depend on the seed and its name only.
    alone = fold_light_curves(cleaned.take([11, 3]), t_len=200, seed=7)
    assert (alone.mag == folded.mag[[11, 3]]).all()
    assert (fold_light_curves(cleaned.take([11]), t_len=200, seed=8).mag != alone.mag[0]).any()


# Runs --------------------------------------------------------------------------------------------

_CHILD = """
import sys
from pelsvae_cadence.training.archives.ogle_archive import OgleArchive
from pelsvae_cadence.training.preprocess.cleaning import PreprocessingOptions
from pelsvae_cadence.training.preprocess.run import preprocess

def progress(done, total):
    print(done, flush=True)
    sys.stdin.readline()  # waits to be killed, or told to go on

preprocess(OgleArchive.open(sys.argv[1], sys.argv[2]), sys.argv[3],
           PreprocessingOptions(min_points=50), seed=3, part_size=8, progress=progress)
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory, lightcurves) -> tuple[Path, Path]:
    """An OGLE archive of 60 real Cepheids, three of its files broken, and its table of stars."""
    folder = tmp_path_factory.mktemp("archive")
    curves = read_ragged(lightcurves / "ogle3_lmc_cep_I.npz", band="I").read(0, 60)
    phot = folder / "cep" / "phot" / "I"
    phot.mkdir(parents=True)
    for i, star in enumerate(curves.star):
        rows = curves.rows(i)
        table = np.column_stack([curves.time[rows], curves.mag[rows], curves.mag_err[rows]])
        np.savetxt(phot / f"{star}.dat", table, fmt="%.5f")
    for i, text in ((4, ""), (20, "2000 nan 0.01\n" * 20), (50, "not a light curve")):
        (phot / f"{curves.star[i]}.dat").write_text(text)
    stars = folder / "stars.csv"
    pd.DataFrame({"OGLE_id": curves.star, "subType": curves.subtype, "Period": curves.period}).to_csv(
        stars, index=False
    )
    return folder / "cep", stars


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills the run as POSIX does")
def test_a_killed_run_continues(tmp_path, archive):
    folder, stars = archive
    options = PreprocessingOptions(min_points=50)
    source = OgleArchive.open(folder, stars)
    whole = preprocess(source, tmp_path / "whole", options, seed=3, part_size=8)
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(folder), str(stars), str(tmp_path / "killed")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        for expected in (8, 16, 24):
            assert child.stdout.readline().split() == [str(expected)]
            if expected < 24:
                child.stdin.write("\n")
                child.stdin.flush()
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    killed = tmp_path / "killed"
    with pytest.raises(InputError, match="holds no finished preprocessing"):
        read_preprocessed(killed)
    # As if it had died while it wrote the next part.
    (killed / "parts" / ".partition-part-000003-0.npz").write_bytes(b"half a file")
    before = {p.name: p.stat().st_mtime_ns for p in (killed / "parts").glob("partition-*.npz")}
    steps = []
    log = preprocess(source, killed, options, seed=3, part_size=8, progress=lambda *done: steps.append(done))
    parts = {p.name: p.stat().st_mtime_ns for p in (killed / "parts").iterdir()}
    assert before == {name: parts[name] for name in before}  # what was done was not done again
    assert (len(before), len(parts)) == (3, 8)
    assert steps[-1] == (60, 60)
    pd.testing.assert_frame_equal(log, whole)
    for name in ("cleaned", "folded"):
        with np.load(tmp_path / "whole" / f"{name}.npz") as one, np.load(killed / f"{name}.npz") as two:
            assert one.files == two.files
            for key in one.files:
                np.testing.assert_array_equal(one[key], two[key])
        pd.testing.assert_frame_equal(
            *(pd.read_parquet(run / f"{name}_stars.parquet") for run in (tmp_path / "whole", killed))
        )
    assert (killed / "counts.txt").read_text() == (tmp_path / "whole" / "counts.txt").read_text()


def test_a_run_says_what_it_did(tmp_path, archive):
    source = OgleArchive.open(*archive)
    options = PreprocessingOptions(min_points=50, t_len=64)
    log = preprocess(source, tmp_path, options, seed=3, part_size=25)
    assert len(log) == 60
    faults = log.set_index("star")["reason"][[source.files[i].stem for i in (4, 20, 50)]]
    assert faults.tolist() == ["empty file", "NaN or infinity", "unreadable file (ValueError)"]
    cleaned, table = read_preprocessed(tmp_path)
    assert len(cleaned) == (log["step"] == "").sum() > 40
    require_whole_stars(cleaned.star, table["split"])
    assert set(table["split"]) == set(SPLITS)
    folded, rows = read_folded(tmp_path / "folded.npz")
    assert folded.t_len == 64
    assert rows["split"].tolist() == table["split"].tolist()
    assert "empty file" in (tmp_path / "counts.txt").read_text()
    # The part size does not change the result; a changed question is refused.
    other = preprocess(source, tmp_path / "other", options, seed=3, part_size=60)
    pd.testing.assert_frame_equal(other, log)
    with pytest.raises(InputError, match="belong to a run with other inputs or options"):
        preprocess(source, tmp_path, options, seed=4, part_size=25)
    with pytest.raises(InputError, match="belong to a run with other inputs or options"):
        preprocess(source, tmp_path, ANY_LENGTH, seed=3, part_size=25)
    (tmp_path / "parts" / "partition-part-000001.npz").unlink()  # a lost part is made again
    again = preprocess(source, tmp_path, options, seed=3, part_size=25)
    pd.testing.assert_frame_equal(again, log)
    with pytest.raises(InputError, match="holds no light curves"):
        preprocess(_curve().take([]), tmp_path / "empty", seed=3)
    with pytest.raises(InputError, match="no light curve is left of 60"):
        preprocess(source, tmp_path / "none", PreprocessingOptions(min_snr=1e6), seed=3)


def test_numbers_out_of_range_are_refused():
    with pytest.raises(InputError, match="min_points = 5; allowed: 10 or more"):
        PreprocessingOptions(min_points=5)
    with pytest.raises(InputError, match="clean_light_curves"):
        fold_light_curves(_curve(period=np.nan), seed=0)

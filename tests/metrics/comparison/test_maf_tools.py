"""The results in MAF's own tools: npz files, gathered summaries, run_comparison, show_maf."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
import warnings

import numpy as np
import pandas as pd
import pytest

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]


def test_maf_folders_are_those_of_any_maf_run(whole):
    from rubin_sim.maf.metric_bundles import create_empty_metric_bundle

    result, _, _ = whole
    folder = result.files["maf base"]
    connection = sqlite3.connect(folder / "resultsDb_sqlite.db")
    files = [row[0] for row in connection.execute("select metric_datafile from metrics")]
    captions = [row[0] for row in connection.execute("select display_caption from displays")]
    connection.close()
    assert len(files) == len(set(files)) > 0
    assert all((folder / name).is_file() for name in files)
    assert any("lower is better" in caption for caption in captions)
    bundle = create_empty_metric_bundle()
    bundle.read(str(next(folder.glob("*RRab_r21_recovered_year_1*.npz"))))
    expected = result.outcomes[0].outcome[:, 0, 0, :, 0].mean(axis=-1)
    shown = ~np.ma.getmaskarray(bundle.metric_values)
    np.testing.assert_array_equal(shown, result.outcomes[0].in_footprint)
    np.testing.assert_allclose(bundle.metric_values.compressed(), expected[shown])
    assert bundle.summary_values["Mean common footprint"] == pytest.approx(
        expected[result.summary.common].mean()
    )


def test_gather_summaries_and_run_comparison_read_them(whole, tmp_path, monkeypatch):
    """rubin_sim's own functions, offline: gathered table, subsets, families, a plot."""
    import matplotlib as mpl
    from rubin_sim.maf import run_comparison

    mpl.use("agg")
    result, _, _ = whole
    monkeypatch.setattr(
        sys,
        "argv",
        [
            "gather_summaries",
            "--base_dir",
            str(result.out_dir / "maf"),
            "--to_csv",
            "--outfile",
            str(tmp_path / "gathered"),
        ],
    )
    run_comparison.gather_summaries()
    gathered = pd.read_csv(tmp_path / "gathered.csv", index_col=0)
    source = str(result.files["maf summary"])
    summaries = run_comparison.get_metric_summaries(summary_source=source)
    pd.testing.assert_frame_equal(
        gathered.sort_index(), summaries.sort_index(), check_names=False, check_like=True
    )
    runs = run_comparison.get_runs(str(result.files["run families"]))
    assert set(runs.index) == {"base", "again", "thin"}
    subsets = run_comparison.get_metric_subsets(str(result.files["metric subsets"]))
    lower = subsets.loc["years without a period"]
    assert lower.invert.all()
    chosen = run_comparison.get_metric_summaries(
        run_families=["comparison"],
        metric_subsets=["periods recovered year 1"],
        summary_source=source,
        runs_source=str(result.files["run families"]),
        metric_subset_source=str(result.files["metric subsets"]),
    )
    name = "Mean PeriodRecovery RRab r21_recovered year 1 UserPointsSlicer"
    assert list(chosen.index) == ["base", "again", "thin"]
    share = result.outcomes[2].outcome[result.outcomes[2].in_footprint][:, 0, 0, :, 0].mean()
    assert chosen.loc["thin", name] == pytest.approx(share)
    time_lost = run_comparison.get_metric_summaries(
        metric_subsets=["years without a period"],
        summary_source=source,
        metric_subset_source=str(result.files["metric subsets"]),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rubin_sim's own, about pandas
        norm = run_comparison.normalize_metric_summaries("base", time_lost, metric_subsets=lower)
    assert (norm.loc["again"] == 1.0).all()
    assert (norm.loc["thin"] < 1.0).all()  # more years without a period is worse
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure, _ = run_comparison.plot_run_metric(
            chosen, baseline_run="base", metric_subset=subsets.loc["periods recovered year 1"]
        )
    assert figure.axes
    import matplotlib.pyplot as plt

    plt.close("all")


def test_show_maf_serves_a_folder(whole):
    result, _, _ = whole
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from rubin_sim.maf.show_maf import show_maf; show_maf()",
            "--no_browser",
            "-t",
            "tracking.db",
            "-d",
            str(result.files["maf thin"]),
            "-p",
            str(port),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=result.out_dir,
    )
    try:
        page, deadline = "", time.monotonic() + 300
        while not page and time.monotonic() < deadline and server.poll() is None:
            try:
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/allMetricResults?runId=1", timeout=20
                ) as answer:
                    page = answer.read().decode()
            except OSError:
                time.sleep(0.3)
        assert page, server.stderr.read().decode() if server.poll() is not None else "no answer"
        assert "PeriodRecovery RRab r21_recovered" in page
        assert "YearsWithoutPeriod RRab r22.5" in page
    finally:
        server.terminate()
        server.wait(timeout=20)
        server.stderr.close()

"""MAF's surroundings: the data directory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pelsvae_cadence.metrics.maf.data_directory import DATA_VARIABLE, has_camera_data, prepare_data_directory


@pytest.fixture
def bare_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    # setenv first, so that what prepare_data_directory writes is undone as well.
    monkeypatch.setenv(DATA_VARIABLE, "")
    return tmp_path


def test_the_users_directory_is_left_alone(bare_home, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, "/somewhere/else")
    assert str(prepare_data_directory()) == "/somewhere/else"
    assert os.environ[DATA_VARIABLE] == "/somewhere/else"


def test_the_usual_directory_is_found(bare_home):
    (bare_home / "rubin_sim_data").mkdir()
    assert prepare_data_directory() == bare_home / "rubin_sim_data"
    assert os.environ[DATA_VARIABLE] == ""


def test_an_empty_directory_stands_in(bare_home):
    folder = prepare_data_directory()
    assert folder.is_dir()
    assert list(folder.iterdir()) == []
    assert bare_home in folder.parents
    assert os.environ[DATA_VARIABLE] == str(folder)


def test_a_cache_that_cannot_be_written_does_not_matter(bare_home, monkeypatch):
    blocked = bare_home / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    folder = prepare_data_directory()
    assert folder.is_dir()
    assert blocked not in folder.parents


def test_camera_data_are_found_where_they_are(bare_home):
    assert not has_camera_data()
    footprint = prepare_data_directory() / "utils" / "fov_map.npz"
    footprint.parent.mkdir()
    footprint.write_bytes(b"")
    assert has_camera_data()


@pytest.mark.maf
@pytest.mark.slow
def test_rubin_sim_imports_without_its_data(tmp_path):
    """In a fresh process, with nothing but an empty home."""
    environment = {k: v for k, v in os.environ.items() if k not in (DATA_VARIABLE, "XDG_CACHE_HOME")}
    environment["HOME"] = str(tmp_path)
    code = (
        "from pelsvae_cadence.metrics import PeriodRecoveryMetric as M\n"
        "from rubin_sim.maf.metrics import BaseMetric\n"
        "print(M().name, 'pelsvae_cadence.metrics.PeriodRecoveryMetric' in BaseMetric.registry)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["PeriodRecovery", "RRab", "r20", "True"]


def test_importing_the_plugin_does_not_load_rubin_sim():
    code = "import sys, pelsvae_cadence.metrics; print('rubin_sim' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "False"

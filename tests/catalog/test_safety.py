"""Catalogues under kills, and what readers do with damaged files."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.weights import load_weights, save_weights
from pelsvae_cadence.validate.catalog.fuzz import SUBJECTS, damage, fuzz_apart
from pelsvae_cadence.validate.catalog.kills import kill_repeatedly

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and kills as Unix does")


@pytest.mark.parametrize("n_kills", [4, pytest.param(25, marks=pytest.mark.slow)])
def test_kills_lose_nothing(tmp_path: Path, n_kills: int) -> None:
    found = kill_repeatedly(tmp_path, n_kills, seed=n_kills)
    assert found["kills"] == n_kills
    assert (found["lost"], found["different"], found["failures"]) == (0, 0, 0)
    assert found["left_over"] == []


@pytest.mark.parametrize(
    ("subject", "n_cases"),
    [
        ("catalogue", 25),
        ("checkpoint", 25),
        *(pytest.param(subject, 100, marks=pytest.mark.slow) for subject in SUBJECTS),
    ],
)
def test_damaged_files_are_refused_or_harmless(tmp_path: Path, subject: str, n_cases: int) -> None:
    found = fuzz_apart(subject, tmp_path, n_cases, seed=n_cases)
    assert sum(found.values()) == n_cases
    for outcome in ("error", "crash", "hang", "executed"):
        assert found[outcome] == 0, outcome
    # A table of visits has no checksums, unless its hash is known; everything else must notice.
    assert found["changed"] <= (0.06 * n_cases if subject == "survey" else 0)
    assert found["refused"] > 0.4 * n_cases


def test_the_damage_is_damage() -> None:
    rng = np.random.default_rng(1)
    content = bytes(range(256)) * 16
    wrong = [damage(content, rng, b"PICKLE") for _ in range(300)]
    assert sum(w != content for w in wrong) > 290
    assert sum(b"PICKLE" in w for w in wrong) > 10
    assert any(len(w) < len(content) for w in wrong)
    assert any(len(w) > len(content) for w in wrong)


def test_a_changed_card_of_weights_is_refused(tmp_path: Path) -> None:
    good = load_weights()
    path = tmp_path / "mine.safetensors"
    save_weights(path, good.tensors, good.card)
    card = path.with_suffix(".json")
    card.write_text(card.read_text().replace('"n_harmonics": 64', '"n_harmonics": 63', 1))
    with pytest.raises(InputError, match="does not match its own checksum"):
        load_weights(path)


@pytest.mark.parametrize(
    ("trial", "message"),
    [
        ("while True: pass", "does not come back"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "dies of it"),
    ],
)
def test_files_that_stop_hdf5_are_refused(tmp_path, monkeypatch, trial, message):
    """Damage that HDF5 does not survive is met by a process that can be stopped."""
    import h5py

    from pelsvae_cadence.catalog import Catalog, validation

    path = tmp_path / "stars.h5"
    with h5py.File(path, "w") as file:
        file.attrs["format"] = "anything"
    monkeypatch.setattr(validation, "_TRIAL", trial)
    monkeypatch.setattr(validation, "_TRIAL_SECONDS", 2.0)
    with pytest.raises(InputError, match=message):
        Catalog(path)

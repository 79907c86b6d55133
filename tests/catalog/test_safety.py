"""Catalogues under kills, and what readers do with damaged files.

More of both: ``PELSVAE_KILLS=200 PELSVAE_DAMAGED_FILES=700 pytest tests/catalog/test_safety.py``.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.weights import load_weights, save_weights
from pelsvae_cadence.parallel.checkpoints import Checkpoints
from tests.catalog.damage import SUBJECTS, Canary, damage

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and kills as Unix does")

_ROOT = Path(__file__).parents[2]
_KILLS = int(os.environ.get("PELSVAE_KILLS", "12"))
_DAMAGED = int(os.environ.get("PELSVAE_DAMAGED_FILES", "60"))


def apart(module: str, *arguments: object) -> dict[str, Any]:
    """Run one of the programs beside this file: forking wants a process without threads."""
    command = [sys.executable, "-m", f"tests.catalog.{module}", *map(str, arguments)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("n_kills", [2, pytest.param(_KILLS, marks=pytest.mark.slow)])
def test_kills_lose_nothing(tmp_path: Path, n_kills: int) -> None:
    found = apart("kills", tmp_path, n_kills, n_kills)
    assert found.pop("kills") == n_kills
    assert found.pop("completed") >= 0
    assert found == {"different": 0, "lost": 0, "failures": 0, "left_over": []}


@pytest.mark.parametrize(
    ("subject", "n_cases"),
    [("catalogue", 10), *(pytest.param(subject, _DAMAGED, marks=pytest.mark.slow) for subject in SUBJECTS)],
)
def test_damaged_files_are_refused_or_harmless(tmp_path: Path, subject: str, n_cases: int) -> None:
    found = apart("damage", subject, tmp_path, n_cases, n_cases)
    assert sum(found.values()) == n_cases
    for outcome in ("error", "crash", "hang", "executed"):
        assert found[outcome] == 0, outcome
    # A table of visits has no checksums, unless its hash is known; everything else must notice.
    assert found["changed"] <= (0.06 * n_cases if subject == "survey" else 0)
    assert found["refused"] > 0.4 * n_cases


def checkpoint(folder: Path) -> tuple[Path, Callable[[], bytes]]:
    store = Checkpoints(folder, "fingerprint")
    rng = np.random.default_rng(1)
    store.save("a", {"flux": rng.normal(size=500), "band": np.array(["g", "r"] * 50)})
    store.release()
    return store.path("a"), lambda: b"".join(value.tobytes() for value in store.load("a").values())


def weights(folder: Path) -> tuple[Path, Callable[[], bytes]]:
    good = load_weights()
    path = folder / "mine.safetensors"
    save_weights(path, good.tensors, good.card)

    def read() -> bytes:
        found = load_weights(path)
        tensors = b"".join(value.tobytes() for _, value in sorted(found.tensors.items()))
        return tensors + json.dumps(found.card, sort_keys=True).encode()

    return path, read


def card_of_weights(folder: Path) -> tuple[Path, Callable[[], bytes]]:
    path, read = weights(folder)
    return path.with_suffix(".json"), read


@pytest.mark.parametrize("prepare", [checkpoint, weights, card_of_weights])
def test_damage_is_noticed(
    tmp_path: Path, prepare: Callable[[Path], tuple[Path, Callable[[], bytes]]]
) -> None:
    path, read = prepare(tmp_path)
    content, expected = path.read_bytes(), read()
    mark = tmp_path / "canary"
    canary = pickle.dumps(Canary(mark))

    @settings(max_examples=_DAMAGED, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**63 - 1))
    def try_one(seed: int) -> None:
        wrong = damage(content, np.random.default_rng(seed), canary)
        assume(wrong != content)
        path.write_bytes(wrong)
        with contextlib.suppress(InputError):
            assert read() == expected
        assert not mark.exists(), "a pickle was loaded"

    try_one()


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


def test_a_file_is_tried_once_and_again_when_it_changes(path, monkeypatch):
    """A new name is no change; another byte is."""
    from pelsvae_cadence.catalog import Catalog, validation

    tried = []
    real = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: tried.append(a) or real(*a, **k))
    for _ in range(2):
        Catalog(path).close()
    moved = path.rename(path.with_name("moved.h5"))
    assert validation.validate_catalog(moved) == []
    assert len(tried) == 1
    moved.write_bytes(moved.read_bytes())
    Catalog(moved).close()
    assert len(tried) == 2

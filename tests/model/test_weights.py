"""Weights files: what is written comes back, and every fault has its own words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.weights import (
    CARD_FIELDS,
    SCHEMA_VERSION,
    list_weights,
    load_weights,
    save_weights,
)

CARD = {name: {} for name in CARD_FIELDS} | {"name": "mine"}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_weights(tmp_path / "mine", {"a": np.arange(6.0).reshape(2, 3)}, CARD)
    return tmp_path / "mine.safetensors"


def edit(path: Path, **changes: object) -> None:
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | changes))


def test_round_trip(saved: Path) -> None:
    for path in (saved, saved.with_suffix(".json")):
        weights = load_weights(path)
        assert weights.name == "mine"
        np.testing.assert_array_equal(weights.tensors["a"], np.arange(6.0).reshape(2, 3))
        assert weights.card["sha256"] == weights.hash
    assert sorted(p.name for p in saved.parent.iterdir()) == ["mine.json", "mine.safetensors"]


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(InputError, match=r"unknown weights 'harmonik'; allowed: .*harmonic"):
        load_weights("harmonik")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_weights(tmp_path / "none.safetensors")


def test_truncated_file(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-9])
    with pytest.raises(InputError, match="do not match their card"):
        load_weights(saved)


def test_damaged_file_that_matches_its_card(saved: Path) -> None:
    import hashlib

    data = b"\xff" * 64
    saved.write_bytes(data)
    edit(saved, sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(InputError, match="cannot be read"):
        load_weights(saved)


def test_card_of_the_future(saved: Path) -> None:
    edit(saved, schema_version=SCHEMA_VERSION + 1)
    with pytest.raises(InputError, match=r"newer version .*Upgrade"):
        load_weights(saved)


def test_card_of_other_weights(saved: Path) -> None:
    edit(saved, sha256="0" * 64)
    with pytest.raises(InputError, match="card says 000000000000"):
        load_weights(saved)


@pytest.mark.parametrize("version", [None, "1", True, 0])
def test_senseless_version(saved: Path, version: object) -> None:
    edit(saved, schema_version=version)
    with pytest.raises(InputError, match="schema_version"):
        load_weights(saved)


@pytest.mark.parametrize(("text", "words"), [("{", "not JSON"), ("[1]", "not a JSON object")])
def test_card_that_is_no_card(saved: Path, text: str, words: str) -> None:
    saved.with_suffix(".json").write_text(text)
    with pytest.raises(InputError, match=words):
        load_weights(saved)


def test_incomplete_card(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lacks licence"):
        save_weights(tmp_path / "x", {}, {k: v for k, v in CARD.items() if k != "licence"})
    assert not list(tmp_path.iterdir())


def test_shipped_weights() -> None:
    assert "harmonic" in list_weights()
    for name in list_weights():
        weights = load_weights(name)
        size = sum(v.nbytes for v in weights.tensors.values())
        assert weights.name == name
        assert size < 2_000_000
        assert all(np.isfinite(v).all() for k, v in weights.tensors.items() if k[:3] != "pop")
    assert load_weights("default").hash == load_weights("harmonic").hash

"""The folder of real survey data is found by name, environment or place."""

from __future__ import annotations

from pathlib import Path

import pytest

import pelsvae_cadence
from pelsvae_cadence.core import real_data
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.real_data import data_folder, find_data_folder, read_light_curve_set


def test_order_of_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("named", "environment", "beside"):
        (tmp_path / name / "lightcurves").mkdir(parents=True)
    monkeypatch.setattr(real_data, "_BESIDE_CHECKOUT", tmp_path / "beside")
    monkeypatch.delenv("PELSVAE_DATA", raising=False)
    assert data_folder() == find_data_folder() == tmp_path / "beside"
    monkeypatch.setenv("PELSVAE_DATA", str(tmp_path / "environment"))
    assert data_folder() == find_data_folder() == tmp_path / "environment"
    assert data_folder(tmp_path / "named") == tmp_path / "named"
    # A wrong name is an error, not a reason to look elsewhere.
    monkeypatch.setenv("PELSVAE_DATA", str(tmp_path / "nowhere"))
    assert find_data_folder() is None
    with pytest.raises(InputError, match=r"no real light curves under .*nowhere.*PELSVAE_DATA"):
        data_folder()
    with pytest.raises(InputError, match=r"no real light curves under .*absent.*--data"):
        data_folder(tmp_path / "absent")


def test_the_place_beside_the_checkout() -> None:
    checkout = Path(pelsvae_cadence.__file__).parents[1]
    assert checkout.parent / "shared" / "data" == real_data._BESIDE_CHECKOUT


def test_missing_sets_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"stars.npz is not in .*PELSVAE_DATA"):
        read_light_curve_set(tmp_path, "stars")

"""Catalogues that are fitted in pieces say what a fit of all their light curves says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pelsvae_cadence.catalog import Catalog, validate_catalog
from pelsvae_cadence.catalog.fitting import fit_catalog
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.inference.fit import _Fit, fit

OPTIONS: dict[str, Any] = {"method": "harmonic", "period_range": (0.5, 0.501)}


def test_a_stopped_fit_goes_on_and_the_file_is_whole_meanwhile(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()
    with Catalog(path) as catalog:
        expected = fit(catalog.light_curves(), **OPTIONS)
        n = len(catalog)

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_catalog(path, progress=stop, **OPTIONS)
    assert path.read_bytes() == before
    computed: list[int] = []
    original = _Fit.__call__
    monkeypatch.setattr(_Fit, "__call__", lambda *a: computed.append(a[1].index) or original(*a))
    said: list[tuple[int, int]] = []
    found = fit_catalog(path, progress=lambda *p: said.append(p), **OPTIONS)
    assert computed == list(range(5, n))
    assert said[0] == (5, n)
    assert found == expected
    with Catalog(path) as catalog:
        assert catalog.inference == expected
    assert validate_catalog(path) == []
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    with pytest.raises(InputError, match="says already what its light curves tell"):
        fit_catalog(path, **OPTIONS)
    fit_catalog(path, overwrite=True, **{**OPTIONS, "n_candidates": 1})
    with Catalog(path) as catalog:
        assert catalog.inference is not None
        assert catalog.inference.other_periods.shape == (n, 0)


def test_a_catalogue_that_changes_meanwhile_is_refused(path: Path, tmp_path: Path) -> None:
    from tests.catalog.batches import GOLDEN

    other = tmp_path / "other.h5"
    other.write_bytes(GOLDEN["PATH"].read_bytes())

    def change(done: int, total: int) -> None:
        if done == 3:
            other.replace(path)

    with pytest.raises(InputError, match="is another catalogue than the one that was fitted"):
        fit_catalog(path, progress=change, **OPTIONS)


@pytest.mark.slow
def test_workers_need_not_see_the_catalogue(path: Path) -> None:
    with Catalog(path) as catalog:
        expected = fit(catalog.light_curves(), **OPTIONS)
    assert fit_catalog(path, workers=2, **OPTIONS) == expected

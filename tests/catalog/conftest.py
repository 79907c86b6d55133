"""A small catalogue, and what it was made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from pelsvae_cadence.catalog import Provenance, write_catalog
from tests.catalog.batches import Batch, random_batch


@pytest.fixture(scope="session")
def provenance() -> Provenance:
    return Provenance(seed=42, model_name="test", model_hash="a1", survey_name="baseline", command="make it")


@pytest.fixture(scope="session")
def batches() -> list[Batch]:
    return [random_batch(k, 100 * k, n=6 + k, n_visits=40 + 20 * k) for k in range(3)]


@pytest.fixture(scope="session")
def content(tmp_path_factory: pytest.TempPathFactory, batches: list[Batch], provenance: Provenance) -> bytes:
    path = tmp_path_factory.mktemp("catalog") / "catalog.h5"
    return write_catalog(path, batches, provenance=provenance).read_bytes()


@pytest.fixture
def path(tmp_path: Path, content: bytes) -> Path:
    """A copy of the catalogue that a test may damage."""
    copy = tmp_path / "catalog.h5"
    copy.write_bytes(content)
    return copy

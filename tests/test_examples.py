"""The examples run as a reader would run them, and end in a picture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))
# What these show has quicker tests of its own.
LONG = (
    "02_two_cadences",
    "03_maf_map",
    "06_aliases",
    "07_compare",
    "08_classify",
    "09_catalogue",
    "10_next_visit",
)


def test_there_are_examples():
    assert len(EXAMPLES) >= 3
    for example in EXAMPLES:
        assert len(example.read_text().splitlines()) < 75


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in LONG else [])
        for path in EXAMPLES
    ],
)
def test_example(example, tmp_path):
    picture = tmp_path / "picture.png"
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:pelsvae_cadence", str(example), str(picture)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000

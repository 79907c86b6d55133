"""The program: which commands it has."""

from __future__ import annotations

import subprocess
import sys


def test_every_command_is_there() -> None:
    # In a process of its own: other tests import the modules that register commands.
    program = [sys.executable, "-m", "pelsvae_cadence.training", "--help"]
    text = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    for name in (
        "dataset",
        "fold-open-set",
        "preprocess",
        "crossmatch",
        "fit",
        "sweep",
        "map",
        "score",
        "evaluate",
        "calibrate-inference",
    ):
        assert name in text

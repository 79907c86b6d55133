"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal

# A shell that starts a job in the background lets it ignore Ctrl-C, and what it starts inherits that.
# The tests of interruption send Ctrl-C to commands of their own: those must hear it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Many small problems: threads would only get into each other's way. Before NumPy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real survey tables and light curves; required where CI=true."""
    named = os.environ.get("PELSVAE_DATA")
    folder = Path(named) if named else _ROOT.parent / "shared" / "data"
    if folder.is_dir():
        return folder
    message = (
        f"the real test data are not at {folder}; set PELSVAE_DATA to the folder that holds "
        "cadence/ and lightcurves/"
    )
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def maf_ready(tmp_path_factory) -> None:
    """Let rubin_sim be imported where its data are not installed."""
    if "RUBIN_SIM_DATA_DIR" not in os.environ:
        os.environ["RUBIN_SIM_DATA_DIR"] = str(tmp_path_factory.mktemp("rubin_sim_data"))

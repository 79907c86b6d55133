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

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.real_data import data_folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real survey tables and light curves; required where CI=true."""
    try:
        return data_folder()
    except InputError as error:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def maf_ready(tmp_path_factory) -> None:
    """Let rubin_sim be imported where its data are not installed."""
    if "RUBIN_SIM_DATA_DIR" not in os.environ:
        os.environ["RUBIN_SIM_DATA_DIR"] = str(tmp_path_factory.mktemp("rubin_sim_data"))

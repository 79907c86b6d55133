"""Fixtures shared by all tests."""

from __future__ import annotations

import gc
import os
import signal

# A shell that starts a job in the background lets it ignore Ctrl-C, and what it starts inherits that.
# The tests of interruption send Ctrl-C to commands of their own: those must hear it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Many small problems: threads would only get into each other's way. Before NumPy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from pathlib import Path

import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.real_data import data_folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """MAF leaves the closing of its databases to the garbage collector, and Python 3.13 says so."""
    for item in items:
        if item.get_closest_marker("maf"):
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """What MAF has left is collected before a test of ours, whose own leaks are errors."""
    yield
    if item.get_closest_marker("maf") and not (nextitem and nextitem.get_closest_marker("maf")):
        gc.collect()


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

"""The reference in docs/api names every public module, and only modules that exist."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

API = Path(__file__).parents[1] / "docs" / "api"
DOCUMENTED = {
    name
    for page in API.glob("*.md")
    for name in re.findall(r"automodule:: (\S+)", page.read_text(encoding="utf-8"))
}
PACKAGES = [
    "pelsvae_cadence",
    "pelsvae_cadence.cadence",
    "pelsvae_cadence.catalog",
    "pelsvae_cadence.classify",
    "pelsvae_cadence.metrics",
    "pelsvae_cadence.metrics.comparison",
    "pelsvae_cadence.periods",
    "pelsvae_cadence.plotting",
]


@pytest.mark.parametrize("module", sorted(DOCUMENTED))
def test_documented_modules_exist(module):
    assert find_spec(module) is not None


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_documented(package):
    room = import_module(package)
    for name in sorted(set(room.__all__) - {"__version__"}):
        home = getattr(getattr(room, name), "__module__", package)
        rooms = {package, home, home.rpartition(".")[0]} - {"pelsvae_cadence"}
        assert rooms & DOCUMENTED, f"{package}.{name} is missing in docs/api"

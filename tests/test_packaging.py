"""The wheel's content is declared by hand: the declaration must match the folders."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOTS = {
    "pelsvae_cadence": "pelsvae_cadence",
    "training": "pelsvae_cadence.training",
    "metrics": "pelsvae_cadence.metrics",
}


def _packages_on_disk() -> set[str]:
    found = set()
    for folder, package in ROOTS.items():
        # os.walk does not follow the two links inside pelsvae_cadence.
        for here, _, files in os.walk(ROOT / folder, followlinks=False):
            if "__init__.py" in files:
                parts = Path(here).relative_to(ROOT / folder).parts
                found.add(".".join((package, *parts)))
    return found


def test_every_package_is_declared():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert set(declared["packages"]) == _packages_on_disk()
    assert len(declared["packages"]) == len(set(declared["packages"]))


def test_links_are_relative_and_point_home():
    for name in ("training", "metrics"):
        link = ROOT / "pelsvae_cadence" / name
        assert os.readlink(link) == f"../{name}"
        assert link.resolve() == ROOT / name


def test_import_is_light():
    code = (
        "import sys, pelsvae_cadence\n"
        "heavy = ('torch', 'matplotlib', 'rubin_sim', 'rubin_scheduler', 'pandas', 'sklearn', "
        "'astropy', 'h5py')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_simulating_needs_neither_torch_nor_matplotlib_nor_maf():
    code = (
        "import sys, pelsvae_cadence.simulation.simulate, pelsvae_cadence.cadence, pelsvae_cadence.periods\n"
        "print([m for m in ('torch', 'matplotlib', 'rubin_sim') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_public_names_resolve():
    import pelsvae_cadence

    for name in pelsvae_cadence.__all__:
        assert getattr(pelsvae_cadence, name) is not None
    assert len(set(pelsvae_cadence.__all__) - {"__version__"}) <= 17

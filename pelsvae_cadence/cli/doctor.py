"""`pelsvae_cadence doctor`: versions, extras, data and devices, and whether the parts work here."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import typer

from pelsvae_cadence.cli.options import Json
from pelsvae_cadence.core.console import messages, print_json, table
from pelsvae_cadence.core.version import __version__

__all__ = ["doctor"]

_PACKAGE: Final = "pelsvae_cadence"
State = Literal["ok", "absent", "failed"]


@dataclass(frozen=True, kw_only=True)
class _Finding:
    """One thing that was looked at.

    Parameters
    ----------
    name : str
        What.
    state : {"ok", "absent", "failed"}
        Whether it is there; "absent" is no fault: what is optional may be absent.
    note : str
        Version, place, or what to do.
    """

    name: str
    state: State
    note: str


def doctor(as_json: Json = False) -> None:
    """Tell what is installed and whether it works here (some seconds).

    Looks at versions of what the package needs, optional parts, real data, processors and memory, then
    tries the source model, the period search, catalogue files and MAF. Exit code 1 if something that
    should work does not. Its output belongs into a report of a fault.
    """
    from pelsvae_cadence.core.real_data import find_data_folder

    about = {
        "pelsvae_cadence": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": str(
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        ),
        "memory": _memory(),
        "real data": str(
            find_data_folder() or "none (tests with real stars skip; PELSVAE_DATA names the folder)"
        ),
    }
    needed, extras = _requirements()
    with messages.status("trying the parts"):
        tried = [_tried(name, what) for name, what in _TRIALS.items()]
    if as_json:
        print_json(
            about
            | {
                title: {f.name: {"state": f.state, "note": f.note} for f in findings}
                for title, findings in (("needed", needed), ("extras", extras), ("works", tried))
            }
        )
    else:
        table("this machine", ["", ""], [[name, value] for name, value in about.items()], text=True)
        for title, findings in (("needed", needed), ("optional parts", extras), ("tried", tried)):
            table(title, ["", "", ""], [[f.name, f.state, f.note] for f in findings], text=True)
    if any(finding.state == "failed" for finding in (*needed, *tried)):
        raise typer.Exit(1)


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{size / 2**30:.1f} GiB"


def _requirements() -> tuple[list[_Finding], list[_Finding]]:
    """Compare what is installed with what the package asks for, and with its extras."""
    from importlib.metadata import requires

    needed: list[_Finding] = []
    by_extra: dict[str, list[_Finding]] = {}
    for text in requires(_PACKAGE) or []:
        finding = _requirement(text)
        if (extra := re.search(r"""extra == ["']([\w-]+)["']""", text)) is None:
            needed.append(finding)
        else:
            by_extra.setdefault(extra[1], []).append(finding)
    extras = []
    for name, findings in by_extra.items():
        missing = [finding.name for finding in findings if finding.state == "failed"]
        note = (
            f"not installed: {', '.join(missing)}; pip install '{_PACKAGE}[{name}]'"
            if missing
            else "complete"
        )
        extras.append(_Finding(name=name, state="absent" if missing else "ok", note=note))
    return needed, extras


def _requirement(text: str) -> _Finding:
    """Look for one package."""
    from importlib.metadata import PackageNotFoundError, version

    from packaging.requirements import Requirement

    wanted = Requirement(text)
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return _Finding(name=wanted.name, state="failed", note=f"not installed; {wanted.specifier} is needed")
    if not wanted.specifier.contains(found, prereleases=True):
        return _Finding(name=wanted.name, state="failed", note=f"{found}; {wanted.specifier} is needed")
    return _Finding(name=wanted.name, state="ok", note=found)


def _tried(name: str, what: Callable[[], str]) -> _Finding:
    start = time.perf_counter()
    try:
        note = what()
    except Exception as error:  # noqa: BLE001  whatever a broken installation raises is asked for here
        return _Finding(name=name, state="failed", note=f"{type(error).__name__}: {error}")
    return _Finding(name=name, state="ok", note=f"{note} ({time.perf_counter() - start:.1f} s)")


def _model_and_search() -> str:
    """Draw a star, observe it for ten years, and find its period."""
    from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.periods.search import search
    from pelsvae_cadence.photometry.magnitudes import at_magnitude
    from pelsvae_cadence.simulation.simulate import simulate

    model = LightCurveModel.load()
    star = at_magnitude(model.sample("RRab", period=0.55, ra=35.6, dec=-4.8, seed=1), "r", 20.0)
    visits = SyntheticSurvey(preset="lsst-v3", seed=1).at(ra=35.6, dec=-4.8)
    seen = simulate(star, visits, model=model, seed=1)
    period = float(search(seen, period_range=(0.2, 1.2)).period[0])
    if abs(period / float(star.period[0]) - 1.0) > 1e-3:
        raise ValueError(f"found a period of {period:.5f} d in place of {float(star.period[0]):.5f} d")
    return f"model {model.hash[:12]}; a period of {period:.5f} d found in {len(visits)} visits"


def _hdf5() -> str:
    import h5py
    import numpy as np

    with h5py.File("doctor", "w", driver="core", backing_store=False) as file:
        file["x"] = np.arange(3)
        if file["x"][:].tolist() != [0, 1, 2]:
            raise ValueError("what was written is not what is read")
    return f"HDF5 {h5py.version.hdf5_version}"


def _maf() -> str:
    from pelsvae_cadence.metrics import PeriodRecoveryMetric
    from pelsvae_cadence.metrics.maf.data_directory import has_camera_data

    camera = "with" if has_camera_data() else "without"
    return f"{PeriodRecoveryMetric(star_class='RRab', magnitude=22.0).name}; {camera} the camera's footprint"


def _pictures() -> str:
    import matplotlib as mpl

    return f"matplotlib draws with {mpl.get_backend()}"


def _torch() -> str:
    import torch

    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return f"{torch.__version__}; accelerators: {', '.join(devices) or 'none (none is needed)'}"


_TRIALS: Final[dict[str, Callable[[], str]]] = {
    "source model and period search": _model_and_search,
    "catalogue files": _hdf5,
    "MAF": _maf,
    "pictures": _pictures,
    "torch": _torch,
}

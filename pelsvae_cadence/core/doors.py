"""Names of a package imported on first use, and former module paths that still answer."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from importlib.abc import Loader

__all__ = ["MOVED", "answer_former_paths", "names_on_first_use"]

#: Modules that README, documentation and examples of 0.1 imported from, and where they are now.
MOVED: Final[dict[str, str]] = {
    f"pelsvae_cadence.{old}": f"pelsvae_cadence.{new}"
    for old, new in {
        "band_curves": "photometry.band_curves",
        "extinction": "core.extinction",
        "latent_mapping": "model.latent.mapping",
        "modulation": "simulation.modulation",
        "partitions": "parallel.partitions",
        "published": "model.sequence.published",
        "sequence_model": "model.sequence.networks",
        "source": "model.source",
        "star_tables": "population.tables",
        "survey_population": "population.survey",
        "metrics.comparison.answers": "metrics.comparison.report.answers",
        "metrics.comparison.pictures": "metrics.comparison.report.pictures",
        "training.augmentation_run": "training.preprocess.augmentation_run",
        "training.light_curve_files": "training.archives.light_curve_files",
        "training.preprocessing_run": "training.preprocess.run",
    }.items()
}


def names_on_first_use(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a package whose names are imported when first used.

    Parameters
    ----------
    package : str
        The package's name.
    homes : mapping of str to str
        Module inside the package of every public name.

    Returns
    -------
    callable
        The function for the package's ``__getattr__`` (PEP 562).
    """

    def find(name: str) -> Any:
        if name in homes:
            return getattr(import_module(f"{package}.{homes[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find


class _FormerPaths:
    """Answer an import of a former path with the names of the module's present home.

    It is a finder and a loader without their base classes, whose module takes a tenth of the time of a
    short command to import.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, cast("Loader", self)) if fullname in MOVED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None  # Python's own will do

    def exec_module(self, module: ModuleType) -> None:
        now = MOVED[module.__name__]
        warnings.warn(f"{module.__name__} is now {now}", DeprecationWarning, stacklevel=2)
        home = import_module(now)
        vars(module).update({name: getattr(home, name) for name in home.__all__})


def answer_former_paths() -> None:
    """Let the paths of `MOVED` be imported, with a `DeprecationWarning`."""
    if not any(isinstance(finder, _FormerPaths) for finder in sys.meta_path):
        sys.meta_path.append(_FormerPaths())

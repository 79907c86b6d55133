"""The floor plan: imports run downwards through the floors, and no room forms a circle.

Imports are read from the syntax tree of every module, those inside functions and under
``TYPE_CHECKING`` included: a circle hidden by a lazy import is a circle.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from pelsvae_cadence.core.doors import MOVED

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "pelsvae_cadence": ROOT / "pelsvae_cadence",
    "pelsvae_cadence.training": ROOT / "training",
    "pelsvae_cadence.metrics": ROOT / "metrics",
}

# From the ground up. A room imports from the floors below its own, never from a neighbour on its
# floor. The package's own `__init__` is the door: it may name everything and nobody imports it.
FLOORS: dict[str, tuple[tuple[str, ...], ...]] = {
    "pelsvae_cadence": (
        ("core", "surveys"),
        ("bands", "classes", "parallel"),
        ("stars", "light_curves", "cadence"),
        ("photometry", "model", "readers"),
        ("population", "periods"),
        ("simulation",),
        ("classify", "inference"),
        ("catalog",),
        ("plotting",),
        ("validate",),
        ("cli",),
        ("__main__",),
    ),
    "pelsvae_cadence.training": (
        ("archives", "labels"),
        ("crossmatch", "preprocess"),
        ("open_set",),
        ("shapes", "fit"),
        ("binaries", "evaluate"),
        ("assembly", "validate"),
        ("commands",),
        ("__main__",),
    ),
    "pelsvae_cadence.metrics": (
        ("maf",),
        ("position",),
        ("period_recovery", "classifiability", "parameters"),
        ("time_to_recovery", "time_to_classification"),
        ("batches",),
        ("run", "comparison"),
        ("validate",),
    ),
}
# Who may know whom among the packages; only the command line reaches outwards.
OUTWARDS = {
    "pelsvae_cadence": {"pelsvae_cadence"},
    "pelsvae_cadence.training": {"pelsvae_cadence", "pelsvae_cadence.training"},
    "pelsvae_cadence.metrics": {"pelsvae_cadence", "pelsvae_cadence.metrics"},
}
MOST_LINES = 450
MOST_MODULES = 16
MOST_ENTRIES = {"pelsvae_cadence": 22, "pelsvae_cadence.training": 14, "pelsvae_cadence.metrics": 12}


def _modules() -> dict[str, Path]:
    found = {}
    for package, folder in FOLDERS.items():
        for file in folder.rglob("*.py"):
            # The links to the other two packages inside the library are read where they live.
            if package == "pelsvae_cadence" and file.relative_to(folder).parts[0] in ("training", "metrics"):
                continue
            parts = file.relative_to(folder).with_suffix("").parts
            found[".".join((package, *parts)).removesuffix(".__init__")] = file
    return found


MODULES = _modules()


def _imports(name: str) -> set[str]:
    """Give the modules of ours that a module imports anywhere in its text."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            parent = str(node.module)
            for alias in node.names:
                found.add(f"{parent}.{alias.name}" if f"{parent}.{alias.name}" in MODULES else parent)
    return {module for module in found if module.split(".")[0] == "pelsvae_cadence"} - {name}


@cache  # and not when the tests are collected, which every process of theirs does
def _all_imports() -> dict[str, set[str]]:
    return {name: _imports(name) for name in MODULES}


def _package(module: str) -> str:
    return next(p for p in sorted(FOLDERS, key=len, reverse=True) if f"{module}.".startswith(f"{p}."))


def _room(module: str) -> str:
    """Give the room of a module: the first name behind its package, empty for the door itself."""
    return module.removeprefix(_package(module)).lstrip(".").split(".")[0]


def _is_door(module: str) -> bool:
    return MODULES[module].name == "__init__.py"


def _assert_no_circle(graph: Mapping[str, Iterable[str]], what: str) -> None:
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"{what}: {' -> '.join(error.args[1])}")


def test_every_import_of_ours_exists():
    for name, imported in _all_imports().items():
        assert imported <= set(MODULES), f"{name} imports {sorted(imported - set(MODULES))}"


def test_no_module_is_part_of_a_circle():
    _assert_no_circle(_all_imports(), "circle of modules")


@pytest.mark.parametrize("folder", sorted(name for name in MODULES if _is_door(name)))
def test_no_folder_holds_a_circle_of_rooms(folder):
    """Inside a folder its modules and subfolders, each taken as one, have an order too."""
    depth = len(folder.split(".")) + 1
    rooms: dict[str, set[str]] = {}
    for name, imported in _all_imports().items():
        if name.startswith(f"{folder}.") and not _is_door(name):
            here = ".".join(name.split(".")[:depth])
            inside = {".".join(m.split(".")[:depth]) for m in imported if m.startswith(f"{folder}.")}
            rooms.setdefault(here, set()).update(inside - {here})
    _assert_no_circle(rooms, f"circle in {folder}")


@pytest.mark.parametrize("package", sorted(FOLDERS))
def test_imports_run_downwards(package):
    floor = {room: k for k, rooms in enumerate(FLOORS[package]) for room in rooms}
    for name in (m for m in MODULES if _package(m) == package and not _is_door(m)):
        assert _room(name) in floor, f"{name} is on no floor: put its room on one"
        for module in _all_imports()[name]:
            if _package(module) != package:
                reaches_out = package == "pelsvae_cadence" and _room(name) == "cli"
                assert reaches_out or _package(module) in OUTWARDS[package], f"{name} imports {module}"
            elif _room(module) != _room(name):
                assert not _is_door(module), f"{name} imports through the door {module}: name the home"
                assert floor[_room(module)] < floor[_room(name)], f"{name} imports upwards: {module}"


def test_only_cli_training_and_metrics_know_the_figures_of_merit():
    for name, imported in _all_imports().items():
        if any(f"{module}.".startswith("pelsvae_cadence.validate.") for module in imported):
            assert _package(name) != "pelsvae_cadence" or _room(name) in ("cli", "validate"), name


def test_the_command_line_reaches_outwards_only_when_asked():
    """Importing the command line must not load training or MAF."""
    for name in MODULES:
        if _room(name) != "cli" or _package(name) != "pelsvae_cadence":
            continue
        for node in ast.parse(MODULES[name].read_text(encoding="utf-8")).body:
            module = node.module if isinstance(node, ast.ImportFrom) else None
            assert not str(module).startswith(tuple(p for p in FOLDERS if p != "pelsvae_cadence")), name


@pytest.mark.parametrize("package", sorted(FOLDERS))
def test_rooms_can_be_taken_in_at_a_glance(package):
    # Rooms and nouns; the links to the other two packages and the marker of typing are neither.
    aside = {"__pycache__", "py.typed", "training", "metrics"}
    entries = [e.name for e in FOLDERS[package].iterdir() if e.name not in aside]
    assert len(entries) <= MOST_ENTRIES[package], sorted(entries)
    folders: dict[Path, int] = {}
    for name, file in MODULES.items():
        if _package(name) == package:
            lines = len(file.read_text(encoding="utf-8").splitlines())
            assert lines <= MOST_LINES, f"{file.name}: {lines} lines are two concepts"
            if not _is_door(name):
                folders[file.parent] = folders.get(file.parent, 0) + 1
    assert max(folders.values()) <= MOST_MODULES, folders


@pytest.mark.parametrize("former", sorted(MOVED))
def test_documented_paths_of_the_first_release_still_answer(former):
    """Names that README, docs and examples imported are found where they were, with a warning."""
    from importlib import import_module

    with pytest.warns(DeprecationWarning, match=f"{former} is now {MOVED[former]}"):
        module = import_module(former)
    home = import_module(MOVED[former])
    assert all(getattr(module, name) is getattr(home, name) for name in home.__all__)

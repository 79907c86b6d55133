"""``pelsvae_cadence validate``: figures of merit with their targets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer
from rich.console import Console
from rich.table import Table

from pelsvae_cadence.cli.options import Json, RunSeed, unset
from pelsvae_cadence.core.console import messages, print_json
from pelsvae_cadence.core.errors import InputError

if TYPE_CHECKING:
    from rich.status import Status

    from pelsvae_cadence.validate.report import Report

__all__ = ["TOPICS", "validate"]

#: Where each topic's figures are made: module and function(seed) -> Report.
TOPICS = {
    "cadence": ("pelsvae_cadence.validate.cadence.report", "cadence_report"),
    "classify": ("pelsvae_cadence.validate.classify.report", "classify_report"),
    "compare": ("pelsvae_cadence.metrics.validate.comparison", "comparison_report"),
    "catalog": ("pelsvae_cadence.validate.catalog.report", "catalog_report"),
    "dataset": ("pelsvae_cadence.training.validate.dataset", "dataset_report"),
    "inference": ("pelsvae_cadence.validate.inference.report", "inference_report"),
    "model": ("pelsvae_cadence.training.evaluate.report", "model_report"),
    "periods": ("pelsvae_cadence.validate.periods.report", "periods_report"),
    "physics": ("pelsvae_cadence.validate.physics.report", "physics_report"),
    "period-speed": ("pelsvae_cadence.metrics.validate.costs", "period_cost_report"),
    "population": ("pelsvae_cadence.training.validate.population", "population_report"),
    "photometry": ("pelsvae_cadence.training.validate.photometry", "photometry_report"),
}


def validate(
    topic: Annotated[str, typer.Argument(help=f"One of: {', '.join(TOPICS)}.")],
    seed: RunSeed = 0,
    n: Annotated[int | None, unset("Stars of each set (inference, physics).", "--n", least=1)] = None,
    data: Annotated[
        Path | None, unset("Folder of real data. Default: what PELSVAE_DATA names.", "--data")
    ] = None,
    sets: Annotated[
        str | None,
        unset(
            "Only these parts, with commas: ps1,eros1_30,lsst (inference, physics); for inference ps1=74 gives a part a "
            "number of stars of its own.",
            "--sets",
        ),
    ] = None,
    plots: Annotated[Path | None, unset("Folder for pictures (inference).", "--plots")] = None,
    priors: Annotated[
        Literal["both", "targets", "all"] | None,
        unset(
            "Classes that RR Lyrae sets are read with (inference): RRLYR alone, as the templates behind their "
            "targets are (targets), all alike (all), or one after the other (both, the default; only the first "
            "is held against targets).",
            "--priors",
        ),
    ] = None,
    workers: Annotated[
        int | None, unset("Processes that read stars (inference). Default: 1.", "--workers", least=1)
    ] = None,
    keep: Annotated[
        Path | None,
        unset(
            "Folder for readings (inference): what the same code has read there is not read again.", "--keep"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure figures of merit and compare them with their targets.

    Exit code 0 if no target is missed, 1 otherwise. Ctrl-C prints the figures of what is finished (inference)
    and exits with 130.
    """
    if topic not in TOPICS:
        raise InputError(f"unknown topic {topic!r}", allowed=", ".join(TOPICS))
    module, function = TOPICS[topic]
    measure = getattr(import_module(module), function)
    given = {
        "n": n,
        "data": data,
        "sets": None if sets is None else sets.split(","),
        "plots": plots,
        "priors": priors,
        "workers": workers,
        "keep": keep,
    }
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for name in options:
        if name not in signature(measure).parameters:
            raise InputError(
                f"--{name} for topic {topic!r}", remedy="Leave it out: the topic has no such option."
            )
    with messages.status(f"measuring {topic}") as status:
        if "progress" in signature(measure).parameters:
            options["progress"] = _teller(topic, status)
        report = cast("Report", measure(seed=seed, **options))
    if as_json:
        print_json(report.as_dict())
    else:
        marks = {True: "ok", False: "MISSED", None: ""}
        grid = Table(
            title=f"{topic}: {report.data} (seed {report.seed})", title_justify="left", title_style="bold"
        )
        grid.add_column("figure", overflow="fold", ratio=4)
        for name in ("value", "target", ""):
            grid.add_column(name, no_wrap=True, justify="right" if name == "value" else "left")
        grid.add_column("note", overflow="fold", ratio=5)
        for f in report.figures:
            value = f"{f.value:.4g} {f.unit}".strip()
            grid.add_row(f.name, value, f.target, marks[f.passed], f.note)
        console = Console(width=None if sys.stdout.isatty() else 180, highlight=False)
        console.print(grid)
        for name in ("table", "times"):
            if name in report.extra:
                console.print(_extra_table(report.extra[name]))
        judged = [f for f in report.figures if f.passed is not None]
        met = sum(bool(f.passed) for f in judged)
        messages.print(f"{met} of {len(judged)} targets met")
    if report.extra.get("interrupted"):
        messages.print(f"not measured: {', '.join(report.extra['interrupted'])}", soft_wrap=True)
        raise KeyboardInterrupt
    if not report.passed:
        raise typer.Exit(1)


def _teller(topic: str, status: Status) -> Callable[[str, bool], None]:
    """Show what is being done in passing, and the last word on a step for good."""

    def tell(text: str, last: bool) -> None:
        if last:
            messages.print(text, soft_wrap=True, highlight=False)
        else:
            status.update(f"measuring {topic}: {text}")

    return tell


def _extra_table(content: Mapping[str, Any]) -> Table:
    """Draw a table that a report carries: title, columns, and rows of text."""
    drawn = Table(title=content["title"], title_justify="left", title_style="bold")
    for column in content["columns"]:
        drawn.add_column(column, no_wrap=True)
    for row in content["rows"]:
        drawn.add_row(*row)
    return drawn

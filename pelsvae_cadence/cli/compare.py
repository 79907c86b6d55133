"""``pelsvae_cadence compare``: the same stars in several observing strategies, and a report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pelsvae_cadence.cli.options import (
    Json,
    Model,
    NoClobber,
    OutDir,
    Radius,
    RunSeed,
    Scheduler,
    SurveyKind,
    parse_positions,
    survey_name,
)
from pelsvae_cadence.core.console import command_line, messages, print_json, progress_bars, table
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = ["compare"]

_DEFAULT_NSIDE = 8
# Sentences about pairs of runs that are printed at most.
_MOST_PAIRS = 6


def compare(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Two or more runs, the reference first: a survey table (run.db), or a strategy by "
            "name (see --list). Changes follow after colons: run.db:without-pairs, "
            "run.db:first-years=3, baseline:pairing=0.4. Several surveys as one: run.db+ztf.db.",
            show_default=False,
        ),
    ] = None,
    list_strategies: Annotated[
        bool, typer.Option("--list", help="List strategies and changes, and stop.")
    ] = False,
    names: Annotated[
        str | None, typer.Option(help="Names of the runs, separated by commas.", show_default=False)
    ] = None,
    survey: SurveyKind = None,
    nside: Annotated[
        int | None,
        typer.Option(help=f"HEALPix resolution of a sky map. Default: {_DEFAULT_NSIDE}.", show_default=False),
    ] = None,
    positions: Annotated[
        str | None,
        typer.Option(
            help="Instead of a map: RA,DEC in degrees (several: '10,-20 30,-45'), or a CSV file "
            "with columns ra, dec.",
            show_default=False,
        ),
    ] = None,
    radius: Radius = None,
    star_class: Annotated[
        str, typer.Option(help="Classes, subtypes or aliases, separated by commas.")
    ] = "RRab,CEP,ECL",
    magnitudes: Annotated[
        str, typer.Option("--magnitudes", "--mag", help="Mean r magnitudes, separated by commas.")
    ] = "22",
    years: Annotated[
        str, typer.Option(help="Ends of the survey years to look at, separated by commas.")
    ] = "1,2,5,10",
    stars_per_position: Annotated[
        int, typer.Option(help="Stars per position, class and magnitude.", min=1)
    ] = 10,
    period_range: Annotated[
        str, typer.Option(help="Shortest and longest trial period in days.")
    ] = "0.03,1000",
    max_visits: Annotated[
        int, typer.Option(help="Positions with more visits (deep fields) are thinned to this many.")
    ] = 5000,
    classify: Annotated[
        bool,
        typer.Option(
            "--classify",
            help="Also compare how well the eight classes are told apart: trains a classifier per "
            "run and year (32 stars more per position).",
        ),
    ] = False,
    resample: Annotated[
        Literal["auto", "positions", "stars"],
        typer.Option(
            help="What intervals and tests resample: positions with their stars, or stars within "
            "positions. auto: positions from 8 on."
        ),
    ] = "auto",
    workers: Annotated[int, typer.Option(help="Processes that work at once.", min=1)] = 1,
    scheduler: Scheduler = None,
    maf_plots: Annotated[bool, typer.Option("--maf-plots", help="Also let MAF draw plots.")] = False,
    seed: RunSeed = 0,
    model: Model = "default",
    out_dir: OutDir = Path("comparison"),
    no_clobber: NoClobber = False,
    as_json: Json = False,
) -> None:
    """Compare observing strategies: for which stars, where, when, and whether it is real.

    Every run observes the same stars with the same phases and noise seeds. Written: report.html
    (one file, no network needed), tables (CSV, Parquet, HDF5), and a folder of MAF results per
    run. Interrupted, the same command goes on where it stopped; a run that cannot be used is
    reported, the others finish, and the exit code is 1.

    Cost: 0.03 to 0.06 s of processor time for a star with 800 visits over ten years and the default
    years. --workers shares the positions among processes.
    """
    if list_strategies:
        _list(as_json)
        return
    if runs is None or len(runs) < 2:
        raise InputError(
            f"{len(runs or [])} runs to compare",
            allowed="two or more, e.g. run.db run.db:without-pairs",
            remedy="--list shows strategies and changes by name.",
        )
    if nside is not None and positions is not None:
        raise InputError("--nside and --positions exclude each other", remedy="Give one of them.")
    kind = None if survey is None else survey_name(survey)
    points = None if positions is None else tuple(parse_positions(positions))
    periods = _numbers(period_range, "--period-range")
    if len(periods) != 2:
        raise InputError(f"--period-range {period_range!r}", allowed="two numbers, e.g. 0.03,1000")
    labels = None if names is None else [name.strip() for name in names.split(",")]
    if labels is not None and (len(labels) != len(runs) or not all(labels)):
        raise InputError(f"--names {names!r}", allowed=f"{len(runs)} names, one for each run")
    folder = output_folder(out_dir)
    with messages.status("loading MAF"):
        from pelsvae_cadence.metrics.comparison.compare_runs import compare as compare_runs
        from pelsvae_cadence.metrics.comparison.plan import Plan

    plan = Plan(
        positions=points,
        nside=None if points is not None else (_DEFAULT_NSIDE if nside is None else nside),
        star_classes=tuple(name.strip() for name in star_class.split(",") if name.strip()),
        magnitudes=_numbers(magnitudes, "--mag"),
        years=_numbers(years, "--years"),
        stars_per_position=stars_per_position,
        seed=seed,
        model=model,
        period_range=(periods[0], periods[1]),
        radius=radius,
        max_visits=max_visits,
    )
    further: list[Any] = []
    if classify:
        from pelsvae_cadence.metrics.comparison.classifiability import Classifiability

        further.append(Classifiability())
    with _progress() as bar, warnings.catch_warnings():
        # What other packages remark is not the user's business; our own refusals are errors.
        warnings.simplefilter("ignore")
        result = compare_runs(
            list(runs),
            plan,
            out_dir=folder,
            names=labels,
            survey=kind,
            further=further,
            unit=None if resample == "auto" else resample,
            workers=workers,
            scheduler=scheduler,
            overwrite=not no_clobber,
            maf_plots=maf_plots,
            command=command_line(),
            progress=bar,
            on_failure=_say_failure,
        )
    _print(result, as_json)
    if result.failures:
        raise typer.Exit(1)


def _list(as_json: bool) -> None:
    from pelsvae_cadence.cadence.changes.strategies import STRATEGIES

    with messages.status("loading MAF"):
        from pelsvae_cadence.metrics.comparison.runs import CHANGES

    if as_json:
        print_json(
            {
                "strategies": {name: item.description for name, item in STRATEGIES.items()},
                "changes": dict(CHANGES.values()),
            }
        )
        return
    rows = [[name, item.description] for name, item in STRATEGIES.items()]
    table("Synthetic strategies; knobs follow after colons", ["name", "what it is"], rows, text=True)
    changes = [[spelling, text] for spelling, text in CHANGES.values()]
    table("Changes to any table or strategy", ["written", "what it does"], changes, text=True)


def _numbers(text: str, option: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.replace(",", " ").split())
    except ValueError:
        values = ()
    if not values:
        raise InputError(f"{option} {text!r} is not a list of numbers", allowed="e.g. 18,20,22")
    return values


def _say_failure(name: str, reason: str) -> None:
    text = f"{name} is left out: {reason}".replace("[", "\\[")
    messages.print(f"[bold red]error:[/] {text}", soft_wrap=True)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for each run."""
    with progress_bars("pieces") as progress:
        tasks: dict[str, Any] = {}

        def tell(run: str, done: int, total: int) -> None:
            if run not in tasks:
                tasks[run] = progress.add_task(run.replace("[", "\\["), total=total)
            progress.update(tasks[run], completed=done, total=total)

        yield tell


def _print(result: Comparison, as_json: bool) -> None:
    from pelsvae_cadence.metrics.comparison.report.answers import answers, number, pair_answers

    differences = result.summary.differences
    tested = differences[differences["metric"] == "recovered"]
    if as_json:
        print_json(
            {
                **result.settings,
                "answers": {answer.run: answer.text for answer in answers(result)},
                "pairs": [answer.text for answer in pair_answers(result)],
                "differences": tested.to_dict(orient="records"),
                "files": result.files,
            }
        )
        return
    rows = [
        [
            row.run,
            row.star_class,
            "all" if row.magnitude != row.magnitude else f"{row.magnitude:g}",
            f"{row.year:g}",
            *(number(value, 3, sign=True) for value in (row.difference, row.low, row.high)),
            number(row.p_adjusted, 3),
            row.verdict,
        ]
        for row in tested.itertuples()
    ]
    table(
        f"Recovered fraction minus that of {result.runs[0].name}: 95 % intervals, corrected p",
        ["run", "class", "mag", "year", "difference", "low", "high", "p", "verdict"],
        rows,
    )
    pairs = pair_answers(result)
    few = len(pairs) <= _MOST_PAIRS  # the others fill a screen: they are in the report
    for answer in (*answers(result), *(pairs if few else ())):
        messages.print(f"- {answer.text}", soft_wrap=True, markup=False, highlight=False)
    names = ["report", "summary csv", "differences csv", *(["pairs csv"] if pairs else [])]
    for name in names:
        messages.print(f"{name + ':':18s}{result.files[name]}", soft_wrap=True, highlight=False)
    messages.print(
        f"{'MAF folders:':18s}{result.files['maf summary'].parent}", soft_wrap=True, highlight=False
    )

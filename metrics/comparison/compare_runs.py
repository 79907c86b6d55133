"""Compare survey runs on the same stars: evaluate, summarise, write tables and report."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.survey import Cadence, Survey
from pelsvae_cadence.catalog.provenance import package_versions
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder
from pelsvae_cadence.metrics.comparison.evaluate import RunOutcome, evaluate
from pelsvae_cadence.metrics.comparison.further_metric import FurtherMetric, StarJudge, Workplace
from pelsvae_cadence.metrics.comparison.maf_files import folder_name
from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.result import REPORT_FILE, Comparison
from pelsvae_cadence.metrics.comparison.result_files import write_results
from pelsvae_cadence.metrics.comparison.runs import Run, check_spelling, open_run, unique_names
from pelsvae_cadence.metrics.comparison.statistics.bootstrap import Unit
from pelsvae_cadence.metrics.comparison.statistics.summary import summarise_runs
from pelsvae_cadence.metrics.position.observe import load_model
from pelsvae_cadence.parallel.checkpoints import fingerprint
from pelsvae_cadence.parallel.partitions import PartitionError

__all__ = ["compare", "one_cluster"]

_CHECKPOINTS: Final = ".unfinished"


def _open(
    runs: Sequence[str | Run | Cadence],
    names: Sequence[str | None],
    plan: Plan,
    survey: SurveyName | None,
    failed: Callable[[str, object], None],
) -> list[Run]:
    """Open every run; say why one cannot be opened, and go on."""
    opened: list[Run] = []
    tables: dict[Path, Survey] = {}
    for run, name in zip(runs, names, strict=True):
        try:
            if isinstance(run, Run):
                opened.append(run)
            elif isinstance(run, str):
                opened.append(open_run(run, name=name, seed=plan.seed, survey=survey, tables=tables))
            elif isinstance(run, Cadence):
                opened.append(Run(name=name or run.name, cadence=run))
            else:
                raise InputError(f"a {type(run).__name__} is no run", allowed="text or a cadence")
        except InputError as error:
            failed(name or str(run), error)
    return unique_names(opened)


def compare(
    runs: Sequence[str | Run | Cadence],
    plan: Plan,
    *,
    out_dir: str | Path,
    names: Sequence[str] | None = None,
    survey: SurveyName | None = None,
    further: Sequence[FurtherMetric] = (),
    unit: Unit | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    overwrite: bool = False,
    report: bool = True,
    maf_plots: bool = False,
    command: str = "",
    progress: Callable[[str, int, int], None] | None = None,
    on_failure: Callable[[str, str], None] | None = None,
) -> Comparison:
    """Compare observing strategies: the same stars, phases and noise seeds in every run.

    Runs are evaluated one after the other. Finished pieces are kept in the output folder until
    the comparison is complete: called again with the same arguments after an interruption, it
    goes on where it ended. A table that cannot be read, and a run that cannot be evaluated, is
    reported; the others finish.

    Parameters
    ----------
    runs : sequence of str, Run or Cadence
        The runs, the reference first. Texts are those of `open_run`.
    plan : Plan
        Where, for which stars, after which years.
    out_dir : str or Path
        Folder for the results.
    names : sequence of str, optional
        Names of the runs; made from the texts by default.
    survey : {"lsst", "ztf"}, optional
        Whose filters tables have; told from bands and depths by default.
    further : sequence of FurtherMetric
        Metrics beside the period search; each is prepared on all runs first. Where that fails
        for a run, its values of this metric are unknown, and the rest goes on.
    unit : {"positions", "stars"}, optional
        What is resampled for intervals and tests; by default positions where there are enough.
    workers : int
        Number of processes.
    scheduler : str, optional
        Address of a Dask scheduler to use instead.
    overwrite : bool
        Replace an earlier comparison in the folder; otherwise it is an error.
    report : bool
        Write the HTML report.
    maf_plots : bool
        Let MAF draw the recovered fractions after the last year, for its web pages.
    command : str
        The command line, for the record.
    progress : callable, optional
        Called with (run, pieces done, pieces in all); metrics that learn first add words.
    on_failure : callable, optional
        Called with (run, or "RUN: METRIC", and the reason) when one cannot be used.

    Returns
    -------
    Comparison
        Tables and files.

    Raises
    ------
    InputError
        If there are no two runs, one is misspelt (before anything is computed), an earlier comparison is in the way, every run fails, or the
        runs share no position.
    """
    if len(runs) < 2:
        raise InputError(f"{len(runs)} run to compare", allowed="two or more")
    if names is not None and len(names) != len(runs):
        raise InputError(f"{len(names)} names for {len(runs)} runs")
    check_spelling(runs)
    folder = Path(out_dir)
    if (folder / REPORT_FILE).exists() and not overwrite:
        raise InputError(
            f"{folder} already holds a comparison", remedy="Choose another folder, or overwrite."
        )
    model = load_model(plan.model)  # a wrong model is said before any work
    folder = output_folder(out_dir)
    failures: dict[str, str] = {}

    def failed(name: str, reason: object) -> None:
        failures[name] = str(reason)
        if on_failure is not None:
            on_failure(name, str(reason))

    opened = _open(runs, names or [None] * len(runs), plan, survey, failed)
    if not opened:
        raise InputError(f"no run can be used: {'; '.join(failures.values())}")
    unfinished = folder / _CHECKPOINTS
    quantities = {metric.name: tuple(metric.quantities) for metric in further}
    good: list[Run] = []
    outcomes: list[RunOutcome] = []
    with one_cluster(workers, scheduler) as address:
        workplace = Workplace(
            folder=unfinished,
            names=tuple(run.name for run in opened),
            workers=workers,
            scheduler=address,
            progress=progress,
        )
        ready = _prepared(further, opened, plan, workplace, failed)
        for run, metrics in zip(opened, ready, strict=True):
            tag = fingerprint(plan, run.name, run.spec)[:12]  # another plan is another folder
            try:
                outcome = evaluate(
                    run.name,
                    run.cadence,
                    plan,
                    further=metrics,
                    checkpoint_dir=unfinished / f"{folder_name(run.name)}-{tag}",
                    workers=workers,
                    scheduler=address,
                    progress=workplace.told(run.name),
                )
                outcomes.append(outcome.with_unknown(quantities))
                good.append(run)
            except (InputError, PartitionError) as error:
                failed(run.name, error)
    if not good:
        raise InputError(f"no run can be used: {'; '.join(failures.values())}")
    summary = summarise_runs(outcomes, plan, further=quantities, unit=unit)
    settings = {
        "command": command,
        "plan": plan.as_dict(),
        "model": {"name": model.name, "sha256": model.hash},
        "versions": package_versions(),
        "runs": [
            {"name": run.name, "spec": run.spec, "survey": run.cadence.name, "sha256": run.files or {}}
            for run in good
        ],
        "reference": good[0].name,
        "failures": failures,
        "resampled": summary.unit,
    }
    result = Comparison(
        plan=plan,
        runs=tuple(good),
        outcomes=tuple(outcomes),
        summary=summary,
        failures=failures,
        out_dir=folder,
        files={},
        settings=settings,
        further=quantities,
        judges=tuple(metric.name for metric in further if isinstance(metric, StarJudge)),
    )
    write_results(result, maf_plots=maf_plots)
    if report:
        from pelsvae_cadence.metrics.comparison.report.html import write_report

        result.files["report"] = folder / REPORT_FILE
        write_report(result, result.files["report"])
    shutil.rmtree(unfinished, ignore_errors=True)
    return result


def _prepared(
    further: Sequence[FurtherMetric],
    runs: Sequence[Run],
    plan: Plan,
    workplace: Workplace,
    failed: Callable[[str, object], None],
) -> list[list[FurtherMetric]]:
    """Let each further metric learn; give those ready for each run, and say why others are not."""
    ready: list[list[FurtherMetric]] = [[] for _ in runs]
    for metric in further:
        learnt: Sequence[FurtherMetric | InputError]
        try:
            learnt = metric.prepare([run.cadence for run in runs], plan, workplace)
        except InputError as error:
            learnt = [error] * len(runs)
        for run, one, mine in zip(runs, learnt, ready, strict=True):
            if isinstance(one, InputError):
                failed(f"{run.name}: {metric.name}", one)
            else:
                mine.append(one)
    return ready


@contextmanager
def one_cluster(workers: int, scheduler: str | None) -> Iterator[str | None]:
    """Start workers once for all runs: each takes seconds to load what it needs.

    Parameters
    ----------
    workers : int
        Number of processes; one means this one.
    scheduler : str or None
        Address of a Dask scheduler to use instead.

    Yields
    ------
    str or None
        Address of the scheduler; None to work in this process.

    Raises
    ------
    InputError
        If Dask is needed and missing.
    """
    if workers == 1 or scheduler is not None:
        yield scheduler
        return
    try:
        from pelsvae_cadence.parallel.cluster import open_client
    except ImportError as error:
        raise InputError(
            f"several workers need Dask ({error.name} is not installed)",
            remedy="pip install 'pelsvae-cadence[scale]', or use one worker.",
        ) from error
    with open_client(workers, None) as (client, _):
        yield str(client.scheduler.address)

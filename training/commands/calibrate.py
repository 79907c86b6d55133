"""The command that calibrates what the model's posterior states."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pelsvae_cadence.core.console import messages
from pelsvae_cadence.core.files import replacing
from pelsvae_cadence.core.real_data import data_folder, find_data_folder
from pelsvae_cadence.training.commands.app import Data, Weights, app, progress_of

__all__ = ["calibrate_inference"]


@app.command("calibrate-inference")
def calibrate_inference(
    n: Annotated[
        int, typer.Option("--n", help="Simulated stars of each class and survey; 3 n of real sets.", min=1)
    ] = 12,
    seed: Annotated[int, typer.Option(help="Seed of the stars: none of the shape bank's.", min=10)] = 101,
    data: Data = None,
    weights: Weights = "default",
    output: Annotated[Path, typer.Option(help="JSON file.")] = Path("calibration.json"),
) -> None:
    """Calibrate the stated probability that a period is right, class by class (some minutes)."""
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.training.evaluate.inference_calibration import scored_calibration
    from pelsvae_cadence.training.evaluate.inference_sample import calibration_sample

    folder = find_data_folder() if data is None else data_folder(data)
    model = LightCurveModel.load(weights)
    with progress_of("reading stars") as progress:
        sample = calibration_sample(model, n, seed=seed, data=folder, progress=progress)
    calibration = scored_calibration(
        sample,
        model=model.hash,
        seed=seed,
        about={
            "command": f"python -m pelsvae_cadence.training calibrate-inference --n {n} --seed {seed}",
            "seed": seed,
            "data": "simulated stars"
            + (", real stars that methods may be chosen on" if folder is not None else ""),
        },
    )
    with replacing(output) as partial:
        partial.write_text(calibration.to_json(), encoding="utf-8")
    for name, scores in calibration.card["scores"].items():
        words = f"{scores['stars']:5d} stars, right {scores['right']:.3f}"
        for when in ("raw", "calibrated"):
            one = scores[when]
            words += (
                f"; {when}: log loss {one['log_loss']:.3f}, error {one['expected_calibration_error']:.3f}"
            )
        typer.echo(f"{name:16s} {words}")
    messages.print(f"calibration: {output}", soft_wrap=True)

"""``pelsvae_cadence catalog``: look into and check HDF5 catalogues."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pelsvae_cadence.cli.options import Json, messages, print_json, table

__all__ = ["app"]

app = typer.Typer(help="HDF5 catalogues of simulated stars.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="Catalogue file (.h5).", show_default=False)]


@app.command()
def inspect(file: File, as_json: Json = False) -> None:
    """Show what a catalogue holds and where it comes from."""
    from pelsvae_cadence.catalog import Catalog

    with Catalog(file) as catalog:
        summary = catalog.summary()
    if as_json:
        print_json(summary)
        return
    table(f"{file}", ["", "value"], _rows(summary), text=True)


@app.command()
def validate(file: File, as_json: Json = False) -> None:
    """Check a catalogue against the format: every checksum, offset and reference."""
    from pelsvae_cadence.catalog import validate_catalog

    with messages.status(f"checking {file.name}"):
        problems = validate_catalog(file)
    if as_json:
        print_json({"file": file, "problems": problems})
    else:
        for problem in problems:
            messages.print(f"- {problem}", soft_wrap=True, markup=False)
        messages.print(f"{file}: {len(problems)} problems" if problems else f"{file}: sound")
    if problems:
        raise typer.Exit(1)


def _rows(values: dict[str, Any], prefix: str = "") -> list[list[str]]:
    rows = []
    for key, value in values.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        if isinstance(value, dict) and value and prefix == "" and key == "provenance":
            rows += _rows(value)
        elif isinstance(value, dict):
            text = ", ".join(f"{k} {v}" for k, v in value.items())
            rows.append([name, text or "-"])
        elif isinstance(value, list):
            rows.append([name, " .. ".join(f"{v:.3f}" for v in value)])
        else:
            rows.append(
                [name, f"{value:,}" if isinstance(value, int) and key != "seed" else str(value)]
            )
    return rows

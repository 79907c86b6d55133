"""The command ``python -m pelsvae_cadence.training``: from real stars to shipped weights."""

from __future__ import annotations

from pelsvae_cadence.core.console import run_app

# Importing the modules adds their commands to the program.
from pelsvae_cadence.training.commands import calibrate, data, fit, judge  # noqa: F401
from pelsvae_cadence.training.commands.app import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command and leave the process."""
    run_app(app)


if __name__ == "__main__":
    main()

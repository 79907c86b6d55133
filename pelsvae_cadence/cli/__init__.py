"""The command line: ``pelsvae_cadence lightcurve | metrics | catalog | validate``.

This is the one room that reaches outwards, to ``training`` and ``metrics``, and only inside the
functions that need them, so that ``--help`` answers at once.
"""

from pelsvae_cadence.cli.app import app, main

__all__ = ["app", "main"]

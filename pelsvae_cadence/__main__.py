"""``python -m pelsvae_cadence`` is the command ``pelsvae_cadence``."""

from pelsvae_cadence.cli.app import main

if __name__ == "__main__":
    main()

"""How good a source model is: every measure on stars it has never seen, beside its baselines."""

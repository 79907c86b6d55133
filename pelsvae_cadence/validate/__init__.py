"""Figures of merit: what is measured, with its target. Only cli, training and metrics import it."""

"""Fits of source models: networks, latent maps, schedules, sweeps, export of weights."""

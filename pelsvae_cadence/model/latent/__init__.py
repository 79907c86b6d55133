"""From physical parameters to latent coordinates: linear maps, flows, regressions."""

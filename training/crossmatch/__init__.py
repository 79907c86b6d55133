"""Cross-match of variable stars with Gaia, and colour-magnitude selection."""

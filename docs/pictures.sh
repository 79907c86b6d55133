#!/usr/bin/env bash
# Draw the pictures of the documentation that change with the shipped weights, in a few minutes.
# Real stars are drawn beside simulated ones where PELSVAE_DATA names their folder.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
images=docs/images
python examples/04_six_bands.py "$images/six_bands.png"
python examples/06_aliases.py "$images/aliases.png"
python examples/09_catalogue.py "$images/catalogue.png"
python -m pelsvae_cadence.training gallery "$images/gallery.png"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python -m pelsvae_cadence.training new-parameter --steps 400 --out-dir "$work"
cp "$work/metallicity.png" "$images/"
if [ -n "${PELSVAE_DATA:-}" ]; then
    python -m pelsvae_cadence.training population-figures --out-dir "$images"
    python -m pelsvae_cadence.training photometry-figures "$images"
else
    echo "PELSVAE_DATA is not set: population, mira_cycles, stripe82_bands, eclipse_bands stay" >&2
fi

#!/usr/bin/env bash
# Runs the engine's tests, on the CPU, in training's Python environment: they hold it against training's plain model.
set -euo pipefail
cd "$(dirname "$0")"
python=$(bash ../training/env.sh)
"$python" -m pytest -q tests "$@"

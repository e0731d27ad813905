#!/usr/bin/env bash
# Runs the Python tests in the pinned environment.
set -euo pipefail
cd "$(dirname "$0")"
python=$(bash env.sh)
"$python" -m pytest -q "$@"

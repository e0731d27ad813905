#!/usr/bin/env bash
# Prints the path of a Python with other people's client and server; makes the environment where it is missing.
set -euo pipefail
cd "$(dirname "$0")"
hash=$(sha256sum requirements.txt | cut -c1-16)
venv="${IGPT_EDGE_CACHE:-$HOME/.cache/igpt-edge}/peers-$hash"
if [ ! -e "$venv/.complete" ]; then
  python3 -m venv --clear "$venv" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt >&2
  touch "$venv/.complete"
fi
echo "$venv/bin/python"

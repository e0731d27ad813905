#!/usr/bin/env bash
# Prints the path of a Python that has what FOLDER/requirements.txt pins; makes the environment where it is missing. It lies
# outside the clone, keyed by the lock file's hash, so that fresh clones share it.
#   bash scripts/python-env.sh FOLDER NAME
set -euo pipefail
hash=$(sha256sum "$1/requirements.txt" | cut -c1-16)
venv="${IGPT_EDGE_CACHE:-$HOME/.cache/igpt-edge}/$2-$hash"
if [ ! -e "$venv/.complete" ]; then
  echo "Making the Python environment $venv (once; some minutes) ..." >&2
  python3 -m venv --clear "$venv" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$1/requirements.txt" >&2
  touch "$venv/.complete"
fi
echo "$venv/bin/python"

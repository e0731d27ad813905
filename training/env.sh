#!/usr/bin/env bash
# Prints the path of a Python that has what requirements.txt pins; makes the environment where it is missing.
here=$(dirname "$0")
exec bash "$here/../scripts/python-env.sh" "$here" venv

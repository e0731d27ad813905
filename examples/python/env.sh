#!/usr/bin/env bash
# Prints the path of a Python with the example's requirements; makes the environment where it is missing.
here=$(dirname "$0")
exec bash "$here/../../scripts/python-env.sh" "$here" examples

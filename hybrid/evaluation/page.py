"""The report of a run: one HTML file that loads nothing and runs nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hybrid.evaluation.effects import CONTRASTS, FURTHER
from hybrid.evaluation.table import (
    METRICS,
    NO_VALUE,
    OUTCOMES,
    columns,
    memory_blocks,
    notes,
    percent,
    ragas_blocks,
    words,
)

COSTS = ("prompt_tokens", "output_tokens", "seconds", "peak_memory_mb")
ROW_METRICS = ("correct", "score", "groundedness", "citation_precision", "citation_recall")
GLYPHS = {"supported": "✓", "contradicted": "✗", "unverifiable": "?"}
UNJUDGED = "·"

Row = Mapping[str, Any]
Results = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the forest plot; positions in percent of the plot's width, None without a value."""

    label: str
    text: str
    reason: str
    zone: str
    low: float | None
    mean: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Forest:
    """Effects of one metric on one scale, with 0 and the least effect worth having marked."""

    metric: str
    bars: tuple[Bar, ...]
    zero: float
    worth_it: float
    ends: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Slice:
    """One outcome's share of a column."""

    outcome: int
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an answer; ``verdict`` is None between statements and ``""`` if it was not judged."""

    text: str
    verdict: str | None


@dataclass(frozen=True, slots=True)
class CellAnswer:
    """What one column answered to a question; ``cell`` and ``outcome`` are positions in the page's lists."""

    row: Row
    cell: int
    outcome: int | None
    pieces: tuple[Piece, ...]
    loose: tuple[Piece, ...]
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One question with the answers of all columns and its evidence."""

    number: int
    row: Row
    answers: tuple[CellAnswer, ...]
    pool: tuple[Mapping[str, Any], ...]
    shown_in: Mapping[int, tuple[str, ...]]


def render(results: Results, rows: Sequence[Row]) -> str:
    """The whole page as text.

    Every text is escaped where it is put; class names and ids are made of numbers, never of names from data.

    Args:
        results: what ``results.json`` holds.
        rows: the lines of ``rows.jsonl``.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "words": words}
    cells = list(columns(results))
    return environment.get_template("report.html.j2").render(
        results=results,
        columns=columns(results),
        cells=cells,
        metrics=[metric for part in METRICS for metric in part],
        costs=COSTS,
        outcomes=OUTCOMES,
        slices={name: slices(column) for name, column in columns(results).items()},
        forest=forest(results),
        memory=memory_blocks(results),
        ragas=ragas_blocks(results),
        cards=cards(rows, cells),
        glyphs=GLYPHS,
        notes=notes(results),
        unjudged=UNJUDGED,
    )


def forest(results: Results) -> Forest:
    """The effects on the verdict's metric, placed on a scale that holds all intervals, 0 and d."""
    verdict = results.get("verdict") or {}
    metric, worth_it = verdict.get("metric", "score"), verdict.get("worth_it", 0.05)
    effects = results.get("effects", {})
    entries = {name: effects[name].get(metric, {}) for name in CONTRASTS | FURTHER if name in effects}
    ends = [e[k] for e in entries.values() for k in ("low", "high") if e.get(k) is not None]
    low, high = min([-0.1, *ends]), max([0.1, worth_it, *ends])
    margin = 0.04 * (high - low)
    low, span = low - margin, high - low + 2 * margin

    def place(value: float | None) -> float | None:
        return None if value is None else round(100 * (value - low) / span, 2)

    zones = verdict.get("zones", {})
    bars = tuple(
        Bar(
            label=words(name),
            text=percent(entry, signed=True),
            reason=entry.get("reason", ""),
            zone=_zone(zones.get(name, {}), metric),
            low=place(entry.get("low")),
            mean=place(entry.get("mean")),
            high=place(entry.get("high")),
        )
        for name, entry in entries.items()
    )
    edges = (f"{100 * low:+.0f}", f"{100 * (low + span):+.0f}")
    return Forest(metric, bars, place(0.0) or 0.0, place(worth_it) or 0.0, edges)


def _zone(entry: Mapping[str, Any], shown: str) -> str:
    """The zone of an effect, and by which metric it was judged if that is not the one that is shown."""
    judged_by = entry.get("metric", shown)
    return entry.get("zone", "") + ("" if judged_by == shown else f", by {words(judged_by)}")


def slices(column: Mapping[str, Any]) -> tuple[Slice, ...]:
    """The outcomes of a column that occur, in the page's order, with their shares in percent."""
    counts = column.get("outcomes", {})
    total = sum(counts.values())
    return tuple(
        Slice(position, counts[outcome], round(100 * counts[outcome] / total, 3))
        for position, outcome in enumerate(OUTCOMES)
        if counts.get(outcome)
    )


def cards(rows: Sequence[Row], cells: Sequence[str]) -> list[Card]:
    """The rows by question, in the order in which the questions first occur."""
    by_question: dict[str, list[Row]] = {}
    for row in rows:
        by_question.setdefault(row["question_id"], []).append(row)
    return [_card(number, of_one, cells) for number, of_one in enumerate(by_question.values(), start=1)]


def pieces(answer: str, statements: Sequence[Mapping[str, Any]]) -> tuple[Piece, ...] | None:
    """The answer cut at its statements, or None if one of them does not stand in it word by word."""
    cut: list[Piece] = []
    position = 0
    for statement in statements:
        start = answer.find(statement["text"], position)
        if start < 0 or not statement["text"]:
            return None
        if start > position:
            cut.append(Piece(answer[position:start], None))
        position = start + len(statement["text"])
        cut.append(Piece(statement["text"], statement["pool"] or ""))
    return (*cut, Piece(answer[position:], None)) if position < len(answer) else tuple(cut)


def _card(number: int, rows: Sequence[Row], cells: Sequence[str]) -> Card:
    known = [row for row in rows if row["cell"] in cells]
    answers = sorted((_answer(row, cells) for row in known), key=lambda answer: answer.cell)
    shown_in: dict[int, tuple[str, ...]] = {}
    for answer in answers:
        for passage in answer.row["shown"]:
            shown_in[passage] = (*shown_in.get(passage, ()), answer.row["cell"])
    pool = {passage["id"]: passage for row in rows for passage in row["pool"]}
    return Card(number, rows[0], tuple(answers), tuple(pool.values()), shown_in)


def _answer(row: Row, cells: Sequence[str]) -> CellAnswer:
    whole = pieces(row["answer"], row["statements"])
    loose = () if whole is not None else tuple(Piece(s["text"], s["pool"] or "") for s in row["statements"])
    return CellAnswer(
        row=row,
        cell=cells.index(row["cell"]),
        outcome=OUTCOMES.index(row["outcome"]) if row["outcome"] in OUTCOMES else None,
        pieces=whole if whole is not None else (Piece(row["answer"], None),),
        loose=loose,
        figures=tuple(_figure(name, row["metrics"][name]) for name in ROW_METRICS if name in row["metrics"]),
    )


def _figure(name: str, value: Mapping[str, Any]) -> str:
    shown = NO_VALUE if value["value"] is None else f"{value['value']:.2f}".rstrip("0").rstrip(".")
    return f"{words(name)} {shown}"

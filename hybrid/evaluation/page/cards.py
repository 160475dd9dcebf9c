"""The questions of a run, each with the answers of all columns and the evidence for them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.evaluation.page.evidence import Evidence, Stretch, sentence_spans
from hybrid.evaluation.page.stacks import RIGHT
from hybrid.evaluation.table import OUTCOMES, words
from hybrid.generation.citations import strip_markers

FIGURES = ("correct", "score", "groundedness", "citation_precision", "citation_recall")
SPLITS = ("seen", "unseen")
_MARKER = re.compile(r"(\[[0-9]+\])")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of an answer without a break; ``link`` is the anchor that a citation marker jumps to."""

    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an answer.

    Attributes:
        runs: its text and the markers in it.
        verdict: None between statements, ``""`` if the judge failed.
        link: anchor of the evidence that comes nearest to the statement.
        score: the judge's.
    """

    runs: tuple[Run, ...]
    verdict: str | None
    link: str = ""
    score: float | None = None

    @property
    def text(self) -> str:
        """The words of all runs."""
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class CellAnswer:
    """What one column answered.

    Attributes:
        row: as in ``rows.jsonl``.
        cell: position of the column in the page's list.
        outcome: position in ``OUTCOMES``; None for one that the page does not know.
        pieces: the answer, cut at its statements.
        loose: statements that do not stand in the answer word by word.
        figures: metrics of this answer, as text.
    """

    row: Row
    cell: int
    outcome: int | None
    pieces: tuple[Piece, ...]
    loose: tuple[Piece, ...]
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownPassage:
    """A passage of the evidence: cut at the sentences that answers link to, and where it was shown."""

    passage: Mapping[str, Any]
    stretches: tuple[Stretch, ...]
    shown_in: tuple[str, ...]
    gold: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One question.

    Attributes:
        number: counts from 1; every anchor inside is made of it.
        row: of its first column, for what all columns share.
        answers: of the columns that asked it.
        strip: the same with None for every column that did not.
        passages: the evidence.
        marks: class names that filters look for.
    """

    number: int
    row: Row
    answers: tuple[CellAnswer, ...]
    strip: tuple[CellAnswer | None, ...]
    passages: tuple[ShownPassage, ...]
    marks: tuple[str, ...]


def cards(
    rows: Sequence[Row], cells: Sequence[str], compared: Sequence[str], tags: Sequence[str]
) -> list[Card]:
    """The rows by question, in the order in which the questions first occur.

    Args:
        rows: of all columns.
        cells: the columns, in the page's order.
        compared: those of them that "cells differ" looks at.
        tags: the tags, in the page's order.
    """
    by_question: dict[str, list[Row]] = {}
    for row in rows:
        if row["cell"] in cells:
            by_question.setdefault(row["question_id"], []).append(row)
    return [
        _card(number, sorted(of_one, key=lambda row: cells.index(row["cell"])), cells, compared, tags)
        for number, of_one in enumerate(by_question.values(), start=1)
    ]


def anchors(made: Sequence[Card]) -> dict[tuple[str, str], str]:
    """Question id and column → the anchor of that answer; with an empty column that of the question."""
    found = {(card.row["question_id"], ""): f"q{card.number}" for card in made}
    return found | {
        (card.row["question_id"], answer.row["cell"]): f"q{card.number}-c{answer.cell}"
        for card in made
        for answer in card.answers
    }


def _card(
    number: int, rows: Sequence[Row], cells: Sequence[str], compared: Sequence[str], tags: Sequence[str]
) -> Card:
    pool = _pool(rows)
    evidence = Evidence(list(pool.values()))
    positions = {key: position for position, key in enumerate(pool)}
    answers = tuple(_answer(number, row, cells, evidence, positions) for row in rows)
    by_cell = {answer.cell: answer for answer in answers}
    right = {row["outcome"] in RIGHT for row in rows if row["cell"] in compared}
    split = [f"s{SPLITS.index(rows[0]['split'])}"] if rows[0].get("split") in SPLITS else []
    return Card(
        number,
        rows[0],
        answers,
        tuple(by_cell.get(cell) for cell in range(len(cells))),
        tuple(
            ShownPassage(
                passage, tuple(evidence.stretches(at)), _shown_in(key, rows), key[0] in rows[0]["gold"]
            )
            for at, (key, passage) in enumerate(pool.items())
        ),
        marks=(
            *(f"x{answer.cell}-{answer.outcome}" for answer in answers if answer.outcome is not None),
            *(f"y{answer.cell}" for answer in answers),
            *dict.fromkeys(f"o{answer.outcome}" for answer in answers if answer.outcome is not None),
            *split,
            *(f"t{tags.index(tag)}" for tag in rows[0].get("tags", ()) if tag in tags),
            *(["differ"] if len(right) > 1 else []),
        ),
    )


_Key = tuple[int, str]
"""A passage's id and text: a probe may show another text in the place of a passage."""


def _pool(rows: Sequence[Row]) -> dict[_Key, Mapping[str, Any]]:
    return {(passage["id"], passage["text"]): passage for row in rows for passage in row["pool"]}


def _shown_in(key: _Key, rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(row["cell"] for row in rows if key[0] in row["shown"] and key in _pool([row]))


def _answer(
    number: int, row: Row, cells: Sequence[str], evidence: Evidence, positions: Mapping[_Key, int]
) -> CellAnswer:
    here = {key[0]: positions[key] for key in _pool([row])}
    cited = {each["marker"]: here[each["passage"]] for each in row["citations"] if each["passage"] in here}

    def link(statement: Mapping[str, Any], among: Sequence[int]) -> str:
        place = evidence.best(statement["text"], statement["claim"], among)
        if place is not None:
            return f"q{number}-p{place[0]}-s{place[1]}"
        return f"q{number}-p{among[0]}" if len(among) == 1 else ""

    def runs(text: str, statement: Mapping[str, Any]) -> tuple[Run, ...]:
        parts = (part for part in _MARKER.split(text) if part)
        return tuple(Run(part, link(statement, [cited[part]]) if part in cited else "") for part in parts)

    def piece(text: str, statement: Mapping[str, Any] | None) -> Piece:
        if statement is None:
            return Piece(runs(text, {"text": row["answer"], "claim": ""}), None)
        sources = [here[passage] for passage in statement["cited"] if passage in here] or list(here.values())
        return Piece(
            runs(text, statement),
            statement["pool"] or "",
            link(statement, sources),
            statement.get("pool_score"),
        )

    whole = pieces(row["answer"], row["statements"])
    return CellAnswer(
        row=row,
        cell=cells.index(row["cell"]),
        outcome=OUTCOMES.index(row["outcome"]) if row["outcome"] in OUTCOMES else None,
        pieces=tuple(piece(*cut) for cut in whole or ([(row["answer"], None)] if row["answer"] else [])),
        loose=() if whole is not None else tuple(piece(each["text"], each) for each in row["statements"]),
        figures=tuple(_figures(row["metrics"])),
    )


def pieces(
    answer: str, statements: Sequence[Mapping[str, Any]]
) -> list[tuple[str, Mapping[str, Any] | None]] | None:
    """The answer cut into its statements and what stands between; None if one does not stand in it."""
    left = list(statements)
    cut: list[tuple[str, Mapping[str, Any] | None]] = []
    done = 0
    for start, end in sentence_spans(answer):
        if left and strip_markers(answer[start:end]) == left[0]["text"]:
            cut += [(answer[done:start], None), (answer[start:end], left.pop(0))]
            done = end
    return None if left else [part for part in (*cut, (answer[done:], None)) if part[0]]


def _figures(metrics: Mapping[str, Any]) -> Iterator[str]:
    for name in FIGURES:
        value = metrics.get(name, {}).get("value")
        if value is not None:
            yield f"{words(name)} {value:.3g}"

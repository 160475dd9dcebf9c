"""Statements of a finished run that a person labels: drawn by cell, kept as they are labelled.

A claim with its evidence is labelled once, wherever it occurs. Every claim has a random number of its own
(the same in all cells, so that cells share as many labels as they can), and each cell is owed the claims
with its lowest numbers: the first round holds the lowest of every cell, the second round the next. Whatever
number of claims is labelled, in that order, is therefore a random sample of every cell, and the same number
of claims is drawn for each (coordinated sampling with permanent random numbers: Ohlsson, 1995).
"""

import hashlib
import json
import os
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from hybrid.errors import BadInput, RunError
from hybrid.judging.judge import joined

LABELS = "labels.jsonl"


class Label(StrEnum):
    """What a person says of a claim by its evidence."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not_supported"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Where a claim stands in a run.

    Attributes:
        cell: whose answer holds it.
        group: of the question.
        verdict: the judge's by the evidence pool; None if the judge failed.
    """

    cell: str
    group: str
    verdict: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim with its evidence, once, however often it occurs.

    Attributes:
        key: stands for claim and evidence, the same in every run that holds both.
        claim: as it is judged.
        statement: as it stands in the answer.
        questions: the one that was answered, after the one before it in the conversation.
        passages: the evidence as titles and texts, in order.
        occurrences: where it stands.
    """

    key: str
    claim: str
    statement: str
    questions: tuple[str, ...]
    passages: tuple[tuple[str, str], ...]
    occurrences: tuple[Occurrence, ...]

    @property
    def cells(self) -> frozenset[str]:
        """The cells whose answers hold it."""
        return frozenset(occurrence.cell for occurrence in self.occurrences)


class Line(BaseModel):
    """One line of ``labels.jsonl``; with ``claim``, ``evidence`` and ``label`` it can validate any judge."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    label: Label
    claim: str
    evidence: str
    seed: int
    time: str


@dataclass(slots=True)
class Labels:
    """The labels in a file, to which more are added, one line each.

    Attributes:
        path: of the file; it need not exist.
        seed: with which the claims were drawn.
        by_key: the last label of each claim.
    """

    path: Path
    seed: int
    by_key: dict[str, Label] = field(default_factory=dict)

    def add(self, claim: Claim, label: Label) -> None:
        """Keeps a label; when this returns, it is on the disk."""
        line = Line(
            key=claim.key,
            label=label,
            claim=claim.claim,
            evidence=joined(claim.passages),
            seed=self.seed,
            time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        )
        _drop_cut_off(self.path)
        with self.path.open("ab") as file:
            file.write(json.dumps(line.model_dump(mode="json"), ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.by_key[claim.key] = label


def open_labels(path: Path, seed: int | None = None) -> Labels:
    """The labels of a file so far; a last line that was cut off does not count.

    Args:
        path: of ``labels.jsonl``, there already or not.
        seed: with which claims are drawn; None for that of the file, or 0.

    Raises:
        BadInput: a line cannot be read.
        RunError: the claims of the file were drawn with another seed.
    """
    lines = list(_lines(path))
    seeds = {line.seed for line in lines}
    if len(seeds) > 1 or (seed is not None and seeds - {seed}):
        raise RunError(
            f"{path} holds labels of claims that were drawn with seed {', '.join(map(str, sorted(seeds)))}, "
            f"not {seed}; leave --seed away to continue, or begin another file with --out."
        )
    drawn_with = seeds.pop() if seeds else seed or 0
    return Labels(path, drawn_with, {line.key: line.label for line in lines})


def _lines(path: Path) -> Iterable[Line]:
    if not path.is_file():
        return
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    for number, line in enumerate(whole.split(b"\n") if whole else [], start=1):
        try:
            yield Line.model_validate_json(line)
        except ValidationError as exc:
            raise BadInput(str(path), f"no label: {exc.errors()[0]['msg']}", number) from exc


def _drop_cut_off(path: Path) -> None:
    """A process that was killed may have left half a line, to which no other may be joined."""
    if path.is_file() and not (content := path.read_bytes()).endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


def claims(rows: Iterable[Mapping[str, Any]], cells: Collection[str]) -> list[Claim]:
    """The claims of some cells that have any evidence, in the order in which they first occur.

    Args:
        rows: of ``rows.jsonl``.
        cells: that count; a probe is asked what a cell was asked, and is left out.
    """
    found: dict[str, Claim] = {}
    for row in rows:
        passages = tuple((passage["title"], passage["text"]) for passage in row["pool"])
        if row["cell"] not in cells or not joined(passages).strip():
            continue
        questions = (*(turn["question"] for turn in row["history"][-1:]), row["question"])
        for statement in row["statements"]:
            key = _digest(statement["claim"], joined(passages))
            here = Occurrence(row["cell"], row["group"], statement["pool"])
            before = found[key].occurrences if key in found else ()
            found[key] = Claim(
                key, statement["claim"], statement["text"], questions, passages, (*before, here)
            )
    return list(found.values())


def deck(found: Sequence[Claim], seed: int) -> list[Claim]:
    """The claims in the order in which they are labelled: each cell's lowest numbers, round by round.

    Within a round the order is random, too, so that the place in the deck does not tell the cell.
    """
    rounds: dict[str, int] = {}
    for drawn in by_cell(found, seed).values():
        for place, claim in enumerate(drawn):
            rounds[claim.key] = min(place, rounds.get(claim.key, place))
    return sorted(found, key=lambda claim: (rounds[claim.key], _digest("order", str(seed), claim.key)))


def by_cell(found: Iterable[Claim], seed: int) -> dict[str, list[Claim]]:
    """Cell → its claims, those with the lowest numbers first."""
    drawn: dict[str, list[Claim]] = {}
    for claim in sorted(found, key=lambda claim: number(claim, seed)):
        for cell in sorted(claim.cells):
            drawn.setdefault(cell, []).append(claim)
    return drawn


def chances(found: Sequence[Claim], labels: Labels) -> dict[str, float]:
    """Key → the chance that a claim was drawn by now, given the numbers of all other claims.

    A cell has come down its list to the first claim without a label. A claim is drawn if its number is below
    that of one of its cells (rank conditioning: Cohen and Kaplan, 2007). A cell that is labelled to its end
    drew all its claims.
    """
    lowest: dict[str, float] = {}
    for cell, drawn in by_cell(found, labels.seed).items():
        waiting = (number(claim, labels.seed) for claim in drawn if claim.key not in labels.by_key)
        lowest[cell] = next(waiting, 1.0)
    return {claim.key: max(lowest[cell] for cell in claim.cells) for claim in found}


def number(claim: Claim, seed: int) -> float:
    """The random number of a claim, from 0 to 1."""
    return int(_digest(str(seed), claim.key), 16) / 16**16


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]

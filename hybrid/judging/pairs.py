"""Claims with evidence and a label: to train a judge and to validate it."""

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid.errors import BadInput

Span = tuple[int, int]

LABELS = {
    "supported": True,
    "1": True,
    "true": True,
    "not_supported": False,
    "0": False,
    "false": False,
}


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """A claim, its evidence, and whether the evidence supports it.

    Attributes:
        claim: one statement.
        evidence: paragraphs or sentences, in order.
        supported: None if the label is none that is known.
        source: the set that it comes from.
        group: rows of one group share their text, and are never divided between learning and calibration.
        wrong: characters of the claim that alone make it unsupported, where that is known.
    """

    claim: str
    evidence: tuple[str, ...]
    supported: bool | None
    source: str = ""
    group: str = ""
    wrong: tuple[Span, ...] = ()

    @property
    def text(self) -> str:
        """The evidence as a judge gets it."""
        return "\n".join(self.evidence)

    def to_json(self) -> dict[str, Any]:
        """One line of a file of pairs."""
        label = "supported" if self.supported else "not_supported"
        return {
            "claim": self.claim,
            "evidence": list(self.evidence),
            "label": label,
            "source": self.source,
            "group": self.group,
        }


def read_all(paths: Iterable[Path]) -> list[LabelledPair]:
    """The pairs of files, and of all JSONL files of folders.

    Raises:
        BadInput: as :func:`read_pairs`, and if a folder holds no such file.
    """
    pairs = []
    for path in paths:
        files = sorted([*path.glob("*.jsonl"), *path.glob("*.jsonl.gz")]) if path.is_dir() else [path]
        if not files:
            raise BadInput(str(path), "no *.jsonl or *.jsonl.gz in this folder.")
        pairs += [pair for file in files for pair in read_pairs(file)]
    return pairs


def read_pairs(path: Path) -> list[LabelledPair]:
    """Reads JSONL, or gz of it, with ``claim``, ``evidence`` and ``label``.

    Evidence is a text or a list of texts. A label that is none of ``supported``, ``not_supported``, 1, 0,
    true and false is kept as None.

    Raises:
        BadInput: the file cannot be read, or a row has no claim or no evidence; with ``file:row``.
    """
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
            lines = file.read().split("\n")
    except (OSError, EOFError, UnicodeDecodeError) as exc:
        raise BadInput(str(path), str(exc)) from exc
    rows = [_pair(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise BadInput(str(path), "no rows: expected lines with claim, evidence and label.")
    return rows


def _pair(path: Path, number: int, line: str) -> LabelledPair:
    place = f"{path}:{number}"
    try:
        row = json.loads(line)
    except ValueError as exc:
        raise BadInput(place, f"no JSON: {exc}") from exc
    if not isinstance(row, dict) or not isinstance(row.get("claim"), str):
        raise BadInput(place, 'expected an object with a text "claim".')
    evidence = row.get("evidence")
    parts = [evidence] if isinstance(evidence, str) else evidence
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise BadInput(place, '"evidence" has to be a text or a list of texts.')
    label = LABELS.get(str(row.get("label")).lower())
    source, group = str(row.get("source", path.stem)), str(row.get("group", row["claim"]))
    return LabelledPair(row["claim"], tuple(parts), label, source, group)


def normalised(text: str) -> str:
    """A text for comparison: words and digits only, without case."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def held_out(pairs: Iterable[LabelledPair]) -> frozenset[str]:
    """The normalised claims and evidence of pairs that no training may see."""
    return frozenset(text for pair in pairs for text in _texts(pair))


def without(pairs: Iterable[LabelledPair], forbidden: frozenset[str]) -> list[LabelledPair]:
    """The pairs of which neither claim nor evidence, whole or in part, is forbidden."""
    return [pair for pair in pairs if forbidden.isdisjoint(_texts(pair))]


def _texts(pair: LabelledPair) -> Iterator[str]:
    for text in (pair.claim, pair.text, *pair.evidence):
        # A short line, such as a title or a name, is no row of anybody's set.
        if len(key := normalised(text)) >= 12:
            yield key

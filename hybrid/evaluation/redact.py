"""A run without its texts: figures, verdicts and numbers stay, so that it can be shown to anybody."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hybrid.evaluation.rows import Row

BLANK = "▮▮▮"
FIGURES = (
    "schema_version questions cells references systems effects by_split by_tag memory probes judge interval "
    "thresholds verdict suite pipeline power abstention_detector retrieval forgetting ragas eight_questions "
    "costs effects_cost"
).split()
"""The keys of the results that are kept; what is not named here could hold anything."""

SETTINGS = (
    "columns part limit seed model embedder prompt precision versions judge few_shot_examples created "
    "questions training warnings"
).split()
"""The same of the provenance; of pipeline and suite only numbers are kept."""

ROW = (
    "cell split answerable abstained phantom_markers dropped_passages shown gold outcome "
    "prompt_tokens output_tokens"
).split()
"""The same of a row, beside what is made anew."""

SHORTEST = 5
"""A text of fewer characters, such as "no", tells nothing where it stands alone, and stands everywhere."""


def redact(results: Mapping[str, Any], rows: Sequence[Row]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Results and rows in which no text of a document, question or answer is left.

    Questions, documents, groups, kinds and tags become numbers, every text a blank. Reasons are cut where
    they quote an error. Whatever else in the results still holds one of the texts is blanked out as a whole.
    """
    names, secrets = _Names(rows, results), _Secrets(rows)
    kept = {key: results[key] for key in FIGURES if key in results}
    kept["provenance"] = _settings(results.get("provenance", {}))
    if "forgetting" in kept:
        # Its rows hold the prompts of the general tasks and what was answered.
        kept["forgetting"] = {key: part for key, part in kept["forgetting"].items() if key != "rows"}
    if skipped := kept.get("questions", {}).get("skipped_ids"):
        kept["questions"] = {**kept["questions"], "skipped_ids": [BLANK for _ in skipped]}
    if by_tag := kept.get("by_tag"):
        kept["by_tag"] = {names.tags[tag]: part for tag, part in by_tag.items()}
    cleaned: dict[str, Any] = _clean(kept, names, secrets)
    return cleaned | {"redacted": True}, [_row(row, names) for row in rows]


class _Names:
    """Names of the data, each kind counted from 1 in the order of the rows."""

    def __init__(self, rows: Sequence[Row], results: Mapping[str, Any]) -> None:
        self.questions = _numbered("", (row["question_id"] for row in rows))
        self.documents = _numbered("document ", (each["document"] for row in rows for each in row["pool"]))
        self.groups = _numbered("group ", (row["group"] for row in rows))
        self.kinds = _numbered("kind ", (row.get("kind", "") for row in rows))
        tags = [*(results.get("by_tag") or {}), *(tag for row in rows for tag in row.get("tags", ()))]
        self.tags = _numbered("tag ", tags)


class _Secrets:
    """The texts of the rows, to be found again in other strings."""

    def __init__(self, rows: Sequence[Row]) -> None:
        texts = {text.strip().casefold() for text in _texts(rows)}
        self._texts = sorted((text for text in texts if len(text) >= SHORTEST), key=len)
        self._seen: dict[str, bool] = {}

    def told_by(self, text: str) -> bool:
        """Whether one of the texts stands in this one, not as a part of a longer word."""
        if text not in self._seen:
            self._seen[text] = any(_stands_in(secret, text.casefold()) for secret in self._up_to(len(text)))
        return self._seen[text]

    def _up_to(self, length: int) -> Iterator[str]:
        for secret in self._texts:
            if len(secret) > length:
                return
            yield secret


def _stands_in(secret: str, text: str) -> bool:
    return secret in text and re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", text) is not None


def _numbered(word: str, names: Iterable[str]) -> dict[str, str]:
    """Name → number; the empty name stays empty."""
    known = dict.fromkeys(name for name in names if name)
    return {"": ""} | {name: f"{word}{number}" for number, name in enumerate(known, start=1)}


def _texts(rows: Sequence[Row]) -> Iterator[str]:
    """Everything in the rows that somebody wrote."""
    for row in rows:
        yield from (row["question_id"], row["group"], row["question"], row["answer"], row["raw"])
        yield from (*(row["references"] or ()), *row.get("tags", ()))
        for turn in row["history"]:
            yield from (turn["question"], turn["answer"])
        for passage in row["pool"]:
            yield from (passage["document"], passage["title"], passage["locator"], passage["text"])
        for statement in row["statements"]:
            yield from (statement["text"], statement["claim"])


def _row(row: Row, names: _Names) -> dict[str, Any]:
    """A row whose answer is one blank for each of its statements, so that their verdicts have a place."""
    number = names.questions[row["question_id"]]
    blanks = "\n".join(BLANK for _ in row["statements"]) or BLANK
    return {key: row[key] for key in ROW if key in row} | {
        "question_id": number,
        "group": names.groups[row["group"]],
        "kind": names.kinds[row.get("kind", "")],
        "tags": [names.tags[tag] for tag in row.get("tags", ())],
        "question": f"{BLANK} {number}",
        "history": [{"question": BLANK, "answer": BLANK} for _ in row["history"]],
        "references": None if row["references"] is None else [BLANK for _ in row["references"]],
        "answer": blanks,
        "raw": blanks,
        "citations": [
            {"marker": f"[{at}]", "passage": each["passage"]}
            for at, each in enumerate(row["citations"], start=1)
        ],
        "pool": [_passage(at, passage, names) for at, passage in enumerate(row["pool"], start=1)],
        "statements": [_statement(statement) for statement in row["statements"]],
        "metrics": {
            name: dict(entry) | {"reason": _cut(entry.get("reason", ""))}
            for name, entry in row["metrics"].items()
        },
    }


def _passage(at: int, passage: Mapping[str, Any], names: _Names) -> dict[str, Any]:
    document = names.documents[passage["document"]]
    return {"id": passage["id"], "document": document, "title": "", "locator": "", "text": f"{BLANK} {at}"}


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: statement[key] for key in ("cited", "pool", "pool_score", "shown") if key in statement}
    failed = "the judge failed" if statement["error"] else ""
    return kept | {"text": BLANK, "claim": BLANK, "error": failed}


def _settings(provenance: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: provenance[key] for key in SETTINGS if key in provenance}
    if "warnings" in kept:
        # A document that is named there may be gone, and stand in no row by which it would be found.
        kept["warnings"] = [line.partition(", such as ")[0] for line in kept["warnings"]]
    numbers = {key: _numbers(provenance.get(key, {})) for key in ("pipeline", "suite")}
    adapters = {name: provenance.get(name) or {} for name in ("adapter", "retrained")}
    digests = {name: {"digest": each["digest"]} for name, each in adapters.items() if "digest" in each}
    return kept | numbers | digests


def _numbers(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers and switches of a tree."""
    kept = {
        key: _numbers(value) if isinstance(value, Mapping) else value
        for key, value in tree.items()
        if isinstance(value, Mapping | int | float)
    }
    return {key: value for key, value in kept.items() if value != {}}


def _cut(reason: str) -> str:
    """A reason without what it quotes: that of a judge holds the words of an exception."""
    return reason.partition(":")[0]


def _clean(tree: Any, names: _Names, secrets: _Secrets, key: str = "") -> Any:
    if isinstance(tree, Mapping):
        return {name: _clean(value, names, secrets, str(name)) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_clean(each, names, secrets, key) for each in tree]
    if not isinstance(tree, str):
        return tree
    if key == "question_id":
        return names.questions.get(tree, BLANK)
    text = _cut(tree) if key == "reason" else tree
    return BLANK if secrets.told_by(text) else text

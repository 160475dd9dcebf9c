"""A run without its texts: figures, verdicts and numbers stay, so that it can be shown to anybody."""

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

FREE_TEXT = frozenset({"description", "error", "answer_text"})
SHORTEST = 5
"""A text of fewer characters, such as "no", says nothing where it stands alone, and stands everywhere."""


def redact(results: Mapping[str, Any], rows: Sequence[Row]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Results and rows in which no text of a document, question or answer is left.

    Questions, documents, groups, kinds and tags become numbers, every text a blank. Reasons are cut where they
    quote an error. Whatever else in the results still holds one of the texts is blanked out as a whole.
    """
    names = _Names(rows, results)
    kept = {key: results[key] for key in FIGURES if key in results}
    kept["provenance"] = _settings(results.get("provenance", {}))
    secrets = sorted({text.casefold() for text in _texts(rows) if len(text.strip()) >= SHORTEST})
    cleaned: dict[str, Any] = _clean(kept, names.all, secrets)
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

    @property
    def all(self) -> dict[str, str]:
        """Old name → new one; of a name used twice the first of question, tag, group and document."""
        return self.kinds | self.documents | self.groups | self.tags | self.questions


def _numbered(word: str, names: Iterable[str]) -> dict[str, str]:
    return {name: f"{word}{number}" for number, name in enumerate(dict.fromkeys(names), start=1) if name}


def _texts(rows: Sequence[Row]) -> Iterator[str]:
    """Everything in the rows that somebody wrote."""
    for row in rows:
        yield from (row["question_id"], row["group"], row["question"], row["answer"], row["raw"])
        yield from row["references"] or ()
        for turn in row["history"]:
            yield from (turn["question"], turn["answer"])
        for passage in row["pool"]:
            yield from (passage["document"], passage["title"], passage["locator"], passage["text"])
        for statement in row["statements"]:
            yield from (statement["text"], statement["claim"])


def _row(row: Row, names: _Names) -> dict[str, Any]:
    """A row whose answer is one blank for each of its statements, so that their verdicts have a place."""
    statements = [
        dict(each) | {"text": BLANK, "claim": BLANK, "error": "the judge failed" if each["error"] else ""}
        for each in row["statements"]
    ]
    blanks = "\n".join(BLANK for _ in statements) or BLANK
    passages = _numbered("", (str(passage["id"]) for passage in row["pool"]))
    return dict(row) | {
        "question_id": names.questions[row["question_id"]],
        "group": names.groups.get(row["group"], ""),
        "kind": names.kinds.get(row.get("kind", ""), ""),
        "tags": [names.tags[tag] for tag in row.get("tags", ())],
        "question": f"{BLANK} {names.questions[row['question_id']]}",
        "history": [{"question": BLANK, "answer": BLANK} for _ in row["history"]],
        "references": None if row["references"] is None else [BLANK for _ in row["references"]],
        "answer": blanks,
        "raw": blanks,
        "citations": [dict(each) | {"marker": f"[{at}]"} for at, each in enumerate(row["citations"], start=1)],
        "pool": [
            dict(passage)
            | {
                "document": names.documents[passage["document"]],
                "title": "",
                "locator": "",
                "text": f"{BLANK} {passages[str(passage['id'])]}",
            }
            for passage in row["pool"]
        ],
        "statements": statements,
        "metrics": {
            name: dict(entry) | {"reason": _reason(entry.get("reason", ""))}
            for name, entry in row["metrics"].items()
        },
    }


def _settings(provenance: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: provenance[key] for key in SETTINGS if key in provenance}
    numbers = {key: _numbers(provenance.get(key, {})) for key in ("pipeline", "suite")}
    adapter = provenance.get("adapter") or {}
    return kept | numbers | ({"adapter": {"digest": adapter["digest"]}} if "digest" in adapter else {})


def _numbers(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers and switches of a tree."""
    kept = {
        key: _numbers(value) if isinstance(value, Mapping) else value
        for key, value in tree.items()
        if isinstance(value, Mapping | int | float)
    }
    return {key: value for key, value in kept.items() if value != {}}


def _reason(reason: str) -> str:
    """A reason without what it quotes: that of a judge holds the words of an exception."""
    return reason.partition(":")[0]


def _clean(tree: Any, names: Mapping[str, str], secrets: Sequence[str], key: str = "") -> Any:
    if isinstance(tree, Mapping):
        return {
            _clean(name, names, secrets): _clean(value, names, secrets, str(name))
            for name, value in tree.items()
        }
    if isinstance(tree, list | tuple):
        return [_clean(each, names, secrets, key) for each in tree]
    if not isinstance(tree, str):
        return tree
    if tree in names:
        return names[tree]
    text = _reason(tree) if key == "reason" else tree
    folded = text.casefold()
    return BLANK if key in FREE_TEXT or any(secret in folded for secret in secrets) else text

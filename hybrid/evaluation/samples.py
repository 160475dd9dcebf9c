"""The rows of a report under the field names of ragas, as ``hybrid eval --from`` reads them, too."""

from collections.abc import Iterable, Mapping
from typing import Any

from hybrid.evaluation.columns import COLUMNS

Row = Mapping[str, Any]

KEPT = ("question_id", "answerable", "group", "split", "abstained")
KEPT_IF_FILLED = ("kind", "history", "tags", "references")


def samples(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """One sample for each row of ``rows.jsonl``.

    The fields of ragas are ``user_input``, ``response``, ``retrieved_contexts``, ``reference`` and
    ``reference_contexts``; column, question and what is known of it stand beside. Abstentions are kept, and
    marked: ragas would score them as if they were answers.
    """
    return [_sample(row) for row in rows]


def _sample(row: Row) -> dict[str, Any]:
    texts = {passage["id"]: _context(passage) for passage in row["pool"]}
    fields: dict[str, Any] = {
        "user_input": row["question"],
        "response": row["raw"],
        "retrieved_contexts": [texts[id] for id in row["shown"]],
        # What is no column of ours, such as a probe, can only come back as a system.
        "cell" if row["cell"] in COLUMNS else "system": row["cell"],
    }
    if row["references"]:
        fields["reference"] = row["references"][0]
    if contexts := [texts[id] for id in row["gold"] if id in texts]:
        fields["reference_contexts"] = contexts
    fields |= {name: row[name] for name in KEPT}
    return fields | {name: row[name] for name in KEPT_IF_FILLED if row.get(name)}


def _context(passage: Mapping[str, Any]) -> str:
    """The passage as judges read it: under its title."""
    return "\n".join(part for part in (passage["title"], passage["text"]) if part)

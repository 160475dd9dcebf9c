"""BEIR: a corpus, queries, and which documents are relevant; there are no answers, only retrieval is scored.

Source: Thakur et al., BEIR (2104.08663), and its repository's description of the files.
"""

from collections import defaultdict
from pathlib import Path

from pydantic import Field

from hybrid.corpus.formats.jsonl import present
from hybrid.corpus.formats.question_set import ForeignRow, QuestionSet
from hybrid.errors import BadInput
from hybrid.questions import Filled, Text, read_rows, read_text
from hybrid.records import Document, Gold, Question

JUDGED = ("test", "dev", "train")
"""The parts of a set, the first that is there is read."""

HEADER = ["query-id", "corpus-id", "score"]


class _BeirRow(ForeignRow):
    id: Filled = Field(alias="_id")


class _BeirDocument(_BeirRow):
    title: Text = ""
    text: Text


class _BeirQuery(_BeirRow):
    text: Filled


def read_beir(folder: Path) -> QuestionSet:
    """Reads ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/test.tsv`` (or dev, or train), also as .gz.

    Queries without a relevant document and documents without any text are left out.

    Raises:
        BadInput: a file is missing or does not fit, or a judgement names what does not exist.
    """
    documents = read_rows(present(folder, "corpus.jsonl"), _BeirDocument).values()
    queries = {row.id: row.text for row in read_rows(present(folder, "queries.jsonl"), _BeirQuery).values()}
    found = QuestionSet(
        {row.id: Document(row.id, row.title, row.text) for row in documents if row.text.strip()}
    )
    empty = {row.id for row in documents} - found.documents.keys()
    path = _judgements(folder)
    relevant: dict[str, list[Gold]] = defaultdict(list)
    for number, query, document, score in _rows(path):
        if query not in queries:
            raise BadInput(str(path), f'there is no query "{query}"', number)
        if document not in found.documents and document not in empty:
            raise BadInput(str(path), f'there is no document "{document}"', number)
        if score > 0 and document in found.documents:
            relevant[query].append(Gold(document))
    for query, golds in relevant.items():
        group = found.documents[golds[0].document].group
        found.questions.append(
            Question(query, queries[query], gold=tuple(dict.fromkeys(golds)), kind="query", group=group)
        )
    return found


def _judgements(folder: Path) -> Path:
    for part in JUDGED:
        for ending in (".tsv", ".tsv.gz"):
            path = folder / "qrels" / f"{part}{ending}"
            if path.is_file():
                return path
    raise BadInput(str(folder / "qrels"), f"holds none of {', '.join(f'{part}.tsv' for part in JUDGED)}")


def _rows(path: Path) -> list[tuple[int, str, str, int]]:
    """Row number, query, document and score; the header of BEIR is passed over."""
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        fields = line.rstrip("\r").split("\t")
        if len(fields) != 3:
            raise BadInput(
                str(path), f"three fields with tabs between are expected, not {len(fields)}", number
            )
        if fields == HEADER:
            continue
        try:
            rows.append((number, fields[0], fields[1], int(fields[2])))
        except ValueError as exc:
            raise BadInput(str(path), f"the score {fields[2]!r} is no whole number", number) from exc
    if not rows:
        raise BadInput(str(path), "holds no rows")
    return rows

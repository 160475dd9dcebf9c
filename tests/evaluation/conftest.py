"""A small imported suite, and one whole run on it that many tests look at."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from hybrid import library
from hybrid.corpus.importing import import_set
from hybrid.evaluation.report import Report
from hybrid.evaluation.run import evaluate

PRODUCTS = range(1, 11)
PIPELINE = """\
suite: warranty
model: {model}
retrieval: {{embedder: "hashing:64", k: 2}}
generation: {{max_new_tokens: 12, batch_tokens: 6000}}
tuning: {{rows: 24, batch_tokens: 1300, max_steps: 12, max_row_tokens: 2000, learning_rate: 0.05}}
references: {{examples: [1, 2], choice_questions: 2}}
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run with the state folder in which it was done."""

    home: Path
    report: Report


@pytest.fixture(scope="session")
def question_set(tmp_path_factory):
    """Ten documents with two questions each, and one that nothing answers."""
    folder = tmp_path_factory.mktemp("set")
    documents, questions = [], []
    for n in PRODUCTS:
        text = f"The X{n} has a warranty of {n} years.\n\nOne X{n} costs {n}5 euros."
        documents.append({"id": f"x{n}", "title": f"X{n}", "text": text})
        for kind, question, answer in (
            ("years", f"How many years of warranty has the X{n}?", f"{n} years"),
            ("euros", f"How many euros costs one X{n}?", f"{n}5 euros"),
        ):
            start = text.index(answer)
            gold = [{"document": f"x{n}", "start": start, "end": start + len(answer)}]
            row = {"id": f"{kind}-{n}", "question": question, "answers": [answer], "gold": gold, "kind": kind}
            questions.append(row)
    questions.append({"id": "nobody", "question": "Who leads the company?", "answerable": False})
    write_rows(folder / "documents.jsonl", documents)
    write_rows(folder / "questions.jsonl", questions)
    return folder


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def import_warranty(question_set):
    """Imports the small suite, judged without a model."""
    import_set("warranty", format="jsonl", path=question_set)
    suite = library.find_suite("warranty")
    suite.write_text(f"{suite.read_text()}judge: overlap\n")


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory, tiny_weights):
    """The path of a pipeline on the tiny model."""
    path = tmp_path_factory.mktemp("pipeline") / "tiny.yaml"
    path.write_text(PIPELINE.format(model=tiny_weights.path))
    return str(path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, question_set, pipeline):
    """All columns on the small suite, in a state folder of its own."""
    home = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYBRID_HOME", str(home))
        import_warranty(question_set)
        return Finished(home, evaluate(pipeline))


@pytest.fixture
def at_home(finished, monkeypatch):
    """The state folder of the finished run: its suite, adapter and answers are there."""
    monkeypatch.setenv("HYBRID_HOME", str(finished.home))
    return finished


@pytest.fixture
def warranty(state_folder, question_set):
    """The small suite in a fresh state folder."""
    import_warranty(question_set)
    return state_folder

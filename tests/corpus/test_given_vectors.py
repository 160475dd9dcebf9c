"""Documents that are one passage each, and vectors that come with them."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError
from hybrid.records import Document

LONG = Document("long", "", "One sentence. " * 100, {"group": "g"})
SHORT = Document("short", "Title", "Words.")


@pytest.fixture
def corpus(state_folder):
    with Corpus.create("whole", passage_chars=None) as made:
        yield made


def given(*vectors):
    return {"vectors": {id: np.array(vector, np.float32) for id, vector in vectors}, "embedder": "e"}


def test_a_document_is_one_passage_as_a_whole(corpus):
    corpus.add([LONG, SHORT])
    passages = Corpus.open("whole").passages()
    assert [(each.start, each.end, each.text) for each in passages] == [
        (0, len(LONG.text), LONG.text),
        (0, len(SHORT.text), SHORT.text),
    ]
    assert corpus.check() == []


def test_the_command_line_shows_it_without_a_length(corpus):
    from hybrid.cli.app import app

    shown = CliRunner().invoke(app, ["corpus", "show", "whole", "--json"])
    assert json.loads(shown.stdout)["passage_chars"] is None


def test_vectors_come_in_the_step_of_their_documents(corpus):
    corpus.update([LONG, SHORT], **given(("long", [1, 2]), ("short", [3, 4])))
    ids, vectors = corpus.vectors("e")
    assert (ids.tolist(), vectors.tolist()) == ([1, 2], [[1, 2], [3, 4]])
    assert corpus.missing_vectors("e") == {}
    assert corpus.check() == []


def test_documents_without_a_vector_like_the_others_are_refused_and_nothing_is_left(corpus):
    corpus.update([LONG], **given(("long", [1, 2])))
    with pytest.raises(CorpusError, match='texts without a vector of "f"'):
        corpus.update([SHORT], vectors={"short": np.ones(2, np.float32)}, embedder="f")
    assert [document.id for document in corpus.documents()] == ["long"]
    assert corpus.generation == 1


def test_documents_and_passages_are_found_by_id_and_by_group(corpus):
    corpus.add([LONG, SHORT])
    assert corpus.documents(["short", "none"]) == corpus.documents(groups=["short"]) == [SHORT]
    assert corpus.documents(groups=["g"]) == [LONG]
    assert corpus.documents(["short"], groups=["g"]) == corpus.documents([]) == []
    assert [passage.document for passage in corpus.passages(["short"])] == ["short"]

import pytest
import yaml

from hybrid import library
from hybrid.corpus.builtin import CorpusSpec, builtin_documents, open_corpus
from hybrid.corpus.store import Corpus
from hybrid.errors import UnknownName
from hybrid.records import Document
from hybrid.specs import load_spec

MANIFEST = {"description": "d", "licence": "CC0-1.0", "source": {"kind": "folder", "path": "texts"}}


@pytest.fixture
def builtin(tmp_path, monkeypatch):
    texts = tmp_path / "small" / "texts"
    texts.mkdir(parents=True)
    (texts / "a.md").write_text("# A\n\nText.")
    manifest = texts.parent / "manifest.yaml"
    manifest.write_text(yaml.safe_dump(MANIFEST))
    monkeypatch.setattr(library, "builtin_corpora", lambda: {"small": manifest})
    return texts


def test_a_builtin_is_built_once(builtin, tmp_path):
    said = []
    for _ in range(2):
        with open_corpus("small", home=tmp_path / "home", say=said.append) as corpus:
            assert [(document.id, document.title) for document in corpus.documents()] == [("a.md", "A")]
    assert said == ["Building the corpus small: 1 documents."]


def test_a_builtin_with_other_texts_is_built_again(builtin, tmp_path):
    open_corpus("small", home=tmp_path / "home").close()
    (builtin / "b.md").write_text("B.")
    with open_corpus("small", home=tmp_path / "home") as corpus:
        assert [document.id for document in corpus.documents()] == ["a.md", "b.md"]
    assert [path.name for path in (tmp_path / "home" / "corpora").iterdir()] == ["small"]


def test_an_own_corpus_comes_before_a_builtin(builtin, tmp_path):
    Corpus.create("small", home=tmp_path, documents=[Document("own", "", "Own.")]).close()
    with open_corpus("small", home=tmp_path) as corpus:
        assert [document.id for document in corpus.documents()] == ["own"]


def test_an_unknown_name_lists_both_kinds(builtin, tmp_path):
    Corpus.create("mine", home=tmp_path).close()
    with pytest.raises(UnknownName, match="Available: mine, small"):
        open_corpus("smal", home=tmp_path)


@pytest.mark.parametrize("manifest", library.builtin_corpora().values(), ids=lambda path: path.parent.name)
def test_the_shipped_manifests_give_documents(manifest):
    assert builtin_documents(load_spec(CorpusSpec, manifest), manifest.parent)


def test_the_python_reference_is_what_pydoc_says(tmp_path):
    with open_corpus("python-reference", home=tmp_path) as corpus:
        assert corpus.document("with").title == "The with statement"
        ids = {document.id for document in corpus.documents()}
    assert {"types", "try", "yield"} <= ids
    assert ids.isdisjoint({"compound", "specialnames", "in"})

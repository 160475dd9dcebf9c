import pytest
import yaml

from hybrid import library
from hybrid.corpus.builtin import CorpusSpec, builtin_documents, open_corpus
from hybrid.corpus.store import Corpus
from hybrid.errors import BadInput, BadSpec, UnknownName
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


@pytest.fixture
def second(builtin, monkeypatch):
    """Writes an edition of ``small``, which has the documents a, b and c."""
    for id in "bc":
        (builtin / f"{id}.md").write_text(f"# {id.upper()}\n\nText.")
    manifest = builtin.parent.parent / "second" / "manifest.yaml"
    (manifest.parent / "texts").mkdir(parents=True)
    (manifest.parent / "texts" / "b.md").write_text("# B\n\nOther text.")
    (manifest.parent / "texts" / "d.md").write_text("# D\n\nNew.")
    manifests = library.builtin_corpora() | {"second": manifest}
    monkeypatch.setattr(library, "builtin_corpora", lambda: manifests)

    def write(**source):
        source = {"kind": "edition", "of": "small", "path": "texts"} | source
        manifest.write_text(yaml.safe_dump(MANIFEST | {"source": source}))
        return manifest

    return write


def texts_of(corpus):
    return {document.id: document.text for document in corpus.documents()}


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


def test_an_edition_has_the_documents_of_the_earlier_one_changed_withdrawn_and_new(second, tmp_path):
    second(withdrawn=["c.md"])
    with open_corpus("second", home=tmp_path) as corpus, open_corpus("small", home=tmp_path) as earlier:
        assert texts_of(corpus) == {
            "a.md": "# A\n\nText.",
            "b.md": "# B\n\nOther text.",
            "d.md": "# D\n\nNew.",
        }
        assert set(texts_of(earlier)) == {"a.md", "b.md", "c.md"}
        assert texts_of(earlier)["b.md"] == "# B\n\nText."


def test_without_withdrawals_an_edition_keeps_all(second, tmp_path):
    second()
    with open_corpus("second", home=tmp_path) as corpus:
        assert set(texts_of(corpus)) == {"a.md", "b.md", "c.md", "d.md"}


def test_an_edition_is_built_again_when_the_earlier_one_changed(second, builtin, tmp_path):
    second()
    open_corpus("second", home=tmp_path).close()
    (builtin / "a.md").write_text("# A\n\nCorrected.")
    with open_corpus("second", home=tmp_path) as corpus:
        assert texts_of(corpus)["a.md"] == "# A\n\nCorrected."


@pytest.mark.parametrize(
    ("source", "error", "reason"),
    [
        (
            {"withdrawn": ["b.md", "gone.md"]},
            BadSpec,
            'second/manifest.yaml: withdrawn: small has no document "gone.md"',
        ),
        (
            {"withdrawn": ["a.md", "a.md"]},
            BadSpec,
            'second/manifest.yaml: withdrawn: small has no document "a.md"',
        ),
        ({"withdrawn": ["d.md"]}, BadSpec, 'second/manifest.yaml: withdrawn: small has no document "d.md"'),
        ({"of": "smal"}, UnknownName, 'Unknown corpus "smal".*Did you mean "small"'),
        ({"path": "gone"}, BadInput, "second/gone"),
        ({"withdraw": []}, BadSpec, "withdraw: unknown key"),
    ],
)
def test_an_edition_that_does_not_fit_is_refused(second, tmp_path, source, error, reason):
    second(**source)
    with pytest.raises(error, match=reason):
        open_corpus("second", home=tmp_path)
    assert not Corpus.exists("second", home=tmp_path)


def test_an_own_corpus_comes_before_a_builtin(builtin, tmp_path):
    Corpus.create("small", home=tmp_path, documents=[Document("own", "", "Own.")]).close()
    with open_corpus("small", home=tmp_path) as corpus:
        assert [document.id for document in corpus.documents()] == ["own"]


def test_files_become_a_corpus_named_by_what_they_hold(builtin, tmp_path):
    said = []
    handbook = tmp_path / "Our handbook.v2"
    (handbook / "b").mkdir(parents=True)
    (handbook / "a.md").write_text("Text.")
    (handbook / "b" / "c.txt").write_text("More.")
    names = set()
    for _ in range(2):
        with open_corpus(str(handbook), home=tmp_path / "home", say=said.append) as corpus:
            assert texts_of(corpus) == {"a.md": "Text.", "b/c.txt": "More."}
            assert corpus.name == f"Our-handbook-{corpus.digest[:12]}" and corpus.sealed
            names.add(corpus.name)
    assert len(names) == 1 and said == [f"Building the corpus {names.pop()}: 2 documents."]
    (handbook / "a.md").write_text("Other text.")
    with open_corpus(str(handbook), home=tmp_path / "home") as corpus:
        assert texts_of(corpus)["a.md"] == "Other text."
    assert len(Corpus.names(tmp_path / "home")) == 2


@pytest.mark.parametrize("name", ["手册.md", "..md", "--.md"])
def test_a_file_whose_stem_names_no_corpus_is_read_all_the_same(builtin, tmp_path, name):
    (tmp_path / name).write_text("Text.")
    with open_corpus(str(tmp_path / name), home=tmp_path / "home") as corpus:
        assert texts_of(corpus) == {name: "Text."} and corpus.name.startswith("texts-")


def test_a_file_whose_stem_is_too_long_for_a_corpus_is_read_all_the_same(builtin, tmp_path):
    (tmp_path / f"{'a' * 240}.md").write_text("Text.")
    with open_corpus(str(tmp_path / f"{'a' * 240}.md"), home=tmp_path / "home") as corpus:
        assert corpus.name.startswith("a" * 187 + "-") and len(corpus.name) == 200


def test_a_corpus_comes_before_files_of_its_name(builtin, tmp_path, monkeypatch):
    (tmp_path / "here" / "small").mkdir(parents=True)
    (tmp_path / "here" / "small" / "b.md").write_text("B.")
    monkeypatch.chdir(tmp_path / "here")
    for name, documents in {"small": {"a.md"}, "small@1": {"a.md"}, "./small": {"b.md"}}.items():
        with open_corpus(name, home=tmp_path / "home") as corpus:
            assert set(texts_of(corpus)) == documents


def test_files_that_cannot_be_read_are_named(builtin, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="no documents found"):
        open_corpus(str(tmp_path / "empty"), home=tmp_path / "home")
    with pytest.raises(UnknownName, match="Unknown corpus"):
        open_corpus(str(tmp_path / "gone"), home=tmp_path / "home")


def test_an_unknown_name_lists_both_kinds(builtin, tmp_path):
    Corpus.create("mine", home=tmp_path).close()
    with pytest.raises(UnknownName, match="Available: mine, small"):
        open_corpus("smal", home=tmp_path)


@pytest.mark.parametrize("manifest", library.builtin_corpora().values(), ids=lambda path: path.parent.name)
def test_the_shipped_manifests_give_documents(manifest):
    assert builtin_documents(load_spec(CorpusSpec, manifest), manifest.parent)


def test_the_second_edition_of_marrowick_differs_where_it_says():
    manifests = library.builtin_corpora()
    first, second = (
        {
            document.id: document.text
            for document in builtin_documents(load_spec(CorpusSpec, path), path.parent)
        }
        for path in (manifests["marrowick"], manifests["marrowick-second"])
    )
    written = {path.name for path in (manifests["marrowick-second"].parent / "documents").iterdir()}
    withdrawn = load_spec(CorpusSpec, manifests["marrowick-second"]).source.withdrawn
    assert {id for id in second if second[id] != first.get(id)} == written
    assert first.keys() - second.keys() == set(withdrawn)


def test_the_python_reference_is_what_pydoc_says(tmp_path):
    with open_corpus("python-reference", home=tmp_path) as corpus:
        assert corpus.document("with").title == "The with statement"
        ids = {document.id for document in corpus.documents()}
    assert {"types", "try", "yield"} <= ids
    assert ids.isdisjoint({"compound", "specialnames", "in"})

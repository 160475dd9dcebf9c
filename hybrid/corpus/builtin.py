"""Built-in corpora: ``corpora/NAME/manifest.yaml`` says where their texts come from."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from hybrid import library
from hybrid.corpus import folders, schema
from hybrid.corpus.reading import read_documents
from hybrid.corpus.split import first_heading
from hybrid.corpus.store import Corpus
from hybrid.errors import BadSpec, UnknownName
from hybrid.records import Document
from hybrid.specs import Spec, load_spec


class PydocTopics(Spec):
    """The language reference that comes with Python, as ``help("TOPIC")`` shows it."""

    kind: Literal["pydoc-topics"]
    left_out: tuple[str, ...] = Field((), alias="except", description="topics that only repeat others")


class Folder(Spec):
    """Files beside the manifest."""

    kind: Literal["folder"]
    path: str = "."


class Edition(Spec):
    """Another built-in corpus with some documents changed, some withdrawn and some new."""

    kind: Literal["edition"]
    of: str
    path: str = Field(".", description="the changed and the new documents, beside the manifest")
    withdrawn: tuple[str, ...] = Field((), description="ids of documents that it no longer has")


class CorpusSpec(Spec):
    """A built-in corpus."""

    description: str
    licence: str
    language: str = "en"
    source: Annotated[PydocTopics | Folder | Edition, Field(discriminator="kind")]
    passage_chars: int = Field(400, ge=1, description="greatest length of a passage")
    sha256: str | None = Field(
        None, description="digest of a corpus whose texts lie here, as `corpus show` tells"
    )


def open_corpus(
    name: str, *, home: Path | None = None, say: Callable[[str], None] = lambda _: None
) -> Corpus:
    """Opens a corpus of one's own, or a built-in one, which is built first where that is needed.

    A built-in corpus is needed anew if its texts changed, for example with another version of Python.

    Args:
        name: of the corpus.
        home: the state folder; by default ``hybrid.library.home()``.
        say: gets a line before a corpus is built.

    Raises:
        UnknownName: there is none of that name.
        BadSpec: the manifest does not fit.
    """
    manifests = library.builtin_corpora()
    own = Corpus.open(name, home=home) if Corpus.exists(name, home=home) else None
    if own and not own.sealed:
        return own
    if name not in manifests:
        if own:
            return own
        raise UnknownName("corpus", name, {*manifests, *Corpus.names(home)})
    spec = load_spec(CorpusSpec, manifests[name])
    documents = builtin_documents(spec, manifests[name].parent)
    if own and own.digest == _digest(documents, spec.passage_chars):
        return own
    say(f"Building the corpus {name}: {len(documents)} documents.")
    if own:
        own.close()
    return _build(name, documents, spec.passage_chars, home)


def builtin_documents(spec: CorpusSpec, folder: Path) -> list[Document]:
    """The documents of a built-in corpus; ``folder`` is where its manifest lies."""
    match spec.source:
        case PydocTopics():
            return _pydoc_topics(spec.source.left_out)
        case Folder():
            return read_documents([folder / spec.source.path])
        case Edition():
            return _edition(spec.source, folder)


def _edition(source: Edition, folder: Path) -> list[Document]:
    manifests = library.builtin_corpora()
    if source.of == folder.name:
        raise BadSpec(f"{folder / 'manifest.yaml'}: of: an edition cannot be one of itself.")
    if source.of not in manifests:
        raise UnknownName("corpus", source.of, manifests)
    earlier = builtin_documents(load_spec(CorpusSpec, manifests[source.of]), manifests[source.of].parent)
    documents = {document.id: document for document in earlier}
    for id in source.withdrawn:
        if documents.pop(id, None) is None:
            raise BadSpec(f'{folder / "manifest.yaml"}: withdrawn: {source.of} has no document "{id}".')
    documents |= {document.id: document for document in read_documents([folder / source.path])}
    return list(documents.values())


def _pydoc_topics(left_out: tuple[str, ...]) -> list[Document]:
    # Imported by name because type checkers do not know it: it is data in the shape of a module.
    topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
    return [
        Document(topic, first_heading(text).replace('"', "").replace("*", "") or topic, text)
        for topic, text in sorted(topics.items())
        if topic not in left_out
    ]


def _build(name: str, documents: list[Document], passage_chars: int, home: Path | None) -> Corpus:
    target = folders.corpus_folder(name, home)
    with folders.staged_folder(target) as staged:
        with Corpus.create_in(staged, name, passage_chars=passage_chars) as corpus:
            corpus.add(documents, source="builtin")
            corpus.seal()
        folders.publish({staged: target}, replace=True)
    return Corpus(target)


def _digest(documents: list[Document], passage_chars: int) -> str:
    pairs = ((document.id, schema.document_digest(document)) for document in documents)
    return schema.corpus_digest(pairs, passage_chars)

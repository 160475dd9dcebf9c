"""Corpora by name or path: one's own, and built-in ones, of which ``corpora/NAME/manifest.yaml`` tells."""

import importlib
import re
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

PASSAGE_CHARS = 400


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
    passage_chars: int = Field(PASSAGE_CHARS, ge=1, description="greatest length of a passage")
    sha256: str | None = Field(
        None, description="digest of a corpus whose texts lie here, as `corpus show` tells"
    )


def open_corpus(
    name: str, *, home: Path | None = None, say: Callable[[str], None] = lambda _: None
) -> Corpus:
    """Opens a corpus of one's own, a built-in one, or the texts at a path; what is not there yet is built.

    A built-in corpus is needed anew if its texts changed, for example with another version of Python. Files
    become a corpus named by their stem and the digest of what they hold, ``handbook-3f9a2c71d0e4``, so that
    the same texts are read and embedded once. A corpus of the name comes before a path.

    Args:
        name: of the corpus, or ``NAME@NUMBER`` for one of its generations; or a file or folder of texts.
        home: the state folder; by default ``hybrid.library.home()``.
        say: gets a line before a corpus is built.

    Raises:
        UnknownName: there is none of that name, and no such path.
        BadSpec: the manifest does not fit.
        BadInput: a file cannot be read.
        GenerationGone: the generation was purged.
        CorpusError: there is no such generation.
    """
    if _names_files(name, home):
        return _of_files(Path(name), home, say)
    name, at = folders.name_and_generation(name)
    corpus = _newest(name, home, say)
    if at is None:
        return corpus
    with corpus:
        return corpus.at(at)


def _names_files(name: str, home: Path | None) -> bool:
    known = {*library.builtin_corpora(), *Corpus.names(home)}
    return name.partition("@")[0] not in known and Path(name).exists()


def _of_files(path: Path, home: Path | None, say: Callable[[str], None]) -> Corpus:
    documents = read_documents([path])
    stem = re.sub(r"[^A-Za-z0-9_.]+", "-", path.resolve().stem).strip("-.") or "texts"
    digest = _digest(documents, PASSAGE_CHARS)[:12]
    name = f"{stem[: folders.NAME_LENGTH - len(digest) - 1]}-{digest}"
    return _up_to_date(name, documents, PASSAGE_CHARS, _own(name, home, built=True), home, say)


def _newest(name: str, home: Path | None, say: Callable[[str], None]) -> Corpus:
    manifests = library.builtin_corpora()
    own = _own(name, home, built=name in manifests)
    if own and (name not in manifests or not own.sealed):
        return own
    if name not in manifests:
        raise UnknownName("corpus", name, {*manifests, *Corpus.names(home)})
    spec = load_spec(CorpusSpec, manifests[name])
    documents = builtin_documents(spec, manifests[name].parent)
    return _up_to_date(name, documents, spec.passage_chars, own, home, say)


def _own(name: str, home: Path | None, *, built: bool) -> Corpus | None:
    """The corpus of that name, if there is one; of an older version of the store none that can be built."""
    try:
        return Corpus.open(name, home=home) if Corpus.exists(name, home=home) else None
    except schema.OldStore as exc:
        if not (exc.sealed and built):
            raise
        return None


def _up_to_date(
    name: str,
    documents: list[Document],
    passage_chars: int,
    own: Corpus | None,
    home: Path | None,
    say: Callable[[str], None],
) -> Corpus:
    """The corpus as it is if it holds these documents, else built of them."""
    if own and own.digest == _digest(documents, passage_chars):
        return own
    say(f"Building the corpus {name}: {len(documents)} documents.")
    if own:
        own.close()
    return _build(name, documents, passage_chars, home)


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
    with schema.make_faults(name), folders.staged_folder(target) as staged:
        with Corpus.create_in(staged, name, passage_chars=passage_chars) as corpus:
            corpus.add(documents, source="builtin")
            corpus.seal()
        folders.publish({staged: target}, replace=True)
    return Corpus(target)


def _digest(documents: list[Document], passage_chars: int) -> str:
    pairs = ((document.id, schema.document_digest(document)) for document in documents)
    return schema.corpus_digest(pairs, passage_chars)

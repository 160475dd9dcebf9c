"""What a reader of LlamaIndex gives, as documents."""

import json
from collections.abc import Iterable
from typing import Any, Protocol

from hybrid.records import Document


class LlamaIndexDocument(Protocol):
    """What is needed of ``llama_index.core.Document``, which is not imported here."""

    id_: str
    metadata: dict[str, Any]

    @property
    def text(self) -> str:
        """Its text."""


def from_llama_index(documents: Iterable[LlamaIndexDocument]) -> list[Document]:
    """Documents of any reader of LlamaIndex, those without text left out.

    The title is ``title`` of the metadata, if it is there; other metadata that is not JSON is left out.
    """
    return [_document(document) for document in documents if document.text.strip()]


def _document(document: LlamaIndexDocument) -> Document:
    title = document.metadata.get("title")
    title = title if isinstance(title, str) else ""
    rest = {key: value for key, value in document.metadata.items() if key != "title" and _is_json(value)}
    return Document(document.id_, title, document.text, rest)


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True

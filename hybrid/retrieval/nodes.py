"""Nodes of LlamaIndex as documents of a corpus, and what LlamaIndex' filters say of them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from llama_index.core.schema import BaseNode, MetadataMode
from llama_index.core.vector_stores.types import FilterCondition, MetadataFilter, MetadataFilters
from llama_index.core.vector_stores.utils import (
    build_metadata_filter_fn,
    metadata_dict_to_node,
    node_to_metadata_dict,
)
from numpy.typing import NDArray

from hybrid.errors import CorpusError
from hybrid.records import Document

Vector = NDArray[np.float32]


def document_of(node: BaseNode, embedder: str) -> Document:
    """A node as a document, with all that makes it the same node again.

    Its group is the document that the node was cut from, or the node itself if it was cut from none. The
    digest of its embedding makes a node with another one another document.

    Args:
        node: with an embedding.
        embedder: digest of what made that.
    """
    made = node_to_metadata_dict(node)
    numbers = _numbers(node)
    metadata = {
        "group": node.ref_doc_id or node.node_id,
        "embedder": embedder,
        "length": float(np.linalg.norm(numbers)),
        "embedding": hashlib.sha256(numbers.tobytes()).hexdigest(),
        "_node_content": made["_node_content"],
        "_node_type": made["_node_type"],
    }
    text = str(node.get_content(metadata_mode=MetadataMode.NONE))
    if not text.strip():
        # A node may be nothing but metadata, which then is what was embedded.
        text = str(node.get_content(metadata_mode=MetadataMode.EMBED))
    return Document(node.node_id, "", text, metadata)


def vector_of(node: BaseNode) -> Vector:
    """The embedding of a node at length 1, which makes inner products cosines; zeros stay zeros.

    Raises:
        CorpusError: there is none, or it holds what is no number.
    """
    return unit(_numbers(node))


def node_of(document: Document, vector: Vector | None = None) -> BaseNode:
    """The node that a document was made from; with its embedding if the vector is given.

    Raises:
        CorpusError: the document was no node.
    """
    _content(document)
    node = metadata_dict_to_node(dict(document.metadata))
    if vector is not None:
        node.embedding = (vector * document.metadata["length"]).tolist()
    return node


def embedder_of(document: Document) -> str:
    """The digest of what made a node's embedding.

    Raises:
        CorpusError: the document was no node.
    """
    _content(document)
    return str(document.metadata["embedder"])


def predicate(filters: MetadataFilters | None) -> Callable[[Document], bool]:
    """Whether the node of a document passes LlamaIndex' filters, which may stand within each other."""
    passes = _passes(filters) if filters else None
    return lambda document: passes is None or passes(_metadata(document))


def unit(numbers: NDArray[np.float64]) -> Vector:
    """A vector at length 1; zeros stay zeros."""
    return np.asarray(numbers / (np.linalg.norm(numbers) or 1.0), dtype=np.float32)


def _numbers(node: BaseNode) -> NDArray[np.float64]:
    if not node.embedding:
        raise CorpusError(f'Node "{node.node_id}" has no embedding; embed it before it is added.')
    numbers = np.asarray(node.embedding, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise CorpusError(f'The embedding of node "{node.node_id}" holds what is no number; embed it again.')
    return numbers


def _content(document: Document) -> str:
    if "_node_content" not in document.metadata:
        raise CorpusError(
            f'Document "{document.id}" was not added as a node of LlamaIndex; remove it from the corpus.'
        )
    return str(document.metadata["_node_content"])


def _metadata(document: Document) -> dict[str, Any]:
    """What is filtered by: the node's metadata, and under three names the document it was cut from."""
    content = json.loads(_content(document))
    source = document.metadata["group"]
    return {**content["metadata"], "document_id": source, "doc_id": source, "ref_doc_id": source}


def _passes(filters: MetadataFilters) -> Callable[[Mapping[str, Any]], bool]:
    tests = [_passes(each) if isinstance(each, MetadataFilters) else _test(each) for each in filters.filters]
    match filters.condition or FilterCondition.AND:
        case _ if not tests:
            return lambda metadata: True
        case FilterCondition.AND:
            return lambda metadata: all(test(metadata) for test in tests)
        case FilterCondition.OR:
            return lambda metadata: any(test(metadata) for test in tests)
        case _:
            return lambda metadata: not any(test(metadata) for test in tests)


def _test(one: MetadataFilter) -> Callable[[Mapping[str, Any]], bool]:
    # LlamaIndex looks the metadata up by an id; here they are handed over instead.
    test: Callable[[Any], bool] = build_metadata_filter_fn(
        lambda metadata: metadata, MetadataFilters(filters=[one])
    )
    return test

"""The retriever as LlamaIndex sees it."""

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from hybrid.records import Hit
from hybrid.retrieval.retriever import Retriever


class LlamaIndexRetriever(BaseRetriever):
    """Gives :class:`~hybrid.retrieval.retriever.Retriever`'s passages as nodes.

    A node's id is the passage id; document, offsets, title and locator are in its metadata.
    """

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_node(hit) for hit in self._retriever.retrieve(query_bundle.query_str)]


def _node(hit: Hit) -> NodeWithScore:
    passage = hit.passage
    metadata = {
        "passage": passage.id,
        "document": passage.document,
        "title": passage.title,
        "locator": passage.locator,
        "start": passage.start,
        "end": passage.end,
    }
    node = TextNode(
        id_=str(passage.id),
        text=passage.text,
        metadata=metadata,
        excluded_embed_metadata_keys=list(metadata),
        excluded_llm_metadata_keys=list(metadata),
    )
    return NodeWithScore(node=node, score=hit.score)

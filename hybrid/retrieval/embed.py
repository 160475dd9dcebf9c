"""From texts to unit vectors."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hybrid import models
from hybrid.errors import BadSpec

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Anything that turns texts into unit vectors.

    ``digest`` names the vectors: two embedders with the same digest give the same vectors.
    """

    digest: str
    dimension: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape [len(texts), dimension], float32."""
        ...


class SentenceEmbedder:
    """A sentence-transformers model. It sorts by length within a call, so pass many texts at once."""

    def __init__(self, weights: models.Weights, device: str | None = None) -> None:
        from sentence_transformers import SentenceTransformer

        self._model: Any = SentenceTransformer(str(weights.path), device=device, local_files_only=True)
        self.digest = weights.digest
        self.dimension = int(self._model.get_embedding_dimension())

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape [len(texts), dimension], float32."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        vectors = self._model.encode(
            list(texts),
            batch_size=32,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, dtype=np.float32)


class HashingEmbedder:
    """Counts of hashed words: no model, the same vectors everywhere. For tests and smoke runs."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.digest = f"hashing-{dimension}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape [len(texts), dimension], float32; a text without words is the zero vector."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.casefold()):
                bucket = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")
                vectors[row, bucket % self.dimension] += 1
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)


def load_embedder(name: str, *, device: str | None = None, say: models.Say = lambda _: None) -> Embedder:
    """The embedder of a name: ``hashing:DIM``, or anything :func:`hybrid.models.locate` finds.

    Raises:
        BadSpec: ``hashing:`` without a whole number.
        ModelMissing: the weights are not on this machine.
    """
    kind, _, rest = name.partition(":")
    if kind != "hashing":
        return SentenceEmbedder(models.locate(name, say), device)
    if not rest.isdecimal() or int(rest) == 0:
        raise BadSpec(f'retrieval.embedder: "{name}" needs a dimension, for example hashing:256.')
    return HashingEmbedder(int(rest))

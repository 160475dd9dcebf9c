import numpy as np
import pytest

from hybrid.errors import BadSpec, ModelMissing
from hybrid.retrieval.embed import HashingEmbedder, load_embedder


def test_vectors_have_length_one():
    vectors = HashingEmbedder(16).encode(["one two", "one one one", "ÉTÉ 猫"])
    assert (vectors.shape, vectors.dtype) == ((3, 16), np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1])


def test_a_text_without_words_and_no_texts_are_no_fault():
    assert not HashingEmbedder(4).encode(["…"]).any()
    assert HashingEmbedder(4).encode([]).shape == (0, 4)


def test_words_count_whatever_their_case_and_order():
    one, other, far = HashingEmbedder(256).encode(["The fig tree", "TREE, fig: the", "quite another text"])
    assert one == pytest.approx(other)
    assert one @ far < 0.5


def test_embedders_of_other_dimensions_have_other_digests():
    assert load_embedder("hashing:64").digest == HashingEmbedder(64).digest != HashingEmbedder(65).digest


@pytest.mark.parametrize(
    "name", ["hashing:", "hashing:0", "hashing:many", "hashing:-3", "hashing", "hashing:²"]
)
def test_a_hashing_embedder_needs_a_dimension(name):
    with pytest.raises(BadSpec, match=f'retrieval.embedder: "{name}" needs a dimension'):
        load_embedder(name)


def test_an_embedder_that_is_not_here_names_the_command_that_brings_it():
    with pytest.raises(ModelMissing, match="hybrid models pull nobody/nothing"):
        load_embedder("nobody/nothing")


@pytest.mark.slow
def test_the_bundled_embedder_tells_near_from_far():
    embedder = load_embedder("bundled:all-minilm-l6-v2", device="cpu")
    question, near, far = embedder.encode(["How old is she?", "Her age is 30.", "The pump needs oil."])
    assert np.linalg.norm([question, near, far], axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert (len(near), question @ near > question @ far + 0.2) == (embedder.dimension, True)
    assert embedder.encode([]).shape == (0, embedder.dimension)

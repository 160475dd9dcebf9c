"""What many tests share: a state folder of their own, a tiny model, and a small corpus."""

import pytest

from hybrid import models
from hybrid.adapters import open_adapter
from hybrid.corpus.store import Corpus
from hybrid.records import Document
from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import GenerationSpec
from hybrid.testing import build_tiny_model
from hybrid.testing_server import serve_tiny

FRUIT = ("Apple", "Banana", "Cherry", "Damson", "Elderberry", "Fig", "Grape", "Hazelnut")


@pytest.fixture(autouse=True)
def state_folder(tmp_path, monkeypatch):
    folder = tmp_path / "state"
    monkeypatch.setenv("HYBRID_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    build_tiny_model(folder)
    return models.locate(str(folder))


@pytest.fixture(scope="session")
def tiny_generator(tiny_weights):
    """The tiny model without an adapter. Tests that change a generator make their own."""
    from hybrid.generation.generator import Generator

    return Generator(tiny_weights, GenerationSpec(max_new_tokens=8))


@pytest.fixture(scope="session")
def tiny_adapter(tiny_weights, tmp_path_factory):
    """An adapter with random weights that change what the tiny model says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapter")
    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = AutoModelForCausalLM.from_pretrained(tiny_weights.path, use_safetensors=True)
        get_peft_model(model, config).save_pretrained(folder)
    return open_adapter(folder)


@pytest.fixture(scope="session")
def running_server(tiny_weights, tiny_adapter):
    with serve_tiny(tiny_weights.path, adapters={"tuned": tiny_adapter.path}) as server:
        yield server


@pytest.fixture
def tiny_server(running_server, monkeypatch):
    """The tiny model on loopback, and its adapter as the model ``tuned``; nothing was asked yet."""
    monkeypatch.setattr("hybrid.endpoint.FIRST_WAIT", 0.001)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    running_server.faults.clear()
    running_server.requests.clear()
    running_server.keys.clear()
    running_server.takes_ids, running_server.slow_seconds = True, 1.0
    return running_server


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory):
    """The bundled generator, converted once for all slow tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYBRID_HOME", str(tmp_path_factory.mktemp("bundled")))
        return models.locate("bundled:smollm2-135m-instruct-q4_1")


@pytest.fixture
def small_corpus(state_folder):
    """Eight documents of two passages: ``fig.md`` tells the colour, then the price of the fig."""
    text = "The {0} is of colour number {1}.\n\n# Price\n\nOne {0} costs 1{1} cents."
    documents = [
        Document(f"{name.lower()}.md", name, text.format(name.lower(), row)) for row, name in enumerate(FRUIT)
    ]
    with Corpus.create("fruit", documents=documents, passage_chars=60) as corpus:
        yield corpus


@pytest.fixture
def small_retriever(small_corpus):
    return Retriever(small_corpus, HashingEmbedder(64), 3)

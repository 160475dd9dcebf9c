import pytest

from hybrid import models, testing
from hybrid.errors import BadInput, ModelMissing, UnknownName

SMOLLM2 = "bundled:smollm2-135m-instruct-q4_1"
MINILM = "bundled:all-minilm-l6-v2"


@pytest.fixture
def carrier(tmp_path, monkeypatch):
    """A package that carries a model file, and a bundled model that is expected in it."""
    package = tmp_path / "carrier_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('importing it fails')")
    (package / "model.safetensors").write_bytes(b"weights")
    monkeypatch.syspath_prepend(tmp_path)

    def expect(sha256, file="model.safetensors"):
        model = models.BundledModel("embedder", "carrier==1", package.name, file, sha256, "MIT", "a note")
        monkeypatch.setitem(models.BUNDLED, "bundled:carried", model)
        return package

    return expect


def digest(text):
    import hashlib

    return hashlib.sha256(text).hexdigest()


def test_a_bundled_model_is_read_where_its_wheel_put_it(carrier):
    package = carrier(digest(b"weights"))
    expected = models.Weights("bundled:carried", package, digest(b"weights"), "a note")
    assert models.locate("bundled:carried") == expected
    assert models.is_here("bundled:carried")


def test_a_bundled_model_with_other_bytes_is_refused(carrier):
    carrier("0" * 64)
    with pytest.raises(
        BadInput, match=rf"model\.safetensors: SHA-256 is {digest(b'weights')[:12]}…, expected 0"
    ):
        models.locate("bundled:carried")


def test_the_digest_is_checked_before_a_conversion(carrier, monkeypatch):
    carrier("0" * 64)
    wrong = models.BundledModel(
        "generator", "carrier==1", "carrier_package", "model.safetensors", "0" * 64, "", ""
    )
    monkeypatch.setitem(models.BUNDLED, "bundled:carried", wrong)
    monkeypatch.setattr(models, "_convert_gguf", lambda *_: pytest.fail("converted"))
    with pytest.raises(BadInput, match="SHA-256"):
        models.locate("bundled:carried")


@pytest.mark.parametrize("missing", ["file", "package"])
def test_a_missing_wheel_names_the_command_that_brings_it(carrier, monkeypatch, missing):
    package = carrier("0" * 64, file="gone" if missing == "file" else "model.safetensors")
    if missing == "package":
        package.rename(package.with_name("elsewhere"))
    with pytest.raises(ModelMissing, match="Bring it with: hybrid models pull bundled:carried$"):
        models.locate("bundled:carried")
    assert not models.is_here("bundled:carried")


@pytest.mark.parametrize("ask", [models.locate, models.is_here, lambda name: models.pull(name, print)])
def test_an_unknown_bundled_name_is_named_with_a_hint(ask):
    with pytest.raises(UnknownName, match=f'Did you mean "{MINILM}"'):
        ask("bundled:all-minilm-l6-v3")


@pytest.mark.parametrize("files", [[], ["config.json"], ["model.safetensors"], ["config.json", "model.bin"]])
def test_a_folder_without_safetensors_and_config_is_refused(tmp_path, files):
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(BadInput, match=r"no config\.json with \*\.safetensors here"):
        models.locate(str(tmp_path))


def test_a_folder_is_named_by_its_weights(tmp_path):
    (tmp_path / "config.json").touch()
    (tmp_path / "a.safetensors").write_bytes(b"1")
    before = models.locate(str(tmp_path))
    (tmp_path / "a.safetensors").write_bytes(b"2")
    assert before.path == tmp_path
    assert models.locate(str(tmp_path)).digest != before.digest


@pytest.mark.parametrize("name", ["nobody/nothing", "nothing", "no/such/thing", "a b"])
def test_a_hub_model_that_is_not_here_names_the_command_that_brings_it(name):
    with pytest.raises(ModelMissing, match=f"Bring it with: hybrid models pull {name}$"):
        models.locate(name)


def test_the_tiny_model_is_the_same_everywhere(tmp_path, tiny_weights):
    testing.build_tiny_model(tmp_path)
    assert models.locate(str(tmp_path)).digest == tiny_weights.digest


def test_the_tiny_model_is_made_once(state_folder, tiny_weights):
    said = []
    first = models.locate(models.TINY, said.append)
    assert models.locate(models.TINY, said.append) == first
    assert len(said) == 1
    assert (first.path.parent, first.digest) == (state_folder / "models", tiny_weights.digest)


def test_a_half_made_model_is_made_again(state_folder, tiny_weights):
    half = models.locate(models.TINY).path
    (half / "COMPLETE").unlink()
    (half / "model.safetensors").write_bytes(b"half")
    assert models.locate(models.TINY).digest == tiny_weights.digest


def test_a_model_whose_weights_were_damaged_is_made_again(tiny_weights):
    made = models.locate(models.TINY).path
    (made / "model.safetensors").write_bytes(b"damaged")
    assert models.locate(models.TINY).digest == tiny_weights.digest


def test_a_failed_making_leaves_nothing(state_folder, monkeypatch):
    def fail(folder):
        (folder / "config.json").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(testing, "build_tiny_model", fail)
    with pytest.raises(KeyboardInterrupt):
        models.locate(models.TINY)
    assert list((state_folder / "models").iterdir()) == []


@pytest.mark.slow
def test_the_bundled_embedder_is_the_one_expected():
    assert models.locate(MINILM).digest == models.BUNDLED[MINILM].sha256


@pytest.mark.slow
def test_the_converted_copy_gives_the_logits_of_the_original(smollm2):
    import torch
    from transformers import AutoModelForCausalLM

    bundled = models.BUNDLED[SMOLLM2]
    file = models._package_file(bundled)
    ids = torch.tensor([[1, 4093, 198, 1780, 314, 260, 3575, 282, 4649, 47, 2, 198]])
    with torch.inference_mode():
        copy = AutoModelForCausalLM.from_pretrained(smollm2.path)(ids).logits
        original = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
        difference = (copy - original(ids).logits).abs().max()
    assert float(difference) < 1e-4
    assert copy.std() > 1

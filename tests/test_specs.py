import pytest

from hybrid.corpus.builtin import CorpusSpec
from hybrid.errors import BadInput, BadSpec
from hybrid.specs import PipelineSpec, SuiteSpec, load_spec


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return path

    return write


def fault(schema, path, *overrides):
    with pytest.raises(BadSpec) as caught:
        load_spec(schema, path, overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_a_file_leaves_out_has_its_default(write):
    spec = load_spec(PipelineSpec, write("suite: s\nretrieval: {k: 5}"))
    assert spec == PipelineSpec(suite="s", retrieval={"k": 5})
    assert spec.tuning.rows == PipelineSpec(suite="s").tuning.rows


def test_an_unknown_key_is_one_line_with_the_known_keys(write):
    path = write("suite: s\nmodle: x")
    assert fault(PipelineSpec, path) == (
        f"{path}: modle: unknown key. Known here: adapter, authority, description, forgetting, generation, "
        "inputs, model, references, retrieval, suite, tuning."
    )


def test_the_known_keys_are_those_of_the_place(write):
    path = write("suite: s\ntuning: {lora: {rnak: 8}}")
    assert fault(PipelineSpec, path).endswith(
        "tuning.lora.rnak: unknown key. Known here: alpha, dropout, rank."
    )


def test_an_unknown_key_where_a_kind_decides_the_known_ones_is_one_line(write):
    text = "description: d\nlicence: l\nsource: {kind: folder, pfad: x}"
    assert fault(CorpusSpec, write(text)).endswith("pfad: unknown key.")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("suite: s\nretrieval: {k: 0}", "retrieval.k: Input should be greater than or equal to 1 (got 0)."),
        ("suite: s\nretrieval: {k: many}", "retrieval.k: Input should be a valid integer"),
        ("suite: s\ntuning: 3", "tuning: Input should be a valid dictionary"),
        ("model: m", "suite: Field required"),
        ("- a", "expected a mapping of keys, got list."),
        ("", "expected a mapping of keys, got NoneType."),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_place(write, text, reason):
    assert reason in fault(PipelineSpec, write(text))


@pytest.mark.parametrize("text", ["a: [", "a: *b", "\x00"])
def test_a_file_that_is_no_yaml_is_one_line(write, text):
    with pytest.raises(BadInput, match=r"mine\.yaml: [^\n]+$"):
        load_spec(PipelineSpec, write(text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"gone\.yaml: .*No such file"):
        load_spec(SuiteSpec, tmp_path / "gone.yaml")


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("tuning.rows=900", 900),
        ("tuning.learning_rate=1e-5", 1e-5),
        ("tuning.max_steps=null", None),
        ("tuning.lora.rank = 8", 8),
        ("references.examples=[1, 2]", (1, 2)),
        ("references.few_shot=no", False),
        ("model=a=b", "a=b"),
    ],
)
def test_an_override_is_typed_by_the_schema(write, override, value):
    path = write("suite: s\ntuning: {max_steps: 4}")
    found = load_spec(PipelineSpec, path, [override])
    for key in override.partition("=")[0].strip().split("."):
        found = getattr(found, key)
    assert found == value


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("tuning.rows", "is not KEY=VALUE"),
        ("=3", "is not KEY=VALUE"),
        ("suite=", "suite: Input should be a valid string (got None)."),
        ("tuning.rows=few", "tuning.rows: Input should be a valid integer"),
        ("tuning.rwos=3", "tuning.rwos: unknown key. Known here: absent, batch_tokens, "),
        ("suite.name=x", "suite is a value, not a group of keys."),
        ("tuning.rows=[1", "tuning.rows=[1"),
        ("model=*x", "model=*x"),
    ],
)
def test_an_override_that_does_not_fit_is_one_line(write, override, reason):
    assert reason in fault(PipelineSpec, write("suite: s"), override)


def pipeline(method="lora", **generation):
    return PipelineSpec.model_validate(
        {"suite": "s", "tuning": {"method": method}, "generation": generation}
    ).generation


def test_all_cells_have_the_precision_of_the_training():
    plain, qlora, full = pipeline(), pipeline("qlora"), pipeline("full")
    assert (plain.quantization, qlora.quantization, full.quantization) == ("none", "nf4", "none")
    assert (plain.dtype, qlora.dtype, full.dtype) == ("auto", "auto", "float32")
    assert pipeline("full", dtype="bfloat16").dtype == "bfloat16"
    assert pipeline("qlora", max_new_tokens=9) == pipeline(quantization="nf4", max_new_tokens=9)
    assert PipelineSpec(suite="s", tuning={"method": "qlora"}).generation.quantization == "nf4"


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (
            ["tuning.method=qlora", "generation.quantization=none"],
            "tuning.method: qlora learns on a base in 4 bits, so leave out generation.quantization: none.",
        ),
        (
            ["tuning.method=full", "generation.quantization=nf4"],
            "tuning.method: full cannot learn weights in 4 bits; leave out generation.quantization: nf4, or "
            "tune with lora or qlora.",
        ),
        (
            ["tuning.distractors.same_document=0.8"],
            "tuning.distractors: the shares add up to more than 1.",
        ),
    ],
)
def test_keys_that_contradict_each_other_are_one_line(write, overrides, reason):
    path = write("suite: s")
    assert fault(PipelineSpec, path, *overrides) == f"{path}: {reason}"

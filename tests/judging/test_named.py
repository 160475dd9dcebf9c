import pytest

from hybrid.errors import BadInput, BadSpec, HybridError, ModelMissing, UnknownName
from hybrid.judging.named import check_judge, open_judge
from hybrid.judging.overlap import OverlapJudge


def test_the_judge_without_a_model():
    check_judge("overlap")
    assert open_judge("overlap") == OverlapJudge()


@pytest.mark.parametrize(
    "name", ["", "gpt", "overlap:", "overlap:x", "classifier", "classifier:", "likelihood:"]
)
def test_an_unknown_name_tells_the_known_ones(name):
    with pytest.raises(UnknownName, match=r"classifier:MODEL, endpoint:MODEL@URL, grounding, .*overlap"):
        check_judge(name)


@pytest.mark.parametrize("name", ["endpoint:", "endpoint:m", "endpoint:@http://127.0.0.1/v1"])
def test_an_address_needs_model_and_url(name):
    with pytest.raises(BadSpec, match="MODEL@URL"):
        check_judge(name)


def test_a_name_is_checked_without_opening_anything():
    check_judge("classifier:/no/such/folder")
    check_judge("likelihood:no/such-model")
    with pytest.raises(ModelMissing, match="hybrid models pull /no/such/folder"):
        open_judge("classifier:/no/such/folder")


def test_statements_are_not_sent_in_the_clear():
    with pytest.raises(HybridError, match="in the clear"):
        check_judge("endpoint:m@http://example.com/v1")


def test_only_safetensors_are_read(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(BadInput, match="other weight formats are not read"):
        open_judge(f"classifier:{tmp_path}")

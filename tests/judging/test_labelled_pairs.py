import gzip
import json

import pytest

from hybrid.errors import BadInput
from hybrid.judging.pairs import LabelledPair, held_out, read_pairs, without


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_file_of_pairs_is_read_with_each_form_of_label_and_evidence(tmp_path):
    labels = ["supported", "not_supported", 1, 0, True, False, "maybe", None]
    rows = [{"claim": "c", "evidence": ["e", "f"], "label": label} for label in labels]
    found = read_pairs(write(tmp_path / "pairs.jsonl", *rows, {"claim": "c", "evidence": "e", "label": 1}))
    assert [pair.supported for pair in found] == [True, False] * 3 + [None, None, True]
    assert [found[0].text, found[-1].text] == ["e\nf", "e"]


def test_gz_is_read_as_it_is(tmp_path):
    path = tmp_path / "pairs.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"claim": "c", "evidence": "e", "label": 1}\n'))
    assert len(read_pairs(path)) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON"),
        ("[]", 'text "claim"'),
        ('{"claim": 3, "evidence": "e"}', 'text "claim"'),
        ('{"claim": "c"}', '"evidence"'),
        ('{"claim": "c", "evidence": [1]}', '"evidence"'),
    ],
)
def test_a_bad_row_is_named_with_its_place(tmp_path, line, reason):
    path = tmp_path / "pairs.jsonl"
    path.write_text(f'{{"claim": "c", "evidence": "e", "label": 1}}\n{line}\n')
    with pytest.raises(BadInput, match=reason) as caught:
        read_pairs(path)
    assert f"{path}:2" in str(caught.value)


def test_an_empty_or_missing_file_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no rows"):
        read_pairs(write(tmp_path / "empty.jsonl"))
    with pytest.raises(BadInput, match="No such file"):
        read_pairs(tmp_path / "nowhere.jsonl")


def test_pairs_that_share_a_claim_or_evidence_with_the_validation_are_dropped():
    forbidden = held_out(
        [LabelledPair("The Fig is blue.", ("It costs ten cents.", "Second part here."), True)]
    )
    kept = LabelledPair("Another claim altogether.", ("Other evidence stands here.",), True)
    dropped = [
        LabelledPair("the fig is BLUE", ("Other evidence stands here.",), False),
        LabelledPair("Some new claim here.", ("it costs: ten cents", "and more"), True),
        LabelledPair("Some new claim here.", ("It costs ten cents.\nSecond part here.",), True),
    ]
    assert without([kept, *dropped], forbidden) == [kept]

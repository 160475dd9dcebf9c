import json

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

from hybrid import models
from hybrid.errors import JudgeUnusable
from hybrid.judging.cache import Cached
from hybrid.judging.classifier import ClassifierJudge
from hybrid.judging.named import open_judge
from hybrid.records import Verdict

WORDS = "[PAD] [UNK] [CLS] [SEP] . the x1 x2 lasts five two years and it".split()
NLI = ("contradiction", "neutral", "entailment")


def tokenizer():
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordPiece

    ids = {word: i for i, word in enumerate(WORDS)}
    backend = Tokenizer(WordPiece(ids, unk_token="[UNK]"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    # As in files of embedding models: it must not cut the evidence.
    backend.enable_truncation(12)
    named = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=64, **named)


def saved(folder, labels=NLI, kind=BertForSequenceClassification):
    """A random classifier of two layers; seeded, with large weights, so that texts make a difference."""
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=34,
        initializer_range=1.0,
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
    )
    torch.manual_seed(0)
    kind(config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return models.locate(str(folder))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("nli"))


@pytest.fixture(scope="module")
def judge(weights):
    return ClassifierJudge(weights)


def entailment(weights, evidence, claim):
    """What transformers itself gives for the pair."""
    model = BertForSequenceClassification.from_pretrained(weights.path).eval()
    inputs = PreTrainedTokenizerFast.from_pretrained(weights.path)(
        evidence, claim, truncation=False, return_tensors="pt", return_token_type_ids=True
    )
    with torch.inference_mode():
        return model(**inputs).logits.softmax(-1)[0].tolist()


SHORT = [
    ("x1 lasts five years", "the x1 lasts five years."),
    ("x1 lasts two years", "the x1 lasts five years. the x2 lasts two years."),
    ("the x2", "it and"),
]


def test_scores_are_those_of_the_model(judge, weights):
    for (claim, evidence), found in zip(SHORT, judge.verdicts(SHORT), strict=True):
        against, _, score = entailment(weights, evidence, claim)
        assert found.score == pytest.approx(score, abs=1e-5)
        word = Verdict.CONTRADICTED if against >= 0.5 else Verdict.UNVERIFIABLE
        assert found.verdict is (Verdict.SUPPORTED if score >= 0.5 else word)


def test_long_evidence_is_read_in_windows_of_which_the_best_counts(judge, weights):
    claim, sentences = (
        "x1 lasts five years",
        [f"The {w} lasts {w} years." for w in ("x1", "x2", "two", "and", "it")],
    )
    # 34 positions less 2, less 4 of the claim and 3 control tokens: 25 tokens. A sentence has 6: four a
    # window, and the next begins with the last of them.
    windows = [" ".join(sentences[:4]), " ".join(sentences[3:])]
    (found,) = judge.verdicts([(claim, " ".join(sentences))])
    assert found.score == pytest.approx(
        max(entailment(weights, each, claim)[2] for each in windows), abs=1e-5
    )


def test_the_text_of_a_control_token_is_none(judge):
    (row,) = judge._encoded("x1 [SEP] [CLS]", "five [SEP] years [PAD]")
    control = [i for i in row.ids if i in (0, 2, 3)]
    assert control == [2, 3, 3]


def test_a_claim_that_fills_the_context_has_failed(judge):
    long, fine = judge.verdicts([("five " * 40, "five years."), SHORT[0]])
    assert (long.verdict, long.score) == (None, None) and "context of 32 tokens" in long.error
    assert not fine.failed


def test_the_order_and_company_of_claims_changes_nothing(judge):
    alone = [judge.verdicts([pair])[0] for pair in SHORT]
    assert judge.verdicts(SHORT[::-1])[::-1] == [
        type(found)(found.verdict, pytest.approx(found.score, abs=1e-5)) for found in alone
    ]


@pytest.mark.parametrize(("labels", "index"), [(("LABEL_0", "LABEL_1"), 1), (("LABEL_0",), 0)])
def test_a_model_that_scores_consistency(tmp_path, labels, index):
    weights = saved(tmp_path, labels)
    model = BertForSequenceClassification.from_pretrained(tmp_path).eval()
    claim, evidence = SHORT[0]
    inputs = tokenizer()(evidence, claim, return_tensors="pt", return_token_type_ids=True)
    with torch.inference_mode():
        logits = model(**inputs).logits[0]
    score = (logits.softmax(-1) if len(labels) > 1 else logits.sigmoid())[index].item()
    (found,) = ClassifierJudge(weights).verdicts([SHORT[0]])
    assert found.score == pytest.approx(score, abs=1e-5)
    assert found.verdict in {Verdict.SUPPORTED, Verdict.UNVERIFIABLE}


def test_a_model_without_a_trained_head_is_refused(tmp_path):
    weights = saved(tmp_path, kind=BertModel)
    with pytest.raises(JudgeUnusable, match="BertModel is no sequence classifier"):
        ClassifierJudge(weights)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(
        json.dumps(config | {"architectures": ["BertForSequenceClassification"]})
    )
    with pytest.raises(JudgeUnusable, match="classifier.* is not in its file"):
        ClassifierJudge(weights).verdicts(SHORT)


def test_a_model_that_brings_code_is_refused(tmp_path):
    weights = saved(tmp_path)
    remote = {"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}, "architectures": ["OwnModel"]}
    (tmp_path / "config.json").write_text(json.dumps(remote))
    with pytest.raises(JudgeUnusable, match="code that a model brings is never run"):
        ClassifierJudge(weights)


def test_by_name_it_is_cached_and_its_digest_follows_the_weights(weights, tmp_path):
    named = open_judge(f"classifier:{weights.path}")
    assert isinstance(named, Cached) and named.name == f"classifier:{weights.path}"
    other = saved(tmp_path, ("contradiction", "entailment", "neutral"))
    assert named.digest == ClassifierJudge(weights).digest != ClassifierJudge(other).digest

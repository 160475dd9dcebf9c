"""Writes the pairs on which the grounding judge learns and is validated, from public sets.

    python benchmarks/judge_data.py --data ../shared/data --out build/judge

``validation/*.jsonl`` is never learned from; ``training/*.jsonl`` holds the rest. Every set is described,
with its licence, in the model card (``hybrid/weights/grounding/README.md``).
"""

import argparse
import csv
import gzip
import json
import random
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from hybrid.judging.overlap import content_words
from hybrid.judging.pairs import LabelledPair
from hybrid.judging.statements import question_claim, sentences
from hybrid.records import Question
from hybrid.suites import Suite, load_suite

Pairs = Iterator[LabelledPair]
BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "``": '"', "''": '"'}


def main() -> None:
    """Writes both folders."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("build/judge"))
    options = parser.parse_args()
    if not (options.data / "fever_dev_pairs").is_dir():
        parser.error(f"{options.data} holds no fever_dev_pairs: name the folder of public sets with --data.")
    for folder, sets in {"validation": VALIDATION, "training": TRAINING}.items():
        (options.out / folder).mkdir(parents=True, exist_ok=True)
        for name, make in sets.items():
            rows = list(make(options.data))
            path = options.out / folder / f"{name}.jsonl"
            path.write_text("".join(json.dumps(row.to_json()) + "\n" for row in rows), encoding="utf-8")
            print(f"{path}: {len(rows)} pairs, {sum(bool(row.supported) for row in rows)} supported")


def fever(data: Path) -> Pairs:
    """FEVER dev pairs; the evidence in sentences."""
    for row in lines(data / "fever_dev_pairs/pairs.jsonl.gz"):
        evidence = tuple(sentences(untokenised(row["evidence"])))
        yield LabelledPair(
            untokenised(row["claim"]), evidence, row["label"] == "supported", "fever", row["evidence"][:60]
        )


def symmetric(part: str, data: Path) -> Pairs:
    """FEVER Symmetric: each claim with evidence for it and against it."""
    for row in lines(data / f"fever_symmetric/symmetric_v0.2_{part}.jsonl.gz"):
        claim, evidence = untokenised(row["claim"]), untokenised(row["evidence"])
        yield LabelledPair(claim, (evidence,), row["label"] == "SUPPORTS", "symmetric", str(row["id"]))


def begin(names: list[str], data: Path) -> Pairs:
    """BEGIN: is a reply fully attributable to the knowledge that it was given?"""
    for name in names:
        with gzip.open(data / f"begin/{name}.tsv.gz", "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield LabelledPair(
                    row["response"],
                    (row["knowledge"],),
                    row["begin_label"] == "Fully attributable",
                    name,
                    row["knowledge"][:60],
                )


def wice(data: Path) -> Pairs:
    """WiCE: sentences of Wikipedia by chunks of the pages that they cite; in part is not supported."""
    for row in lines(data / "wice/oracle_chunks_claim_dev.jsonl.gz"):
        yield LabelledPair(
            row["claim"], tuple(row["evidence"]), row["label"] == "supported", "wice", row["meta"]["id"]
        )


def halueval(training: bool, data: Path) -> Pairs:
    """HaluEval QA: the right answer and two plausible wrong ones; 350 questions to learn, 150 to validate."""
    rows = lines(data / "halueval_qa/qa_sample.jsonl.gz")
    order = [row["id"] for row in rows]
    rng = random.Random(0)
    rng.shuffle(order)
    chosen = set(order[:350] if training else order[350:])
    for row in rows:
        if row["id"] not in chosen:
            continue
        answers = dict.fromkeys([row["hallucinated_one_turn"], row["hallucinated_multi_turn"]], False)
        for answer, supported in {**answers, row["right_answer"]: True}.items():
            forms = asked(row["question"], answer)
            for claim in rng.sample(forms, 2) if training else forms[:1]:
                yield LabelledPair(claim, (row["knowledge"].strip(),), supported, "halueval", row["id"])


def wrong_entity(data: Path) -> Pairs:
    """Right value, wrong entity: answers of built-in suites by the passage of the question most alike."""
    for name in ("marrowick", "python-reference"):
        suite = load_suite(name)
        asked_of = [each for each in suite.questions if each.answerable and each.answers and not each.history]
        texts = {each.id: passages(suite, each) for each in asked_of}
        for question in asked_of:
            other = most_alike(question, asked_of)
            own, far = question.answers[0], other.answers[0]
            if overlapping(own, far) or not texts[question.id] or texts[question.id] == texts[other.id]:
                continue
            both = texts[question.id] + texts[other.id]
            claim, wrong = question_claim(question.text, own), question_claim(question.text, far)
            for said, evidence, supported in (
                (claim, texts[question.id], True),
                (claim, both, True),
                (wrong, texts[other.id], False),
                (wrong, both, False),
            ):
                yield LabelledPair(said, evidence, supported, "wrong-entity", question.id)


def passages(suite: Suite, question: Question) -> tuple[str, ...]:
    """Title and text of the passages that hold a question's gold."""
    found = [passage for gold in question.gold or () for passage in suite.corpus.holding(gold)]
    return tuple(part for passage in found for part in (passage.title, passage.text))


def most_alike(question: Question, others: list[Question]) -> Question:
    """The other question that shares most words, of another document if that is as near."""
    words = set(content_words(question.text))
    return max(
        (other for other in others if other.id != question.id and other.kind == question.kind),
        key=lambda other: (
            len(words & set(content_words(other.text))) / len(words | set(content_words(other.text)))
        ),
        default=question,
    )


def squad(data: Path) -> Pairs:
    """XQuAD (English): the answer by its paragraph, another by it, the answer by the next best paragraph."""
    rng = random.Random(1)
    for article in json.loads(gzip.open(data / "xquad_en/xquad.en.json.gz").read())["data"]:
        paragraphs = article["paragraphs"]
        for place, paragraph in enumerate(paragraphs):
            evidence = tuple(sentences(paragraph["context"]))
            others = [tuple(sentences(each["context"])) for each in paragraphs if each is not paragraph]
            answers = [each["answers"][0]["text"] for each in paragraph["qas"]]
            for each, answer in zip(paragraph["qas"], answers, strict=True):
                claim = rng.choice(asked(each["question"], answer))
                yield LabelledPair(claim, evidence, True, "xquad", article["title"])
                wrong = [other for other in answers if not overlapping(other, answer)]
                if wrong:
                    claim = rng.choice(asked(each["question"], rng.choice(wrong)))
                    yield LabelledPair(claim, evidence, False, "xquad", article["title"])
                if others and place % 2:
                    words = set(content_words(each["question"]))
                    far = max(others, key=lambda other: len(words & set(content_words(" ".join(other)))))
                    claim = rng.choice(asked(each["question"], answer))
                    yield LabelledPair(claim, far, False, "xquad", article["title"])


def conflicts(data: Path) -> Pairs:
    """ConflictQA (StrategyQA): each of two opposite answers by the text that argues for it and against it."""
    rng = random.Random(4)
    for number, row in enumerate(
        lines(data / "conflictqa_strategyqa/conflictQA-strategyQA-chatgpt.jsonl.gz")
    ):
        answers = {"memory": row["memory_answer"], "counter": row["counter_answer"]}
        texts = {"memory": row["parametric_memory"], "counter": row["counter_memory"]}
        for side, claim in answers.items():
            # One of two texts, so that all claims are read, each about half as often.
            for other, text in rng.sample(sorted(texts.items()), 1 + number % 2):
                yield LabelledPair(
                    claim, tuple(sentences(text)), side == other, "conflictqa", f"conflict-{number}"
                )


def clapnq(data: Path) -> Pairs:
    """CLAPnq: sentences of long answers by their passage, and by it without the sentences chosen for them."""
    for row in lines(data / "clapnq_dev/clapnq_dev_answerable.jsonl.gz"):
        passage = row["passages"][0]
        held = tuple(untokenised(each) for each in passage["sentences"])
        chosen = {untokenised(each) for output in row["output"] for each in output["selected_sentences"]}
        rest = tuple(each for each in held if each not in chosen)
        for output in row["output"]:
            for sentence in sentences(output["answer"]):
                yield LabelledPair(sentence, (passage["title"], *held), True, "clapnq", row["id"])
                if len(rest) > 1:
                    yield LabelledPair(sentence, (passage["title"], *rest), False, "clapnq", row["id"])


def quotesum(data: Path) -> Pairs:
    """QuoteSum: quotes of a summary by all sources, and by the sources that were not quoted for them."""
    for row in lines(data / "quotesum_dev/dev.jsonl.gz"):
        sources = {
            n: row.get(f"source{n}", "").strip() for n in range(1, 9) if row.get(f"source{n}", "").strip()
        }
        text = re.sub(r"\[ (\d) |\[ | \]", "", row["summary"])
        quoted = {int(n) for n in re.findall(r"\[ (\d) ", row["summary"])}
        for sentence in sentences(text):
            if len(sentence.split()) > 5:
                yield LabelledPair(sentence, tuple(sources.values()), True, "quotesum", row["qid"])
        rest = tuple(source for n, source in sources.items() if n not in quoted)
        if rest:
            yield LabelledPair(text, rest, False, "quotesum", row["qid"])


def pubmedqa(data: Path) -> Pairs:
    """PubMedQA (labelled rows outside the test ids): the conclusion by the rest of the abstract."""
    for row in lines(data / "pubmedqa/pqal_dev.jsonl.gz"):
        evidence = tuple(sentence for text in row["CONTEXTS"] for sentence in sentences(text))
        said = next(sentences(row["LONG_ANSWER"]))
        if row["final_decision"] in ("yes", "no"):
            yield LabelledPair(said, evidence, True, "pubmedqa", row["pmid"])
            for answer in ("yes", "no"):
                claim = question_claim(row["QUESTION"], answer)
                yield LabelledPair(claim, evidence, answer == row["final_decision"], "pubmedqa", row["pmid"])


def timeqa(data: Path) -> Pairs:
    """TimeQA: the answer of one date, and of another date, by paragraphs of the page."""
    rng = random.Random(2)
    with gzip.open(data / "timeqa_human/human_annotated_train.json.gz", "rt", encoding="utf-8") as file:
        pages = json.load(file)
    for page in pages:
        paragraphs = [untokenised(each) for each in page["paras"]]
        answers = {question: found for question, found in page["questions"] if found and found[0]["answer"]}
        for question, found in answers.items():
            place, answer = found[0]["para"], untokenised(found[0]["answer"])
            evidence = (paragraphs[0], *paragraphs[max(1, place - 1) : place + 2])
            if answer not in " ".join(evidence):
                continue
            yield LabelledPair(rng.choice(asked(question, answer)), evidence, True, "timeqa", page["link"])
            said = {untokenised(each["answer"]) for each in found}
            others = [untokenised(each[0]["answer"]) for each in answers.values()]
            wrong = [each for each in others if not any(overlapping(each, right) for right in said)]
            if wrong:
                claim = rng.choice(asked(question, rng.choice(wrong)))
                yield LabelledPair(claim, evidence, False, "timeqa", page["link"])


def wikipedia(data: Path) -> Pairs:
    """Passages of Wikipedia: a sentence, its subject named, by the passage that holds it."""
    rng = random.Random(3)
    with gzip.open(data / "wiki_distractors/2wikimultihopqa_corpus.json.gz", "rt", encoding="utf-8") as file:
        passages = json.load(file)
    for passage in passages:
        held = tuple(sentences(passage["text"]))
        long = [each for each in held if 8 <= len(each.split()) <= 45]
        if len(held) >= 3 and long:
            claim = retold(rng.choice(long), passage["title"], rng)
            yield LabelledPair(claim, (passage["title"], *held), True, "wikipedia", passage["title"])


def retold(sentence: str, title: str, rng: random.Random) -> str:
    """A sentence with its subject named, without what stands in brackets, perhaps without its last clause."""
    told = re.sub(
        r"^(?:He|She|It|They)\b", re.sub(r" \(.*", "", title), re.sub(r" ?\([^()]*\)", "", sentence)
    )
    clauses = told.rstrip(".").split(", ")
    if len(clauses) > 2 and rng.random() < 0.6:
        told = ", ".join(clauses[: rng.randint(1, len(clauses) - 1)]) + "."
    return told if len(told.split()) >= 6 else sentence


def asked(question: str, answer: str) -> list[str]:
    """A question and its answer as claims of different form."""
    plain = question.strip().rstrip("?").strip()
    return [
        question_claim(question, answer),
        f"{question.strip()} {answer}",
        f"The answer to the question “{plain}?” is {answer.rstrip('.')}.",
    ]


def overlapping(first: str, second: str) -> bool:
    """Whether one answer holds the other, or most of its words."""
    one, two = set(first.lower().split()), set(second.lower().split())
    return len(one & two) > 0.4 * min(len(one), len(two))


def untokenised(text: str) -> str:
    """Text without the marks of a tokeniser: brackets by name, blanks before full stops."""
    for mark, sign in BRACKETS.items():
        text = text.replace(mark, sign)
    text = re.sub(r" ([.,;:!?%)\]])", r"\1", text)
    return re.sub(r"([(\[]) | ('s\b|n't\b)", r"\1\2", text).strip()


def lines(path: Path) -> list[dict]:
    """The rows of a gzipped JSONL file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


VALIDATION = {
    "fever_symmetric": partial(symmetric, "test"),
    "wice": wice,
    "begin": partial(begin, ["begin_dev_cmu", "begin_dev_tc", "begin_dev_wow"]),
    "halueval": partial(halueval, False),
    "wrong_entity": wrong_entity,
}
TRAINING = {
    "fever": fever,
    "symmetric": partial(symmetric, "dev"),
    "begin": partial(begin, ["begin_test_wow"]),
    "halueval": partial(halueval, True),
    "xquad": squad,
    "conflictqa": conflicts,
    "clapnq": clapnq,
    "quotesum": quotesum,
    "pubmedqa": pubmedqa,
    "timeqa": timeqa,
    "wikipedia": wikipedia,
}


if __name__ == "__main__":
    main()

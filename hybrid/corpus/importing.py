"""Importing a question set: it becomes a corpus and a suite of the same name, both or neither."""

import hashlib
import re
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, assert_never

import yaml

from hybrid import library
from hybrid.cjk import CJK
from hybrid.corpus import folders, schema
from hybrid.corpus.formats.beir import read_beir
from hybrid.corpus.formats.clapnq import read_clapnq
from hybrid.corpus.formats.jsonl import read_jsonl
from hybrid.corpus.formats.pairs import read_pairs
from hybrid.corpus.formats.question_set import QuestionSet
from hybrid.corpus.formats.squad import read_squad
from hybrid.corpus.store import Corpus
from hybrid.errors import BadInput, CorpusError
from hybrid.questions import write_questions
from hybrid.records import Document, Question
from hybrid.specs import Style

Format = Literal["beir", "clapnq", "jsonl", "pairs", "squad"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made.

    Attributes:
        name: of the corpus and of the suite.
        suite: the suite's YAML file.
        documents: in the corpus.
        passages: in the corpus.
        training: training questions.
        evaluation: evaluation questions: ``seen`` + ``unseen``.
        seen: evaluation questions about a document that was open to training.
        unseen: the other ones.
        unanswerable: evaluation questions without an answer in the corpus.
        bound: evaluation questions that only a probe can ask: their own passage does not answer them.
        withheld_documents: taken out of the corpus.
        dropped: questions left out: only a part of their gold was withheld, or a bound one lost its passage.
    """

    name: str
    suite: Path
    documents: int
    passages: int
    training: int
    evaluation: int
    seen: int
    unseen: int
    unanswerable: int
    bound: int
    withheld_documents: int
    dropped: int


@dataclass(frozen=True, slots=True)
class _Division:
    """A question set as it is going to be stored."""

    documents: list[Document]
    training: list[Question]
    evaluation: list[Question]
    withheld_documents: int
    dropped: int
    answers: Style


def import_set(
    name: str,
    *,
    format: Format,
    path: Path,
    documents: Path | None = None,
    home: Path | None = None,
    split_off: float = 0.5,
    withhold: float = 0.0,
    seed: int = 0,
    replace: bool = False,
    passage_chars: int = 400,
    language: str | None = None,
) -> Imported:
    """Makes corpus ``name`` and suite ``name`` from a question set.

    Args:
        name: of both.
        format: ``squad`` (a file), ``clapnq`` (a file or a folder), ``beir`` (a folder with corpus.jsonl,
            queries.jsonl and qrels/), ``jsonl`` (a folder with documents.jsonl and questions.jsonl) or
            ``pairs`` (CSV or JSONL of questions and answers about ``documents``).
        path: the file or the folder; gz is read as it is.
        documents: of ``pairs`` only: the texts that they are about, a file or a folder.
        home: the state folder; by default ``hybrid.library.home()``.
        split_off: share of the groups that goes into training; of their questions every fifth is kept
            back for evaluation as ``seen``.
        withhold: share of the groups with gold, of either side, that is taken out of the corpus, so that
            their questions cannot be answered.
        seed: of the divisions.
        replace: whether a corpus and a suite of that name give way.
        passage_chars: greatest length of a passage.
        language: of the questions, such as ``zh``; by default guessed from their script.

    Raises:
        BadInput: the set does not fit, with file and row.
        CorpusError: the name is taken, or a share leaves nothing to ask.
    """
    corpus_folder = folders.corpus_folder(name, home)
    suite_folder = library.suite_folder(name, home)
    if not replace and (corpus_folder.exists() or suite_folder.exists()):
        raise folders.taken(name)
    if not (0 <= split_off <= 1 and 0 <= withhold < 1):
        raise CorpusError(
            f"--split-off is 0 to 1 and --withhold 0 to below 1, not {split_off} and {withhold}."
        )
    found = _read(format, path, documents)
    if not found.questions:
        raise BadInput(str(path), "holds no question that can be asked")
    division = _divide(found, split_off, withhold, seed)
    if not division.evaluation:
        raise CorpusError(f"No question of {path} is left for evaluation; lower --split-off {split_off}.")
    with ExitStack() as stack:
        stack.enter_context(schema.make_faults(name))
        if corpus_folder.exists():
            stack.enter_context(folders.writer_lock(corpus_folder))
        staged_corpus = stack.enter_context(folders.staged_folder(corpus_folder))
        staged_suite = stack.enter_context(folders.staged_folder(suite_folder))
        with Corpus.create_in(staged_corpus, name, passage_chars=passage_chars) as corpus:
            corpus.add(division.documents, source=str(path), note=f"imported as {format}")
            passages = len(corpus.passages())
        _write_suite(staged_suite, name, path, division, language or guess_language(found.questions))
        folders.publish({staged_corpus: corpus_folder, staged_suite: suite_folder}, replace=replace)
    return _counts(name, suite_folder / "suite.yaml", passages, division)


def _read(format: Format, path: Path, documents: Path | None) -> QuestionSet:
    if (documents is None) == (format == "pairs"):
        raise CorpusError("--documents names the texts of --format pairs; the other formats bring their own.")
    match format:
        case "beir":
            return read_beir(path)
        case "clapnq":
            return read_clapnq(path)
        case "pairs":
            assert documents is not None
            return read_pairs(path, documents)
        case "squad":
            return read_squad(path)
        case "jsonl":
            return read_jsonl(path)
        case _:
            assert_never(format)


def _divide(found: QuestionSet, split_off: float, withhold: float, seed: int) -> _Division:
    groups = _shuffled({question.group for question in found.questions}, seed, "split")
    cut = round(split_off * len(groups))
    open_groups = set(groups[:cut])
    gone: set[str] = set()
    for side in (groups[:cut], groups[cut:]):
        gone |= _withheld(found, side, withhold, seed)
    candidates, evaluation = [], []
    for question in found.questions:
        sources = found.gold_groups(question) or {question.group}
        if sources <= open_groups:
            candidates.append(replace(question, split="seen"))
        else:
            # Partly open to training is seen, too: what was trained on may tell the answer.
            evaluation.append(replace(question, split="seen" if sources & open_groups else "unseen"))
    kept = set(
        _shuffled((question.id for question in candidates), seed, "seen")[: round(len(candidates) / 5)]
    )
    evaluation += [question for question in candidates if question.id in kept]
    training = [replace(question, part="train") for question in candidates if question.id not in kept]
    documents = [document for document in found.documents.values() if document.group not in gone]
    training, evaluation = _settle(found, training, gone), _settle(found, evaluation, gone)
    dropped = len(found.questions) - len(training) - len(evaluation)
    withheld = len(found.documents) - len(documents)
    return _Division(documents, training, evaluation, withheld, dropped, found.answers)


def _withheld(found: QuestionSet, groups: list[str], share: float, seed: int) -> set[str]:
    """The groups of one side to take out: their share, but neither none nor all of several."""
    answerable = [question for question in found.questions if question.answerable]
    with_gold = {group for question in answerable for group in found.gold_groups(question)}
    able = _shuffled(with_gold.intersection(groups), seed, "withhold")
    if not share or len(able) < 2:
        return set()
    return set(able[: min(max(1, round(share * len(able))), len(able) - 1)])


def _settle(found: QuestionSet, questions: Iterable[Question], gone: set[str]) -> list[Question]:
    """Makes the questions about withheld groups unanswerable.

    Those only partly about them are left out, and bound ones, which have nothing left that is known.
    """
    settled = []
    for question in questions:
        sources = found.gold_groups(question)
        if not sources & gone:
            settled.append(question)
        elif sources <= gone and not question.bound:
            settled.append(replace(question, answers=(), answerable=False, gold=(), kind="unanswerable"))
    return settled


def _shuffled(names: Iterable[str], seed: int, purpose: str) -> list[str]:
    """An order that depends on the seed and the names alone, not on the version of a generator."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{purpose}:{name}".encode()).digest())


def guess_language(questions: Iterable[Question]) -> str:
    """``zh`` where most letters of the questions are of CJK scripts, else ``en``."""
    letters = [letter for question in questions for letter in question.text if letter.isalpha()]
    return "zh" if 2 * len(re.findall(f"[{CJK}]", "".join(letters))) > len(letters) else "en"


def _write_suite(folder: Path, name: str, path: Path, division: _Division, language: str) -> None:
    spec = {
        "description": f"Imported from {path.name}.",
        "corpus": name,
        "questions": "questions.jsonl",
        "answers": division.answers,
        "language": language,
    }
    write_questions(folder / "questions.jsonl", division.evaluation)
    if division.training:
        spec["training"] = "training.jsonl"
        write_questions(folder / "training.jsonl", division.training)
    (folder / "suite.yaml").write_text(
        yaml.safe_dump(spec, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )


def _counts(name: str, suite: Path, passages: int, division: _Division) -> Imported:
    seen = sum(question.split == "seen" for question in division.evaluation)
    return Imported(
        name=name,
        suite=suite,
        documents=len(division.documents),
        passages=passages,
        training=len(division.training),
        evaluation=len(division.evaluation),
        seen=seen,
        unseen=len(division.evaluation) - seen,
        unanswerable=sum(not question.answerable for question in division.evaluation if not question.bound),
        bound=sum(question.bound for question in division.evaluation),
        withheld_documents=division.withheld_documents,
        dropped=division.dropped,
    )

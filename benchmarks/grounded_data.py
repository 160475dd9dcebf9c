"""Writes the question sets on which `grounded-smollm2-135m` learns, as folders for `hybrid corpus import`.

    python benchmarks/grounded_data.py --data ../shared/data --out build/grounded

XQuAD and CLAPnq have importers of their own. What each set is, with its licence, stands in the model card
(``hybrid/weights/grounded-smollm2-135m/README.md``).
"""

import argparse
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grounded_general import general
from grounded_records import records
from judge_data import lines, untokenised

NEIGHBOURS = 2
"""Paragraphs of a page that are kept on either side of one that tells: whole pages take long to embed."""

Rows = Iterator[tuple[dict[str, Any] | None, dict[str, Any] | None]]


def main() -> None:
    """Writes a folder of documents and questions for each set."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("build/grounded"))
    options = parser.parse_args()
    if not (options.data / "timeqa_human").is_dir():
        parser.error(f"{options.data} holds no timeqa_human: name the folder of public sets with --data.")
    sets = {"timeqa": timeqa(options.data), "hotpot": hotpot(options.data)}
    sets |= {"records": records(), "general": general()}
    for name, rows in sets.items():
        folder = options.out / name
        folder.mkdir(parents=True, exist_ok=True)
        documents, questions = zip(*rows, strict=True)
        for file, found in {"documents": documents, "questions": questions}.items():
            text = "".join(json.dumps(row) + "\n" for row in found if row)
            (folder / f"{file}.jsonl").write_text(text, encoding="utf-8")
            print(f"{folder}/{file}.jsonl: {text.count(chr(10))}")


def timeqa(data: Path) -> Rows:
    """Questions whose answer depends on a date, with the paragraphs around those that tell."""
    with gzip.open(data / "timeqa_human/human_annotated_train.json.gz", "rt", encoding="utf-8") as file:
        pages = json.load(file)
    for number, page in enumerate(pages):
        told = {span["para"] for _, spans in page["questions"] for span in spans if "para" in span}
        kept = {i for p in told for i in range(p - NEIGHBOURS, p + NEIGHBOURS + 1)}
        texts = {i: untokenised(text) for i, text in enumerate(page["paras"]) if i in kept}
        starts, text = {}, ""
        for i, paragraph in texts.items():
            starts[i] = len(text)
            text += paragraph + "\n\n"
        title = page["link"].removeprefix("/wiki/").replace("_", " ")
        id = f"{title} {number}"
        yield {"id": id, "title": title, "text": text.rstrip() or "Nothing."}, None
        for place, (question, spans) in enumerate(page["questions"]):
            answers = list(dict.fromkeys(untokenised(span["answer"]) for span in spans if "para" in span))
            gold = [
                {"document": id, "start": start, "end": start + len(untokenised(span["answer"]))}
                for span in spans[:1]
                if "para" in span and (start := _find(texts, starts, span)) is not None
            ]
            if answers and answers[0] and gold:
                row = {"question": question, "answers": answers, "gold": gold}
                yield None, {"id": f"timeqa-{number}-{place}"} | row


def hotpot(data: Path) -> Rows:
    """Questions of HotpotQA as HaluEval has them: the sentences that tell, and a short answer."""
    for row in lines(data / "halueval_qa/qa_sample.jsonl.gz"):
        text = re.sub(r"(?<=[a-z)]\.)(?=[A-Z])", " ", row["knowledge"])
        yield (
            {"id": row["id"], "title": "", "text": text},
            {
                "id": f"q-{row['id']}",
                "question": row["question"],
                "answers": [row["right_answer"].rstrip(".")],
                "gold": [{"document": row["id"], "start": 0, "end": len(text)}],
            },
        )


def _find(texts: dict[int, str], starts: dict[int, int], span: dict[str, Any]) -> int | None:
    place = texts[span["para"]].find(untokenised(span["answer"]))
    return None if place < 0 else starts[span["para"]] + place


if __name__ == "__main__":
    main()

"""Small files of question sets, as others publish them."""

import gzip
import json

import pytest


@pytest.fixture
def write(tmp_path):
    """Writes a file, text as it is and rows as JSONL; packed if its name ends in ``.gz``."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else "".join(f"{json.dumps(row)}\n" for row in content)
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
        return path

    return write

import os
import subprocess
import sys

import pytest

from hybrid.disk import finish_moves, only_writer, sync_tree

HOLD = """
import sys
from pathlib import Path
from hybrid.disk import only_writer
with only_writer(Path(sys.argv[1]), RuntimeError):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_is_refused_and_told_of_the_first(tmp_path):
    with (
        only_writer(tmp_path, RuntimeError),
        pytest.raises(RuntimeError, match=f"^{os.getpid()}$"),
        only_writer(tmp_path, RuntimeError),
    ):
        pass
    with only_writer(tmp_path, RuntimeError):
        assert (tmp_path / "LOCK").read_text() == str(os.getpid())


def test_a_killed_writer_lets_go(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RuntimeError, match=f"^{holder.pid}$"), only_writer(tmp_path, RuntimeError):
            pass
        holder.kill()
        holder.wait()
    with only_writer(tmp_path, RuntimeError):
        pass


def test_only_hidden_files_are_journals(tmp_path):
    (tmp_path / ".folder.moves").mkdir()
    (tmp_path / "team.moves").mkdir()
    (tmp_path / "mine.moves").write_text("no journal")
    finish_moves(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_is_put_on_the_disk_with_everything_in_it(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_text("x")
    synced = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    )
    sync_tree(tmp_path)
    assert sorted(synced) == sorted(map(str, (tmp_path, tmp_path / "deep", tmp_path / "deep" / "file")))

import json

import pytest

from hybrid.errors import RunError
from hybrid.evaluation.folder import run_folder

MINE, OTHER = "a" * 64, "b" * 64


def test_an_empty_or_missing_folder_is_taken(tmp_path):
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "empty", tmp_path / "deep" / "missing"):
        assert run_folder(MINE, out, resume=False) == out
        assert json.loads((out / "run.json").read_text()) == {"digest": MINE}


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(RunError, match="is not empty; choose another folder"):
            run_folder(MINE, tmp_path, resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_with_a_run_needs_resume(tmp_path):
    run_folder(MINE, tmp_path, resume=False)
    with pytest.raises(RunError, match="--resume"):
        run_folder(MINE, tmp_path, resume=False)
    assert run_folder(MINE, tmp_path, resume=True) == tmp_path


def test_a_run_with_other_settings_is_not_resumed(tmp_path):
    run_folder(MINE, tmp_path, resume=False)
    with pytest.raises(RunError, match="other settings"):
        run_folder(OTHER, tmp_path, resume=True)
    assert json.loads((tmp_path / "run.json").read_text()) == {"digest": MINE}


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(RunError, match="is a file"):
        run_folder(MINE, tmp_path / "out", resume=False)


def test_a_damaged_mark_is_no_run(tmp_path):
    (tmp_path / "run.json").write_text('{"dig')
    with pytest.raises(RunError, match="is not empty"):
        run_folder(MINE, tmp_path, resume=True)


def test_without_out_the_newest_run_of_these_settings_is_resumed(state_folder):
    begun = run_folder(MINE, None, resume=False)
    assert begun.parent == state_folder / "runs"
    assert run_folder(MINE, None, resume=True) == begun
    assert run_folder(OTHER, None, resume=True) != begun

from pathlib import Path

import pytest

from hybrid import library
from hybrid.errors import RunError, UnknownName
from hybrid.suites import load_suite


def test_one_variable_moves_all_state(state_folder, monkeypatch):
    assert library.home() == state_folder
    monkeypatch.setenv("HYBRID_HOME", "~/elsewhere")
    assert library.home() == (Path.home() / "elsewhere").resolve()
    monkeypatch.setenv("HYBRID_HOME", "")
    assert library.home() == (Path.home() / ".hybrid").resolve()


def test_of_many_names_a_few_are_listed_and_the_nearest_is_hinted_at():
    error = UnknownName("document", "doc-29999", (f"doc-{number:05}" for number in range(30_000, 0, -1)))
    assert len(str(error)) < 300
    assert "Available: doc-00001, doc-00002, " in str(error)
    assert str(error).endswith(' … and 29990 more. Did you mean "doc-29999"?')
    assert str(UnknownName("document", "x", "abc")) == 'Unknown document "x". Available: a, b, c.'


def test_an_unknown_pipeline_is_named_with_what_there_is():
    with pytest.raises(
        UnknownName,
        match=r'"quickstrat". Available: facts, grounded, .*, quickstart, .*Did you mean "quickstart"',
    ):
        library.find_pipeline("quickstrat")


@pytest.mark.parametrize("find", [library.find_pipeline, library.find_suite])
def test_a_file_is_found_by_its_path_and_only_if_it_is_there(find, tmp_path):
    path = tmp_path / "mine.yml"
    with pytest.raises(UnknownName, match=r"mine\.yml"):
        find(str(path))
    path.touch()
    assert find(str(path)) == path


def test_a_file_that_is_no_yaml_is_no_pipeline(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(UnknownName):
        library.find_pipeline(str(tmp_path / "mine.txt"))


def test_an_imported_suite_is_found_by_name_and_comes_before_a_builtin(state_folder):
    for name in ("mine", "python-reference"):
        folder = library.suite_folder(name)
        folder.mkdir(parents=True)
        (folder / "suite.yaml").touch()
        assert library.find_suite(name) == state_folder / "suites" / name / "suite.yaml"


def test_a_copied_pipeline_is_the_builtin_byte_for_byte(tmp_path):
    copy = library.copy_builtin("quickstart", tmp_path)
    assert copy.read_bytes() == library.builtin_pipelines()["quickstart"].read_bytes()
    with pytest.raises(RunError, match=r"quickstart\.yaml exists already"):
        library.copy_builtin("quickstart", tmp_path)


def test_a_copied_suite_brings_its_questions(tmp_path):
    copy = library.copy_builtin("python-reference", tmp_path / "new")
    copied, builtin = load_suite(str(copy)), load_suite("python-reference")
    assert copied.questions == builtin.questions
    assert copied.training == builtin.training


def test_copying_an_unknown_name_lists_pipelines_and_suites(tmp_path):
    with pytest.raises(
        UnknownName, match=r"Unknown pipeline or suite .*python-reference, qinglan, qlora-8b-24gb, quickstart"
    ):
        library.copy_builtin("nothing", tmp_path)

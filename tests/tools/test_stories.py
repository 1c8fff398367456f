"""The table of stories tells the truth, and the check notices when it does not."""

import json
from pathlib import Path

import pytest

from tools import stories

STORIES = [
    {"id": "1.1", "title": "Constants", "criteria": ["They exist.", "They | hold."]},
    {"id": "1.2", "title": "Logging", "criteria": ["It logs."]},
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "docs" / "stories.json").write_text(json.dumps(STORIES))
    (tmp_path / "docs" / "stories_done.txt").write_text("# none yet\n")
    return tmp_path


def _write_tests(project: Path, text: str) -> None:
    (project / "tests" / "test_some.py").write_text(f"import pytest\n{text}")


def test_marks_are_found_wherever_pytest_finds_them(project: Path) -> None:
    _write_tests(
        project,
        """
pytestmark = [pytest.mark.slow, pytest.mark.story("1.2", 1)]

@pytest.mark.story("1.1", 1)
@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.story("1.1", 2))])
def test_one(n): ...

class TestGroup:
    pytestmark = pytest.mark.story("1.1", 1)

    @pytest.mark.story("1.1", 2)
    async def test_two(self): ...
""",
    )
    found = {(marker.criterion, marker.test.partition("::")[2]) for marker in stories.find_markers(project)}
    assert found == {
        (("1.2", 1), ""),
        (("1.1", 1), "test_one"),
        (("1.1", 2), "test_one"),
        (("1.1", 1), "TestGroup"),
        (("1.1", 2), "TestGroup::test_two"),
    }


def test_table_written_is_fresh_until_a_test_is_added(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_tests(project, '@pytest.mark.story("1.1", 1)\ndef test_one(): ...\n')
    assert stories.main([], project) == 0
    assert stories.main(["--check"], project) == 0
    table = (project / "docs" / "STORIES.md").read_text()
    assert "| 1 | They exist. | `tests/test_some.py::test_one` |" in table
    assert "| 2 | They \\| hold. |  |" in table
    _write_tests(project, '@pytest.mark.story("1.1", 2)\ndef test_two(): ...\n')
    assert stories.main(["--check"], project) == 1
    assert "is stale; run `make stories`" in capsys.readouterr().out


def test_mark_of_an_unknown_criterion_fails(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_tests(project, '@pytest.mark.story("1.1", 3)\ndef test_one(): ...\n')
    assert stories.main([], project) == 1
    assert "names criterion 3 of story 1.1, which does not exist" in capsys.readouterr().out


def test_done_story_with_an_unshown_criterion_fails(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_tests(project, '@pytest.mark.story("1.1", 1)\ndef test_one(): ...\n')
    (project / "docs" / "stories_done.txt").write_text("1.1  # nearly\n9.9\n")
    assert stories.main([], project) == 1
    said = capsys.readouterr().out
    assert "Story 1.1 is listed as done, but no test shows its criterion 2." in said
    assert "names story 9.9, which does not exist" in said


def test_mark_that_is_no_literal_is_refused(project: Path) -> None:
    _write_tests(project, 'S = "1.1"\n@pytest.mark.story(S, 1)\ndef test_one(): ...\n')
    with pytest.raises(SystemExit, match="as literals"):
        stories.find_markers(project)


def test_own_copy_holds_all_stories_of_the_requirements() -> None:
    own = stories.read_stories(stories.ROOT)
    assert len(own) == 63
    assert len({story.id for story in own}) == 63
    assert all(len(story.criteria) == 5 for story in own)

"""What `make run` refuses before it starts anything, and how it addresses its database."""

import socket
from pathlib import Path

import pytest

from milkbot.embedded.__main__ import main
from milkbot.embedded.launch import as_role


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://postgres@/milkbot?host=%2Frun", "postgresql://milkbot_public@/milkbot?host=%2Frun"),
        (
            "postgresql://me:pass@db.example:6432/milkbot",
            "postgresql://milkbot_public@db.example:6432/milkbot",
        ),
        ("postgresql:///milkbot?host=/run&user=me", "postgresql://milkbot_public@/milkbot?host=%2Frun"),
    ],
)
def test_same_database_for_another_role_carries_no_password(url: str, expected: str) -> None:
    assert as_role(url, "milkbot_public") == expected


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("MILKBOT_STATE_DIR", str(tmp_path / "state"))
    for name in ("DATABASE_URL", "WORLD", "SERIES", "DATE", "SPEED", "DEPTH"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_busy_port_is_one_sentence_that_says_what_to_set(
    shell: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shell.setenv("PUBLIC_PORT", str(port))
        assert main(["run"]) == 1
    assert capsys.readouterr().err == (
        f"Port {port} is in use by another program; choose another with PUBLIC_PORT=...\n"
    )


def test_database_of_somebody_else_is_never_deleted(
    shell: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.setenv("DATABASE_URL", "postgresql://me@db.example/precious")
    assert main(["run", "--fresh"]) == 1
    assert "empty the one in DATABASE_URL yourself" in capsys.readouterr().err


def test_clean_without_an_answer_keeps_the_data(
    shell: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "state" / "recorded").mkdir(parents=True)
    assert main(["clean"]) == 0
    assert (tmp_path / "state" / "recorded").is_dir()
    assert capsys.readouterr().out == f"Kept {tmp_path / 'state'}.\n"


def test_clean_with_nothing_there_says_nothing(
    shell: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clean"]) == 0
    assert capsys.readouterr().out == ""

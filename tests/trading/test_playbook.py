"""The playbook names only what exists: commands with their options, make targets, settings."""

import re
import subprocess
from typing import Final

import pytest
from django.core.management import get_commands, load_command_class

from milkbot.core.config import PROJECT_ROOT, Config
from milkbot.core.constants import DAILY_LOSS_LIMIT
from trading.arming import LONGEST
from trading.domain.policy import Policy

PLAYBOOK: Final = (PROJECT_ROOT / "docs" / "DEMO_TO_LIVE_PLAYBOOK.md").read_text(encoding="utf-8")
CODE: Final = re.findall(r"`([^`\n]+)`", PLAYBOOK)
COMMANDS: Final = sorted({code.removeprefix("manage.py ") for code in CODE if code.startswith("manage.py ")})
MAKES: Final = sorted({code.removeprefix("make ") for code in CODE if code.startswith("make ")})
SETTINGS: Final = sorted(
    {code.partition("=")[0] for code in CODE if re.fullmatch(r"[A-Z_]{6,}(=\S+)?", code)}
)


@pytest.mark.parametrize("line", COMMANDS)
def test_playbook_names_commands_that_exist_with_options_they_take(line: str) -> None:
    name, *arguments = re.findall(r'"[^"]*"|\S+', line)
    command = load_command_class(get_commands()[name], name)

    # Raises CommandError for an option the command does not take, or one it needs and was not given.
    command.create_parser("manage.py", name).parse_args(argument.strip('"') for argument in arguments)


@pytest.mark.parametrize("line", MAKES)
def test_playbook_names_targets_that_make_knows(line: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *line.split()], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", SETTINGS)
def test_playbook_names_settings_that_are_read(name: str) -> None:
    assert name.lower() in Config.model_fields or name == "TRADING_HALTED"


def test_playbook_says_every_way_to_stop_and_the_limits_that_hold() -> None:
    named = {line.split()[0] for line in COMMANDS}
    assert {
        "halt",
        "resume",
        "reconcile",
        "arm_live",
        "disarm_live",
        "ledger",
        "settle_by_hand",
        "decide_order",
        "status",
    } <= named
    assert f"At most {LONGEST.total_seconds() / 3600:g} hours at a time" in PLAYBOOK
    assert f"The daily loss limit is ${DAILY_LOSS_LIMIT:f}" in PLAYBOOK
    assert Policy().resting_life.total_seconds() <= 300, "orders expire within the five minutes it promises"

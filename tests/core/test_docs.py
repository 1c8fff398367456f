"""The documents say what the code is."""

import re
from enum import StrEnum
from pathlib import Path

import pytest
from django.db import connection

from milkbot.core.config import PROJECT_ROOT
from trading.domain.breakers import RULES
from trading.domain.strategy_gate import GateCode
from trading.domain.types import ReasonCode
from trading.retention import RETENTION

DOCS = PROJECT_ROOT / "docs"
SHORT_TYPES = {
    "timestamp with time zone": "timestamptz",
    "double precision": "double",
    "character varying": "varchar",
}
LINKS = re.compile(r"\]\((?!https?:)([^)#]+)")
CODE_PATHS = re.compile(r"`((?:weather|markets|trading|analytics|publicsite|milkbot|sandbox)/[\w/.]*)`")
TESTS = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def _described_relations() -> dict[str, dict[str, str]]:
    """relation -> column -> type, as docs/DATA_DICTIONARY.md has them."""
    found: dict[str, dict[str, str]] = {}
    for section in (DOCS / "DATA_DICTIONARY.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        name, _, body = section.partition("\n")
        rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|\n]+) \|$", body, re.MULTILINE)
        assert all(meaning.strip() for _, _, meaning in rows)
        found[name.strip()] = {column: kind.strip() for column, kind, _ in rows}
    return found


def _stored_relations() -> dict[str, dict[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT namespace.nspname || '.' || class.relname, attribute.attname,"
            "       format_type(attribute.atttypid, attribute.atttypmod)"
            " FROM pg_class AS class"
            " JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace"
            " JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid"
            " WHERE namespace.nspname IN ('ops', 'analytics') AND class.relkind IN ('r', 'p', 'v', 'm')"
            "   AND attribute.attnum > 0 AND NOT attribute.attisdropped"
        )
        rows = cursor.fetchall()
    found: dict[str, dict[str, str]] = {}
    for relation, column, kind in rows:
        for long, short in SHORT_TYPES.items():
            kind = kind.replace(long, short)
        found.setdefault(relation, {})[column] = kind
    return found


@pytest.mark.django_db
def test_data_dictionary_names_every_relation_column_and_type() -> None:
    assert _described_relations() == _stored_relations()


@pytest.mark.story("2.5", 5)
def test_retention_of_every_pruned_table_is_documented() -> None:
    text = (DOCS / "DATA_DICTIONARY.md").read_text(encoding="utf-8")
    assert "`ops.risk_events` | 400 days intended; not enforced yet" in text
    for model, _, keep in RETENTION:
        section = text.partition(f"## ops.{model._meta.db_table}\n")[2].partition("\n## ")[0]
        assert f"Kept {keep.days} days" in section, model._meta.db_table


@pytest.mark.parametrize("codes", [ReasonCode, GateCode])
def test_reason_codes_are_described_one_by_one_in_order(codes: type[StrEnum]) -> None:
    text = (DOCS / "REASON_CODES.md").read_text(encoding="utf-8")
    of_decisions, of_gates = text.split("\n## The gate to LIVE\n")
    page = of_decisions if codes is ReasonCode else of_gates
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE)
    assert [code for code, _ in rows] == [code.value for code in codes]
    assert all(sentence.endswith(".") for _, sentence in rows)


def _pages() -> list[Path]:
    return [PROJECT_ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("page", _pages(), ids=lambda page: page.name)
def test_page_links_only_to_what_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    pictures = {"docs/img/public.png"}  # taken from the running site
    broken = {link for link in LINKS.findall(text) if not (page.parent / link).exists()} - pictures
    assert not broken


@pytest.mark.parametrize(
    "page", [PROJECT_ROOT / "README.md", DOCS / "ARCHITECTURE.md"], ids=lambda page: page.name
)
def test_files_named_in_the_overview_exist(page: Path) -> None:
    named = CODE_PATHS.findall(page.read_text(encoding="utf-8"))
    assert len(named) > 10
    assert not {path for path in named if not (PROJECT_ROOT / path).exists()}


@pytest.mark.story("9.4", 5)
def test_every_breaker_that_waits_for_a_person_says_what_to_do() -> None:
    text = (DOCS / "FAULTS.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    waiting = [breaker.value for breaker, rule in RULES.items() if rule.needs_person]
    assert [code for code, _, _ in rows] == waiting
    assert all(said.endswith(".") for row in rows for said in row[1:])


def test_every_fault_names_a_test_that_exists() -> None:
    text = (DOCS / "FAULTS.md").read_text(encoding="utf-8")
    table, _, _ = text.partition("## When it waits for a person")
    rows = re.findall(r"^\| (?!Mishap|---)(.+?) \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    assert len(rows) >= 40
    named = [(mishap, test) for mishap, tests, _ in rows for test in TESTS.findall(tests)]
    assert all(TESTS.search(tests) or tests.startswith("the same") for _, tests, _ in rows)
    missing = [
        (mishap, name)
        for mishap, (path, name) in named
        if not (PROJECT_ROOT / path).exists()
        or f"def {name}(" not in (PROJECT_ROOT / path).read_text(encoding="utf-8")
    ]
    assert missing == []

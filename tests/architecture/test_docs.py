"""The documentation says what is so: links lead somewhere, examples work, and the table of settings is whole."""

import json
import re
from itertools import chain

import pytest

from alignment.integrations.importers.mapping import Mapping
from tests.architecture.source import ROOT, modules, name, text

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
OPERATIONS = ROOT / "docs" / "operations.md"
READ_BY_THE_PROJECT = re.compile(r"\b(ACCORD_[A-Z_]+|DATABASE_URL|REDIS_URL|PG_BIN|POSTGRES_PASSWORD)\b")
EXAMPLES = re.findall(r"```json\n(.*?)```", text(ROOT / "docs" / "import.md"), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text(page))

    assert not [target for target in targets if not (page.parent / target).exists()]


def test_the_table_of_settings_is_whole():
    settings = [ROOT / "docker-compose.yml", ROOT / "alignment" / "settings.py", *modules("alignment/stack")]
    tests = [ROOT / ".ci" / "run"]
    read = {found for path in chain(settings, tests) for found in READ_BY_THE_PROJECT.findall(text(path))}
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", text(OPERATIONS), re.MULTILINE))

    assert listed == read


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: json.loads(example)["name"])
def test_every_mapping_that_is_shown_is_one(example):
    assert Mapping.parse(json.loads(example)).columns


def test_one_mapping_of_each_kind_is_shown():
    shown = [Mapping.parse(json.loads(example)) for example in EXAMPLES]

    assert {mapping.kind for mapping in shown} == {"leads", "people", "deals", "touches"}
    assert {mapping.key_is_email for mapping in shown} == {True, False}
    assert {mapping.promise for mapping in shown} == {"none", "history", "start"}
    assert any(group.by for mapping in shown for group in mapping.moves)
    assert any(mapping.unknown_lead == "reject" for mapping in shown)

"""The source reads like one: small modules and functions, each module with a sentence, no drawers without a label."""

import ast
import re
from pathlib import Path

from tests.architecture.source import PACKAGES, WITH_TESTS, matches, modules, name, text, tree

MOST_LINES = 400
MOST_FUNCTION_LINES = 50
DRAWERS = {"utils", "util", "core", "common", "helpers", "misc", "services"}
NOT_DONE_HERE = {
    r"\b(pre|post)_(save|delete)\b|\bm2m_changed\b": "a change to a row is told by the verb that made it",
    r"\bsend_robust\b": "a receiver that fails takes the write with it",
    r"@receiver\b|import receiver\b": "receivers are connected in alignment/wiring.py",
    r"\b(eta|countdown|autoretry_for)=|\.retry\(": "when something is due stands in the database",
    r"\bmark_safe\(|\bSafeString\(": "HTML is put together by templates and format_html",
}
OWN = modules(*PACKAGES)
ALL = modules(*WITH_TESTS)


def test_every_module_says_what_it_is():
    assert not [name(path) for path in ALL if tree(path).body and not ast.get_docstring(tree(path))]


def test_modules_are_short():
    lengths = {name(path): len(text(path).splitlines()) for path in OWN}

    assert not {path: lines for path, lines in lengths.items() if lines > MOST_LINES}


def test_functions_are_short():
    found = [(path, function) for path in OWN for function in functions(path)]
    lengths = {f"{name(path)}:{one.name}": one.end_lineno - one.lineno + 1 for path, one in found}

    assert not {function: lines for function, lines in lengths.items() if lines > MOST_FUNCTION_LINES}


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_names_say_what_is_inside():
    assert not [name(path) for path in ALL if DRAWERS & set(Path(name(path)).with_suffix("").parts)]


def test_what_this_project_does_not_do():
    assert not matches(OWN, NOT_DONE_HERE)


def test_the_environment_is_read_in_one_place():
    """And in the stack, which runs before there are settings."""
    reading = re.compile(r'os\.environ(?!\.setdefault\("DJANGO_SETTINGS_MODULE")|\bgetenv\b')
    places = {name(path) for path in OWN if reading.search(text(path))}

    assert {path for path in places if not path.startswith("alignment/stack/")} == {"alignment/settings.py", "run.py"}

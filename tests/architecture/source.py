"""The project's own files, as the tests of its shape read them."""

import ast
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("alignment", "leads", "sla", "dashboards")
TEMPLATE_COMMENT = re.compile(r"{#.*?#}|{% comment .*?{% endcomment %}", re.DOTALL)
WITH_TESTS = (*PACKAGES, "tests", "benchmarks", "docs")


def modules(*folders: str) -> list[Path]:
    """The Python files below these folders, and those beside them; migrations are written by a machine."""
    found = [*ROOT.glob("*.py"), *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    return sorted(path for path in found if "migrations" not in path.parts)


def templates() -> list[Path]:
    return sorted((ROOT / "templates").rglob("*.html"))


def name(path: Path) -> str:
    """A path as a test shows it."""
    return str(path.relative_to(ROOT))


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path))


@cache
def layers() -> list[list[str]]:
    """The layers of the contract in pyproject.toml, the highest first; siblings share one."""
    contracts = tomllib.loads(text(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    [contract] = [one for one in contracts if one["id"] == "layers"]
    return [re.split(r"\s*\|\s*", layer) for layer in contract["layers"]]


def layer_of(module: str) -> tuple[int, str] | None:
    """How low a module lies (0 is the top) and the part of the layer that holds it; None where none does."""
    return next(
        (
            (depth, part)
            for depth, parts in enumerate(layers())
            for part in parts
            if f"{module}.".startswith(f"{part}.")
        ),
        None,
    )


def matches(paths: Iterable[Path], patterns: Mapping[str, str]) -> list[str]:
    """Every find of a pattern, with the reason why it should not be there. Template comments do not count."""
    return [
        f"{name(path)}: {found[0].strip()} ({why})"
        for path in paths
        for pattern, why in patterns.items()
        for found in re.finditer(pattern, TEMPLATE_COMMENT.sub("", text(path)))
    ]


def own_models() -> list[type[models.Model]]:
    """The models of the project's apps, not those of packages."""
    return [model for model in apps.get_models() if model.__module__.partition(".")[0] in PACKAGES]

"""The layers hold for what import-linter cannot see: relations between models, signals, modules it was not told of."""

import re
import sys
from pathlib import Path

from django.dispatch import Signal

from tests.architecture.source import PACKAGES, ROOT, layer_of, modules, name, own_models, text

# They belong to no layer: the settings, and what starts before Django does.
OUTSIDE = {"alignment.settings", "alignment.stack"}

OWN_SIGNALS = rf"({'|'.join(PACKAGES)})\.(.+\.)?signals"


def test_every_module_has_a_layer():
    children = {f"alignment.{child.stem}" for child in (ROOT / "alignment").iterdir() if _is_module(child)}
    known = children | {"leads", "sla", "dashboards"}

    assert not {module for module in known - OUTSIDE if layer_of(module) is None}, "the layers are in pyproject.toml"


def _is_module(path: Path) -> bool:
    return (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()


def test_no_relation_points_up():
    pointing_up = []
    for model in own_models():
        depth, part = layer_of(model.__module__)
        for field in (*model._meta.local_fields, *model._meta.local_many_to_many):
            # The models of packages lie below all layers.
            target = layer_of(field.related_model.__module__) if field.related_model else None
            if target and target[1] != part and target[0] <= depth:
                pointing_up.append(f"{model._meta.label}.{field.name}")

    assert not pointing_up


def test_signals_are_connected_in_the_wiring_alone():
    modules_of_signals = [module for name, module in sys.modules.items() if re.fullmatch(OWN_SIGNALS, name)]
    signals = [key for module in modules_of_signals for key, value in vars(module).items() if isinstance(value, Signal)]
    connecting = re.compile(rf"\b({'|'.join(signals)})\.connect\(")

    assert {name(path) for path in modules(*PACKAGES) if connecting.search(text(path))} == {"alignment/wiring.py"}


def test_files_are_taken_out_on_record():
    """Whoever makes a download asks who may export and writes it down (`alignment.ops.exports`)."""
    making = re.compile(r"\bcsv_response\b")

    found = {name(path) for path in modules(*PACKAGES) if making.search(text(path))}
    assert found == {"alignment/lib/csv.py", "alignment/ops/exports.py"}

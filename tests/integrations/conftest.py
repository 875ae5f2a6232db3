"""What tests of imports share."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from alignment.integrations.importers.proposals import propose
from alignment.integrations.importers.reading import sample
from alignment.integrations.importers.staging import stage


@pytest.fixture
def bring(tmp_path: Path):
    """Import a file with the mapping that is proposed for it (and `changes`); returns what the command said."""

    def bringing(text: str, **changes: Any) -> dict[str, Any]:
        file, staged, mapping = (tmp_path / name for name in ("export.csv", "staged.csv", "mapping.json"))
        file.write_text(text, encoding="utf-8", newline="")
        columns = stage(file, staged).columns
        proposal = propose(columns, [line.cells for line in sample(staged)])
        mapping.write_text(json.dumps({**proposal.mapping, **changes}))
        out = io.StringIO()
        call_command("import_csv", str(file), mapping=mapping, rejected=tmp_path / "no.csv", json=True, stdout=out)
        return json.loads(out.getvalue())

    return bringing

"""How static files are stored: names that carry a hash, also inside module imports, and a gzip copy of each."""

from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Gzip only: Brotli needs ten seconds for Plotly alone, at every start."""

    support_js_module_import_aggregation = True

    def create_compressor(self, **options: Any) -> Compressor:
        return Compressor(use_brotli=False, **options)

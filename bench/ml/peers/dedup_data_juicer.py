"""Cleaning, exact deduplication and MinHash by data-juicer's default executor, from a file of JSON lines to one. Prints one JSON line.

One process. Shingles are character 5-grams and the banding is ours (14 bands of 8); candidates of one band are joined unverified, as it
always does. Needs ``py-data-juicer`` and what it installs while it runs otherwise: ``aiohttp``, ``ray``, ``ftfy``, ``scipy``.

    python bench/ml/peers/dedup_data_juicer.py rows.jsonl
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

from dirty_rows import read
from one_line import measure, source

_OPERATORS: list[dict[str, dict[str, object]]] = [
    {"fix_unicode_mapper": {}},
    {"whitespace_normalization_mapper": {}},
    {"text_length_filter": {"min_len": 1}},
    {"document_deduplicator": {"lowercase": True}},
    {
        "document_minhash_deduplicator": {
            "tokenization": "character", "window_size": 5, "num_permutations": 112, "num_bands": 14, "num_rows_per_band": 8,
            "jaccard_threshold": 0.9, "lowercase": True,
        }
    },
]  # fmt: skip


def deduplicated(path: Path, folder: Path) -> int:
    """Run the operators as its configuration file asks for, and count the lines of the file that it exports."""
    from data_juicer.config import init_configs
    from data_juicer.core import DefaultExecutor

    configuration = folder / "process.json"
    kept = folder / "kept.jsonl"
    wanted = {
        "project_name": "bench",
        "dataset_path": str(path),
        "export_path": str(kept),
        "work_dir": str(folder),
        "np": 1,
    }
    wanted |= {"text_keys": "text", "use_cache": False, "process": _OPERATORS}
    configuration.write_text(json.dumps(wanted))
    DefaultExecutor(init_configs(["--config", str(configuration)])).run()
    return len(read(kept))


def main() -> None:
    """See the module. Its imports, which take seconds, are made before the clock starts."""
    path = source()
    rows = len(read(path))
    os.environ["HF_HUB_OFFLINE"] = "1"
    with contextlib.redirect_stdout(sys.stderr):
        import data_juicer.config
        import data_juicer.core  # noqa: F401
    measure("data-juicer", rows, lambda folder: deduplicated(path, folder))


if __name__ == "__main__":
    main()

"""Starting the forkserver that job processes are born from, and saying what it imports once.

A service does this before it imports anything of its own: both import at the same time, and after a kill its jobs run again a second
sooner. So this module imports the standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from multiprocessing import forkserver, get_context
from pathlib import Path

CONTEXT = get_context("forkserver")

#: One thread per job unless the operator says otherwise: results stay repeatable and jobs do not fight over cores.
_THREAD_LIMITS = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def prepare_forkserver(modules: Sequence[str]) -> None:
    """Say what the forkserver imports beside the job's own frame. Changes nothing for one that runs already."""
    for name, value in _THREAD_LIMITS.items():
        os.environ.setdefault(name, value)
    # The forkserver ignores this process's sys.path and knows only the environment.
    source_roots = [str(Path(__file__).parents[2]), str(Path(__file__).parents[3])]
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, *(root for root in source_roots if root not in paths)])
    CONTEXT.set_forkserver_preload(["wlops_common.jobs.preload", "wlops_common.jobs.child", *modules])


def start_forkserver(modules: Sequence[str]) -> None:
    """Start it, importing ``modules``. To be called from the main thread: it ends with the thread that started it."""
    prepare_forkserver(modules)
    forkserver.ensure_running()

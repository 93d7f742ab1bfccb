"""Strict and flexible exact match: ours against lm-evaluation-harness' own gsm8k filters and metric, on the same saved outputs.

Prints one JSON line: both scores of both, and how many single outputs they judge differently. The harness lives in an environment of its
own, which is made when it is not there; only its filters and its metric are used, so its heavy dependencies are left out.

    PYTHONPATH=python-services:python-services/common python bench/ml/lm_eval_agreement.py <folder for the environment>
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import venv
from pathlib import Path

HARNESS = "lm_eval==0.4.13"
NEEDED_BY_ITS_METRICS = ["numpy", "sacrebleu", "scikit-learn"]
OUTPUTS = 5_000
FORMS = [
    "{a} + {b} = <<{a}+{b}={c}>>{c}\n#### {n}",
    "So there are {n} apples.",
    "The answer is {n}.",
    "The final answer is: {n}",
    "#### {n}",
    "#### ${n}.",
    "It costs ${n}.",
    "She had {a}, then {b}, and now {n}",
    "First #### {a}\nno, wait.\n#### {n}",
    "#### {n} apples of {b}",
    "{n} is what remains of {a}",
    "I do not know",
    "",
    "{n}\n\nQuestion: how many is {b}?",
]


def saved_outputs(seed: int) -> list[dict[str, str]]:
    """Completions such as models write for gsm8k, right in six of ten, with the reference answer of each."""
    draw = random.Random(seed)
    saved = []
    for _ in range(OUTPUTS):
        reference = draw.choice([draw.randrange(100), draw.randrange(1_000, 10**6), draw.randrange(2, 10)])
        said = reference if draw.random() < 0.6 else reference + draw.choice([1, 10, -1])
        number = f"{said:,}" if draw.random() < 0.5 else str(said)
        form = draw.choice(FORMS)
        text = form.format(a=draw.randrange(100), b=draw.randrange(100), c=draw.randrange(100), n=number)
        saved.append({"reference": f"Worked steps.\n#### {reference:,}", "output": text})
    return saved


def ours(saved: list[dict[str, str]]) -> list[tuple[bool, bool]]:
    """Strict and flexible, per output."""
    from evaluator.scorers.generation import AnswerScorer

    scorer = AnswerScorer()
    judged = [scorer.judge(scorer.reference({"completion": one["reference"]}), one["output"]) for one in saved]
    return [(one.strictly_right, one.right) for one in judged]


def harness(saved: list[dict[str, str]]) -> list[tuple[bool, bool]]:
    """The same by the harness: the filters and the metric of its task ``gsm8k``, version 3. Runs in its own environment."""
    from lm_eval.api.metrics import exact_match_hf_evaluate  # type: ignore[import-not-found]
    from lm_eval.filters.extraction import RegexFilter  # type: ignore[import-not-found]

    strict = RegexFilter(regex_pattern=r"#### (\-?[0-9\.\,]+)")
    flexible = RegexFilter(regex_pattern=r"(-?[$0-9.,]{2,})|(-?[0-9]+)", group_select=-1)
    ignored = [",", r"\$", "(?s).*#### ", r"\.$"]
    outputs = [[one["output"]] for one in saved]
    sides = []
    for chosen in (strict, flexible):
        extracted = [found[0] for found in chosen.apply(outputs, [{} for _ in saved])]
        sides.append(
            [
                bool(
                    exact_match_hf_evaluate([said], [one["reference"]], regexes_to_ignore=ignored, ignore_case=True)[
                        "exact_match"
                    ]
                )
                for said, one in zip(extracted, saved, strict=True)
            ]
        )
    return list(zip(*sides, strict=True))


def environment(folder: Path) -> Path:
    """The interpreter of the harness' environment, made when it is not there."""
    python = folder / "bin" / "python"
    if not python.is_file():
        venv.create(folder, with_pip=True)
        for arguments in (["--no-deps", HARNESS], NEEDED_BY_ITS_METRICS):
            subprocess.run([python, "-m", "pip", "install", "--quiet", *arguments], check=True)  # noqa: S603
    return python


def main() -> None:
    """See the module."""
    if sys.argv[1] == "--harness":
        json.dump(harness(json.load(sys.stdin)), sys.stdout)
        return
    saved = saved_outputs(7)
    command = [environment(Path(sys.argv[1])), __file__, "--harness"]
    answer = subprocess.run(command, input=json.dumps(saved), capture_output=True, text=True, check=True)  # noqa: S603
    theirs = [(bool(strict), bool(flexible)) for strict, flexible in json.loads(answer.stdout)]
    own = ours(saved)
    line: dict[str, object] = {"peer": HARNESS, "outputs": len(saved)}
    for at, name in enumerate(("strict", "flexible")):
        differing = [one for one, a, b in zip(saved, own, theirs, strict=True) if a[at] != b[at]]
        line[name] = {
            "ours": sum(one[at] for one in own) / len(saved),
            "peer": sum(one[at] for one in theirs) / len(saved),
            "differing": len(differing),
            "examples": differing[:3],
        }
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from data_optimizer.tests.uploads import json_lines, labels, lines, prose, read, sheet

#: Thousands, and sorted by class where the public file is: small and mixed samples hide what a reader gets wrong.
COUNT = 4_000
MOST = 3_600
TEXTS = prose(COUNT, 1)
TITLES = [text.split(",")[0] for text in prose(COUNT, 2, longest=8)]
INTENTS = [f"{verb}_{thing}" for verb in ("lost", "change", "ask") for thing in map(str, range(50))]


@dataclass(frozen=True)
class PublicFormat:
    """A file and the inputs and outputs, in order, that reading it must give; ``bad`` rows go aside."""

    data: bytes
    given: list[str]
    wanted: list[str]
    task_type: Literal["classification", "generation"] = "classification"
    bad: int = 0


def sms_spam() -> PublicFormat:
    """`label<tab>text`, no header, nothing quoted; a few texts open with a quote that nothing, or another text, closes."""
    texts = [f'"{text}' if row in (100, 250, 1_700) else text for row, text in enumerate(TEXTS)]
    texts[300] = f'"{texts[300]}" he said'
    texts[402], texts[410] = f'"{texts[402]}', f'{texts[410]}"'
    wanted = labels(COUNT, ["ham"] * 6 + ["spam"])
    return PublicFormat(lines(map("\t".join, zip(wanted, texts, strict=True))), texts, wanted)


def sms_spam_with_commas() -> PublicFormat:
    """`ham,some, text`, where one line is cut short and some texts hold quotes."""
    texts = [f'{text} he said "so"' if row % 500 == 7 else text for row, text in enumerate(TEXTS)]
    texts = [f'"{text}' if row % 100 == 9 else text for row, text in enumerate(texts)]
    wanted = labels(COUNT, ["ham", "spam"])
    rows = [*map(",".join, zip(wanted, texts, strict=True))]
    return PublicFormat(lines([*rows[:50], "cut", *rows[50:]]), texts, wanted, bad=1)


def spam_csv() -> PublicFormat:
    """`v1,v2` and three columns that nearly always stay empty."""
    wanted = labels(COUNT, ["ham", "spam"])
    rows = [[label, text, "", "", ""] for label, text in zip(wanted, TEXTS, strict=True)]
    return PublicFormat(sheet([["v1", "v2", "", "", ""], *rows]), TEXTS, wanted)


def ag_news() -> PublicFormat:
    """Class number, title, description, all quoted, no header."""
    wanted = labels(COUNT, "1234")
    rows = zip(wanted, TITLES, TEXTS, strict=True)
    given = [f"{title} {text}" for title, text in zip(TITLES, TEXTS, strict=True)]
    return PublicFormat(sheet(rows, quoting=1), given, wanted)


def dbpedia() -> PublicFormat:
    """Class number, title, abstract, no header, sorted by class."""
    wanted = [str(label) for label in sorted(int(label) for label in labels(COUNT, map(str, range(1, 15))))]
    given = [f"{title} {text}" for title, text in zip(TITLES, TEXTS, strict=True)]
    return PublicFormat(sheet(zip(wanted, TITLES, TEXTS, strict=True)), given, wanted)


def yahoo_answers() -> PublicFormat:
    """Class number, question, its details (often empty) and the best answer; no header."""
    wanted = labels(COUNT, map(str, range(1, 11)))
    details = [text if row % 3 else "" for row, text in enumerate(prose(COUNT, 5))]
    answers = prose(COUNT, 6)
    given = [" ".join(filter(None, parts)) for parts in zip(TITLES, details, answers, strict=True)]
    return PublicFormat(sheet(zip(wanted, TITLES, details, answers, strict=True), quoting=1), given, wanted)


def sentiment140() -> PublicFormat:
    """Polarity, id, date, query, user, text; no header, Latin-1, all negative tweets first."""
    wanted = ["0"] * MOST + ["4"] * (COUNT - MOST)
    texts = [f"{text} caf\xe9" for text in TEXTS]
    rows = [
        [
            label,
            1467810369 + row,
            f"Mon Apr 06 22:{row // 60 % 60:02}:{row % 60:02} PDT 2009",
            "NO_QUERY",
            f"user{row}",
            text,
        ]
        for row, (label, text) in enumerate(zip(wanted, texts, strict=True))
    ]
    return PublicFormat(sheet(rows, quoting=1).decode().encode("latin-1"), texts, wanted)


def polarity_sorted() -> PublicFormat:
    """All texts of one class, then all of the other."""
    wanted = ["neg"] * MOST + ["pos"] * (COUNT - MOST)
    return PublicFormat(sheet([["text", "label"], *zip(TEXTS, wanted, strict=True)]), TEXTS, wanted)


def unknown_names_sorted() -> PublicFormat:
    """As above under names that nobody knows, so that only the values tell."""
    wanted = ["neg"] * MOST + ["pos"] * (COUNT - MOST)
    return PublicFormat(sheet([["foo", "bar"], *zip(TEXTS, wanted, strict=True)]), TEXTS, wanted)


def unquoted_sorted() -> PublicFormat:
    """`label,text` with unquoted commas, sorted by class."""
    wanted = ["neg"] * MOST + ["pos"] * (COUNT - MOST)
    return PublicFormat(lines(map(",".join, zip(wanted, TEXTS, strict=True))), TEXTS, wanted)


def imdb() -> PublicFormat:
    """`review,sentiment`, quoted where needed, line breaks within reviews."""
    texts = [f'{text}\n\n{text[:40]}, he said "no"' if row % 3 == 0 else text for row, text in enumerate(TEXTS)]
    wanted = labels(COUNT, ["positive", "negative"])
    return PublicFormat(sheet([["review", "sentiment"], *zip(texts, wanted, strict=True)]), texts, wanted)


def trec() -> PublicFormat:
    """`COARSE:fine text`."""
    wanted = labels(COUNT, ["DESC:manner", "HUM:ind", "NUM:count", "LOC:city"])
    return PublicFormat(lines(map(" ".join, zip(wanted, TEXTS, strict=True))), TEXTS, wanted)


def label_blank_text() -> PublicFormat:
    """`0 some text`, with commas in many texts and the numbers in some."""
    texts = [f"{text} 1 of 2, 0" if row % 3 else text for row, text in enumerate(TEXTS)]
    wanted = labels(COUNT, "01", sort=True)
    return PublicFormat(lines(map(" ".join, zip(wanted, texts, strict=True))), texts, wanted)


def emotion() -> PublicFormat:
    """`text;label`, no header, commas in many texts."""
    wanted = labels(COUNT, ["joy", "anger", "fear", "love"])
    return PublicFormat(lines(map(";".join, zip(TEXTS, wanted, strict=True))), TEXTS, wanted)


def clinc150() -> PublicFormat:
    """One JSON object with lists of pairs by split."""
    wanted = labels(COUNT, INTENTS, sort=True)
    pairs = [*map(list, zip(TEXTS, wanted, strict=True))]
    other = [["what is up", "oos"]] * 20
    data = {"oos_val": other, "val": other, "train": pairs, "oos_test": other, "test": other, "oos_train": other}
    return PublicFormat(json.dumps(data).encode(), TEXTS, wanted)


def banking77_few_shot() -> PublicFormat:
    """One or two rows per intent."""
    wanted = sorted([*INTENTS[:77], *labels(40, INTENTS[:77])])
    texts = TEXTS[: len(wanted)]
    return PublicFormat(sheet([["text", "intent"], *zip(texts, wanted, strict=True)]), texts, wanted)


def hwu64() -> PublicFormat:
    """Semicolons; `question` is what the annotator was told, `answer` what the user said."""
    head = "userid;answerid;scenario;intent;status;answer_annotation;notes;suggested_entities;answer_normalised;answer;question"
    wanted = labels(COUNT, INTENTS[:60])
    tasks = labels(COUNT, [f"Write what you would tell your device to {intent}" for intent in INTENTS[:60]], 3)
    rows = [
        [row % 90, row, intent.split("_")[0], intent, "null", f"[{text}]", "", "", text, f"{text} ...", task]
        for row, (intent, text, task) in enumerate(zip(wanted, TEXTS, tasks, strict=True))
    ]
    return PublicFormat(sheet([head.split(";"), *rows], delimiter=";"), TEXTS, wanted)


def amazon_reviews() -> PublicFormat:
    """JSON Lines of `reviewText` and `overall` among other things."""
    wanted = labels(COUNT, "12345")
    rows = [
        {"reviewerID": f"A{row}", "unixReviewTime": 1252800000 + row * 7, "reviewText": text, "overall": float(label)}
        for row, (text, label) in enumerate(zip(TEXTS, wanted, strict=True))
    ]
    return PublicFormat(json_lines(rows), TEXTS, wanted)


def snli() -> PublicFormat:
    """Two texts and their relation; each premise stands with three hypotheses."""
    premises = [TEXTS[row // 3] for row in range(COUNT)]
    wanted = labels(COUNT, "012")
    rows = [
        {"premise": premise, "hypothesis": text, "label": int(label)}
        for premise, text, label in zip(premises, prose(COUNT, 8), wanted, strict=True)
    ]
    given = [f"{row['premise']} {row['hypothesis']}" for row in rows]
    return PublicFormat(json_lines(rows), given, wanted)


def pandas_by_column() -> PublicFormat:
    """`{"text": {"0": …}, "label": {"0": …}}`."""
    wanted = labels(COUNT, ["a", "b"])
    data = {
        name: {str(row): cell for row, cell in enumerate(column)}
        for name, column in (("text", TEXTS), ("label", wanted))
    }
    return PublicFormat(json.dumps(data).encode(), TEXTS, wanted)


def pandas_by_row() -> PublicFormat:
    """`{"0": {"text": …, "label": …}, …}`."""
    wanted = labels(COUNT, ["a", "b"])
    data = {
        str(row): {"text": text, "label": label} for row, (text, label) in enumerate(zip(TEXTS, wanted, strict=True))
    }
    return PublicFormat(json.dumps(data, indent=1).encode(), TEXTS, wanted)


def pandas_split() -> PublicFormat:
    """`{"columns": ["text", "label"], "index": […], "data": [[…], …]}`."""
    wanted = labels(COUNT, ["a", "b"])
    rows = [*map(list, zip(TEXTS, wanted, strict=True))]
    data = {"columns": ["text", "label"], "index": [*range(COUNT)], "data": rows}
    return PublicFormat(json.dumps(data).encode(), TEXTS, wanted)


def json_lists() -> PublicFormat:
    """`{"text": […], "label": […]}` by split."""
    wanted = labels(COUNT, ["a", "b"])
    data = {"train": {"text": TEXTS, "label": wanted}, "test": {"text": ["x"], "label": ["a"]}}
    return PublicFormat(json.dumps(data).encode(), TEXTS, wanted)


def one_foreign_byte() -> PublicFormat:
    """UTF-8 with one line pasted from elsewhere."""
    texts = [f"{text} d\xe9j\xe0 vu" for text in TEXTS]
    wanted = labels(COUNT, ["a", "b"])
    rows = sheet([["text", "label"], *zip(texts, wanted, strict=True)]).splitlines(keepends=True)
    rows[77] = rows[77].decode().encode("latin-1")
    return PublicFormat(b"".join(rows), texts, wanted)


def _sums() -> list[tuple[str, str, int]]:
    """Questions with the expression that solves them and its value."""
    rng = random.Random(4)
    made = []
    for text in TEXTS:
        b, c = rng.randint(2, 60), rng.randint(2, 40)
        expression, value = rng.choice(((f"{b + c}-{c}", b), (f"({b}+{c})*2", 2 * (b + c)), (f"{b * c}/{c}", b)))
        made.append((f"{text} How many?", expression, value))
    return made


SUMS = _sums()
QUESTIONS = [question for question, _, _ in SUMS]
WORKED = [f"{expression}={value}\n#### {value}" for _, expression, value in SUMS]
VALUES = [str(value) for _, _, value in SUMS]


def gsm8k() -> PublicFormat:
    """`question` and the worked `answer`."""
    answers = [f"It is <<{expression}={value}>>{value}.\n#### {value}" for _, expression, value in SUMS]
    rows = [{"question": question, "answer": answer} for question, answer in zip(QUESTIONS, answers, strict=True)]
    return PublicFormat(json_lines(rows), QUESTIONS, answers, "generation")


def svamp() -> PublicFormat:
    """Body and question apart; the equation has a column of its own."""
    rows = [
        {
            "ID": f"chal-{row}",
            "Body": body,
            "Question": "How many?",
            "Equation": "( " + re.sub(r"([0-9]+)", r" \1.0 ", expression) + " )",
            "Answer": float(value),
            "Type": "Subtraction",
        }
        for row, (body, (_, expression, value)) in enumerate(zip(TEXTS, SUMS, strict=True))
    ]
    worked = [f"({expression})={value}\n#### {value}" for _, expression, value in SUMS]
    return PublicFormat(json.dumps(rows).encode(), QUESTIONS, worked, "generation")


def mawps() -> PublicFormat:
    """Index, question, and lists of one equation and one solution."""
    rows = [
        {"iIndex": row, "sQuestion": question, "lEquations": [f"X=({expression})"], "lSolutions": [float(value)]}
        for row, (question, expression, value) in enumerate(SUMS)
    ]
    worked = [f"({expression})={value}\n#### {value}" for _, expression, value in SUMS]
    return PublicFormat(json.dumps(rows, indent=1).encode(), QUESTIONS, worked, "generation")


def math23k() -> PublicFormat:
    """`question`, `final_ans`."""
    rows = [{"id": row, "question": question, "final_ans": value} for row, (question, _, value) in enumerate(SUMS)]
    return PublicFormat(json_lines(rows), QUESTIONS, VALUES, "generation")


def calc_x() -> PublicFormat:
    """`question`, `expression`, `result`."""
    rows = [
        {"question": question, "expression": expression, "result": str(value)} for question, expression, value in SUMS
    ]
    return PublicFormat(json_lines(rows), QUESTIONS, WORKED, "generation")


def problem_and_unknown_number() -> PublicFormat:
    """Row number, a question, numbers under a name that nobody knows, and who asked."""
    values = [str(value * 1_000 + 5) for _, _, value in SUMS]
    rows = [
        [row * 3, question, value, f"teacher {row % 9}"]
        for row, (question, value) in enumerate(zip(QUESTIONS, values, strict=True))
    ]
    return PublicFormat(sheet([["key", "question", "foo", "by"], *rows]), QUESTIONS, values, "generation")


def problem_and_target() -> PublicFormat:
    """A problem beside numbers under a name that labels have elsewhere."""
    values = [str(value * 1_000 + 5) for _, _, value in SUMS]
    rows = [{"problem": question, "target": int(value)} for question, value in zip(QUESTIONS, values, strict=True)]
    return PublicFormat(json_lines(rows), QUESTIONS, values, "generation")


def quora_insincere() -> PublicFormat:
    """A question beside the number of its class."""
    wanted = labels(COUNT, "0001")
    rows = [[f"q{row}", question, label] for row, (question, label) in enumerate(zip(QUESTIONS, wanted, strict=True))]
    return PublicFormat(sheet([["qid", "question_text", "target"], *rows]), QUESTIONS, wanted)


def alpaca() -> PublicFormat:
    """`instruction`, an often empty `input`, `output`."""
    outputs = prose(COUNT, 9)
    inputs = ["" if row % 2 else title for row, title in enumerate(TITLES)]
    rows = [
        {"instruction": text, "input": more, "output": output}
        for text, more, output in zip(TEXTS, inputs, outputs, strict=True)
    ]
    given = [" ".join(filter(None, pair)) for pair in zip(TEXTS, inputs, strict=True)]
    return PublicFormat(json.dumps(rows).encode(), given, outputs, "generation")


def chat_messages() -> PublicFormat:
    """Turns, the last one the assistant's."""
    outputs = prose(COUNT, 9)
    rows = [
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": output}]}
        for text, output in zip(TEXTS, outputs, strict=True)
    ]
    return PublicFormat(json_lines(rows), TEXTS, outputs, "generation")


FORMATS: list[Callable[[], PublicFormat]] = [
    sms_spam, sms_spam_with_commas, spam_csv, ag_news, dbpedia, yahoo_answers, sentiment140, polarity_sorted, unknown_names_sorted,
    unquoted_sorted, imdb, trec, label_blank_text, emotion, clinc150, banking77_few_shot, hwu64, amazon_reviews, snli, pandas_by_column,
    pandas_by_row, pandas_split, json_lists, one_foreign_byte, gsm8k, svamp, mawps, math23k, calc_x, problem_and_unknown_number,
    problem_and_target, quora_insincere, alpaca, chat_messages,
]  # fmt: skip


@pytest.mark.parametrize("build", FORMATS, ids=lambda build: str(build.__name__))
def test_a_file_laid_out_as_a_public_data_set_is_read_whole(build: Callable[[], PublicFormat], tmp_path: Path) -> None:
    layout = build()
    dataset = read(tmp_path, layout.data)
    assert (dataset.task_type, len(dataset.bad)) == (layout.task_type, layout.bad)
    assert dataset.rows["given"].to_list() == layout.given
    assert dataset.rows["wanted"].to_list() == layout.wanted

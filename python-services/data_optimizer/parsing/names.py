"""The names that people give to columns, by role, in order of preference. The one table of its kind."""

from __future__ import annotations

TEXT_NAMES = (
    "text", "sentence", "utterance", "query", "message", "review", "tweet", "sms", "comment", "content", "body", "document", "post",
    "headline", "title", "phrase", "review_text", "review_body", "clean_text", "raw_text", "question", "question_text", "request",
    "statement", "description", "subject", "email", "input_text", "answer_normalised", "answer", "v2", "data", "prompt", "input",
)  # fmt: skip
LABEL_NAMES = (
    "label", "intent", "category", "class", "target", "sentiment", "label_name", "label_text", "intent_name", "class_name",
    "category_name", "labels", "topic", "emotion", "spam", "toxic", "polarity", "tag", "type", "scenario", "genre", "department",
    "class_index", "class_label", "label_coarse", "coarse_label", "fine_label", "label_fine", "label-coarse", "stars", "rating", "v1",
    "y", "gold", "gold_label", "language", "domain", "output", "is_spam", "score",
)  # fmt: skip
#: Of these, the ones that nobody gives to a mere remark on a prompt and its answer.
UNMISTAKABLE_LABEL_NAMES = frozenset(
    {"label", "labels", "intent", "class", "sentiment", "emotion", "label_text", "label_name", "intent_name"}
)
#: Two columns that make one text when both are there, in reading order.
TITLE_NAMES = ("title", "subject", "headline", "summary")
BODY_NAMES = ("description", "body", "content", "text", "review", "article", "review_text", "review_body")
#: Pairs for generation, most telling first.
GENERATION_PAIRS = (
    ("prompt", "completion"), ("question", "answer"), ("prompt", "response"), ("instruction", "output"), ("instruction", "response"),
    ("problem", "solution"), ("problem", "answer"), ("question", "solution"), ("question", "response"), ("question", "rationale"),
    ("query", "response"), ("input", "output"), ("source", "target"), ("prompt", "answer"), ("prompt", "output"),
    ("prompt", "chosen"), ("instruction", "completion"), ("instruction", "answer"), ("text", "completion"), ("text", "summary"),
    ("document", "summary"), ("article", "highlights"), ("question", "final_answer"), ("body", "answer"), ("context", "response"),
)  # fmt: skip
#: Columns that go before the input where they hold something (`instruction` + `input`, SVAMP's `Body` + `Question`).
CONTEXT_PAIRS = (
    ("instruction", "input"),
    ("body", "question"),
    ("context", "question"),
    ("context", "instruction"),
    ("passage", "question"),
)
MESSAGES_NAMES = ("messages", "conversations", "conversation", "dialogue")

#: What a caller may call a role in `columns`, and the role it means.
ROLE_ALIASES = {
    "text": "input", "sentence": "input", "utterance": "input", "prompt": "input", "question": "input", "instruction": "input",
    "input": "context", "label": "output", "intent": "output", "category": "output", "class": "output", "completion": "output",
    "answer": "output", "output": "output", "response": "output", "target": "output", "messages": "messages", "context": "context",
}  # fmt: skip
CLASSIFICATION_ROLES = frozenset({"text", "sentence", "utterance", "label", "intent", "category", "class"})

_KNOWN = frozenset(
    {
        *TEXT_NAMES,
        *LABEL_NAMES,
        *MESSAGES_NAMES,
        *(name for pair in (*GENERATION_PAIRS, *CONTEXT_PAIRS) for name in pair),
    }
)


def plain_name(name: str) -> str:
    """A column name for comparison: lower case, blanks and hyphens as underscores."""
    return "_".join(name.strip().lower().replace("-", " ").split())


def is_known_name(name: str) -> bool:
    """Whether people use this as the name of a column of text, labels, prompts or answers."""
    return plain_name(name) in _KNOWN

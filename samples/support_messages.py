"""Write a made-up data set of messages to a shop's support, each with its intent: `messages.csv`.

Twelve intents, some close to each other, with the dirt of a real mailbox: copies, markup, blank rows, typing errors, wrong labels.
Standard library only; the same seed gives the same bytes. CSV with the header `message,intent`.

    python samples/support_messages.py --out my-folder
"""

from __future__ import annotations

import argparse
import csv
import io
import random
from pathlib import Path

ITEMS = (
    "jacket",
    "kettle",
    "lamp",
    "headphones",
    "backpack",
    "shoes",
    "desk",
    "camera",
    "blender",
    "watch",
    "rug",
    "tent",
)
TIMES = (
    "yesterday",
    "last week",
    "on Monday",
    "two weeks ago",
    "three days ago",
    "this morning",
    "in May",
    "last month",
)
OPENINGS = (
    "",
    "",
    "",
    "Hi,",
    "Hello,",
    "Hello there,",
    "Good morning,",
    "Hey,",
    "Excuse me,",
    "Dear team,",
    "Sorry to bother you,",
)
CLOSINGS = (
    "",
    "",
    "",
    "",
    "Thanks!",
    "Please help.",
    "Thank you.",
    "Regards, a customer",
    "Can you check?",
    "Please answer soon.",
)
#: Sentences that say nothing about the intent, or hint at another one: what makes real messages hard.
ASIDES = (
    "", "", "", "", "I ordered the {item} {time}.", "I paid for it {time}.", "It was a present.", "I wrote to you {time} already.",
    "The parcel came {time}.", "My account is in my wife's name.", "I like the {item} otherwise.", "I used a voucher for it.",
    "It is about the {item}.", "The shop said you could help.",
)  # fmt: skip

INTENTS: dict[str, tuple[str, ...]] = {
    "refund_request": (
        "I want my money back for the {item}.",
        "Please refund the {item}.",
        "Can I get a refund?",
        "I would like to be paid back for my order.",
        "How do I claim back what I paid for the {item}?",
        "I am not happy with it and want the money returned.",
    ),
    "refund_status": (
        "Where is my refund?",
        "You promised to pay me back {time} and nothing came.",
        "When will I get my money for the {item}?",
        "I returned the {item} {time} and still have no money.",
        "Has the refund been sent yet?",
        "How long until I am paid back?",
    ),
    "return_item": (
        "How do I send the {item} back?",
        "I need a return label.",
        "The {item} is not for me, where do I send it?",
        "Can I return the {item} in a shop?",
        "I'd like to give the {item} back.",
        "Which address do returns go to?",
    ),
    "exchange_item": (
        "Can I swap the {item} for another size?",
        "I want another colour of the {item}.",
        "Please change the {item} for a bigger one.",
        "I need the {item} in a different size.",
        "Could you replace the {item} by the blue one?",
        "Is it possible to exchange the {item}?",
    ),
    "damaged_item": (
        "The {item} arrived broken.",
        "There is a crack in the {item}.",
        "My {item} does not work.",
        "The {item} stopped working {time}.",
        "Part of the {item} is missing.",
        "The {item} came with a scratch, please replace it.",
    ),
    "delivery_late": (
        "My parcel is late.",
        "The {item} should have been here {time}.",
        "Why does the delivery take so long?",
        "I am still waiting for the {item}.",
        "When will the {item} arrive?",
        "You said it would come {time}.",
    ),
    "delivery_lost": (
        "The parcel says delivered but it is not here.",
        "My {item} never came.",
        "I think the parcel got lost.",
        "The courier left the {item} somewhere else.",
        "Nobody brought the {item}, though tracking says so.",
        "My order went to the wrong house {time}.",
    ),
    "change_address": (
        "I moved, please send the {item} to my new place.",
        "Can you change the delivery address?",
        "The address on my order is wrong.",
        "Please deliver the {item} to my office instead.",
        "I typed the wrong street.",
        "How do I correct where the parcel goes?",
    ),
    "cancel_order": (
        "Please cancel my order.",
        "I do not want the {item} any more.",
        "Stop the order of the {item}.",
        "I ordered the {item} twice, take one away.",
        "Can I still call off what I ordered {time}?",
        "I changed my mind about the {item} before it was sent.",
    ),
    "payment_failed": (
        "My card was declined.",
        "The payment for the {item} does not go through.",
        "I cannot pay.",
        "It says payment error when I buy the {item}.",
        "You took the money but there is no order.",
        "Why was my card refused {time}?",
    ),
    "invoice_copy": (
        "I need the invoice for the {item}.",
        "Can you send me a receipt?",
        "The bill was not in the parcel.",
        "Where do I find my invoice?",
        "My company needs a receipt for what I paid {time}.",
        "Please send the bill again.",
    ),
    "login_problem": (
        "I cannot log in.",
        "I forgot my password.",
        "My account is locked.",
        "The reset mail never came.",
        "It says my email is unknown.",
        "I can't get into my account to see the {item}.",
    ),
}
ROWS_PER_INTENT = 115
COMMON_TYPES = {"refund_request": 170, "delivery_late": 170, "exchange_item": 60}


def message(rng: random.Random, intent: str) -> str:
    """One message, as a customer types it."""
    words = {"item": rng.choice(ITEMS), "time": rng.choice(TIMES)}
    middle = [rng.choice(INTENTS[intent]), rng.choice(ASIDES)]
    if rng.random() < 0.4:
        middle.reverse()
    parts = [rng.choice(OPENINGS), *middle, rng.choice(CLOSINGS)]
    return mistyped(rng, " ".join(part.format(**words) for part in parts if part))


def mistyped(rng: random.Random, text: str) -> str:
    """The text in the sender's own care: small letters, swapped or lost ones, no full stops."""
    if rng.random() < 0.3:
        text = text.lower()
    if rng.random() < 0.2:
        text = text.replace(".", "").replace(",", "")
    letters = list(text)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        place = rng.randrange(len(letters) - 1)
        if rng.random() < 0.5:
            letters[place], letters[place + 1] = letters[place + 1], letters[place]
        else:
            del letters[place]
    return "".join(letters)


def rows(rng: random.Random) -> list[tuple[str, str]]:
    """All rows with their dirt, in mixed order."""
    clean = [
        (message(rng, intent), intent) for intent in INTENTS for _ in range(COMMON_TYPES.get(intent, ROWS_PER_INTENT))
    ]
    made = [(text, rng.choice(sorted(INTENTS)) if rng.random() < 0.03 else intent) for text, intent in clean]
    made += rng.sample(made, 40)
    made += [(text, rng.choice(sorted(set(INTENTS) - {intent}))) for text, intent in rng.sample(clean, 12)]
    made += [(f"<div>{text.replace(' ', '&nbsp;', 2)}</div><br/>", intent) for text, intent in rng.sample(clean, 25)]
    made += [(text.replace("\n", " ").replace(". ", ".\n"), intent) for text, intent in rng.sample(clean, 20)]
    made += [("", intent) for intent in rng.sample(sorted(INTENTS), 6)]
    made += [(text, "") for text, _ in rng.sample(clean, 6)]
    rng.shuffle(made)
    return made


def main() -> None:
    """Read the options and write the file."""
    options = argparse.ArgumentParser(description="Write the support sample: messages.csv.")
    options.add_argument("--out", type=Path, required=True, help="folder to write to; made if missing")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    table = rows(random.Random(chosen.seed))
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\r\n")
    writer.writerow(("message", "intent"))
    writer.writerows(table)
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "messages.csv").write_text(sheet.getvalue(), encoding="utf-8", newline="")
    print(f"{chosen.out / 'messages.csv'}: {len(table)} rows")


if __name__ == "__main__":
    main()

"""Near-duplicate search by datasketch's ``MinHashLSH`` alone, on the different texts of the file. Prints one JSON line.

Signatures of character 5-grams in bulk, 112 permutations in 14 bands of 8, which is our own banding; each candidate is checked by the
signatures' estimate of the similarity. Needs ``datasketch`` and no service.

    python bench/ml/peers/dedup_datasketch.py rows.jsonl
"""

from __future__ import annotations

from datasketch import MinHash, MinHashLSH
from dirty_rows import read
from one_line import measure, source

_BANDS, _ROWS_OF_BAND, _SHINGLE, _THRESHOLD = 14, 8, 5, 0.9


def kept(texts: list[str]) -> int:
    """How many texts are not nearly an earlier one that stays."""
    permutations = _BANDS * _ROWS_OF_BAND
    index = MinHashLSH(num_perm=permutations, params=(_BANDS, _ROWS_OF_BAND))
    staying: dict[int, MinHash] = {}
    simple = (" ".join(text.casefold().split()) for text in texts)
    shingles = (
        [text[at : at + _SHINGLE].encode() for at in range(max(1, len(text) - _SHINGLE + 1))] for text in simple
    )
    for number, signature in enumerate(MinHash.generator(shingles, num_perm=permutations)):
        if any(signature.jaccard(staying[other]) >= _THRESHOLD for other in index.query(signature)):
            continue
        index.insert(number, signature, check_duplication=False)
        staying[number] = signature
    return len(staying)


def main() -> None:
    """See the module."""
    texts = [*dict.fromkeys(row["text"] for row in read(source()) if row["text"].strip())]
    measure("datasketch", len(texts), lambda _: kept(texts))


if __name__ == "__main__":
    main()

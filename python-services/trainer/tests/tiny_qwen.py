"""A random Qwen2 small enough for tests, with a tokenizer trained on the rows of the tests and a chat template."""

from __future__ import annotations

from pathlib import Path

import torch

from trainer.tests.support import intent_rows

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CAPITALS = {"France": "Paris", "Peru": "Lima", "Japan": "Tokyo", "Kenya": "Nairobi", "Italy": "Rome", "Cuba": "Havana"}


def capital_rows(times: int) -> list[dict[str, str]]:
    """Questions whose answers a model can learn by heart."""
    return [
        {"prompt": f"What is the capital of {country}? ({number})", "completion": capital}
        for number in range(times)
        for country, capital in CAPITALS.items()
    ]


def make_tiny_qwen(folder: Path) -> None:
    """Write model and tokenizer into a folder, as the hub has them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    texts = [f"{row['prompt']} {row['completion']} user assistant" for row in capital_rows(3)]
    texts += [row["text"] for row in intent_rows(100)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    fast.chat_template = CHATML
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        # Large enough for the frozen output layer to tell tokens apart, as a pretrained one does.
        initializer_range=0.2,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)

#!/usr/bin/env python3
"""Trains a small language model of the Qwen3 family from scratch: the second model of studies/methods_on_smollm2.lua.

  train_second_model.py DATA TEXT OUT [--steps 1000] [--seed 42]

DATA: folder of public data sets, as on the Hugging Face hub; TEXT: a plain text file (TinyShakespeare); OUT: the Hugging Face
folder to write. The model has 6 layers of width 384 (6 heads over 2 key-value heads, norms on queries and keys, an output head of its
own) and a byte-level BPE vocabulary of 8192. A step trains on 8 sequences of 512 tokens. The training text is
WikiText-2 validation, GSM8K train, SQuAD contexts, BoolQ passages and TEXT; it holds no test split. The model was made with
torch 2.11, transformers 5.23 and tokenizers 0.23. Another processor gives another model, so the study records the folder's hash.
"""
import argparse
import json
from pathlib import Path

import pyarrow.parquet as parquet
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

LENGTH, BATCH, VOCABULARY = 512, 8, 8192
PEAK_RATE, WARM_STEPS, DECAY = 2e-3, 100, 0.1


def texts(data, plain):
    """The training texts, one for each source. A passage that occurs in several rows is taken once."""
    def rows(folder, split, column):
        for file in sorted((Path(data) / folder).glob(f"{split}-*.parquet")):
            yield from parquet.read_table(file, columns=[column])[column].to_pylist()

    articles = "".join(row or " \n" for row in rows("Salesforce/wikitext/wikitext-2-raw-v1", "validation", "text"))
    gsm8k = [f"{q}\n{a}" for q, a in zip(rows("openai/gsm8k/main", "train", "question"), rows("openai/gsm8k/main", "train", "answer"))]
    squad = dict.fromkeys(rows("rajpurkar/squad_v2/squad_v2", "validation", "context"))
    boolq = dict.fromkeys(rows("google/boolq/data", "validation", "passage"))
    return [articles, "\n\n".join(gsm8k), "\n\n".join(squad), "\n\n".join(boolq), Path(plain).read_text(encoding="utf-8")]


def make_tokenizer(corpus):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=["<|endoftext|>"],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>")


def make_model():
    return Qwen3ForCausalLM(Qwen3Config(
        vocab_size=VOCABULARY, hidden_size=384, intermediate_size=1024, num_hidden_layers=6, num_attention_heads=6,
        num_key_value_heads=2, head_dim=64, max_position_embeddings=LENGTH, tie_word_embeddings=False,
        rope_theta=10000.0, eos_token_id=0, bos_token_id=None))


def train(model, ids, steps, seed):
    """Trains with AdamW; the learning rate rises at first, then falls linearly. Returns the mean loss of the last 50 steps in nats."""
    generator = torch.Generator().manual_seed(seed)
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}],
                                  lr=PEAK_RATE, betas=(0.9, 0.95), fused=True)
    losses = []
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = PEAK_RATE * min(step / WARM_STEPS, 1.0 - (step - 1) / steps)
        at = torch.randint(len(ids) - LENGTH - 1, (BATCH,), generator=generator)
        batch = torch.stack([ids[i:i + LENGTH + 1] for i in at])
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(batch[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if step % 50 == 0:
            print(f"step {step}: loss {sum(losses[-50:]) / 50:.3f}", flush=True)
    return sum(losses[-50:]) / len(losses[-50:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("text")
    parser.add_argument("out")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    corpus = texts(options.data, options.text)
    tokenizer = make_tokenizer(corpus)
    ids = torch.tensor(sum((tokenizer(text)["input_ids"] + [0] for text in corpus), []))
    model = make_model()
    print(f"{len(ids)} tokens, {sum(p.numel() for p in model.parameters())} parameters", flush=True)
    loss = train(model, ids, options.steps, options.seed)
    model.save_pretrained(options.out)
    tokenizer.save_pretrained(options.out)
    facts = {"tokens_in_text": len(ids), "steps": options.steps, "tokens_a_step": BATCH * LENGTH, "last_loss": loss, "seed": options.seed}
    (Path(options.out) / "training_metadata.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(facts)


main()

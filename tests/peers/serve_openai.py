#!/usr/bin/env python3
"""Talks to `assay serve` with the package openai: both routes, streams, usage, stop strings, seeds, and errors as its typed exceptions.

  serve_openai.py ASSAY MODEL

MODEL: a folder or GGUF file with a chat template. Texts are compared with what `assay run serve_answers.lua` generates in its own process.
"""
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

try:
    import openai
except ImportError:
    print("skipped: no package openai")
    sys.exit(77)

here = Path(__file__).resolve().parent
PROMPTS = ["The capital of France is", "def fibonacci(n):\n", "Once upon a time"]
QUESTION = [{"role": "system", "content": "You answer briefly."}, {"role": "user", "content": "Name three colours."}]


class Server:
    def __init__(self, assay, model, *more):
        self.process = subprocess.Popen([assay, "serve", "mine=" + model, "--port", "0", *more], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://"), self.url

    def client(self, **more):
        return openai.OpenAI(base_url=self.url + "/v1", api_key=more.pop("key", "none"), max_retries=more.pop("retries", 0), **more)

    def end(self):
        self.process.terminate()
        assert self.process.wait(60) == 0, self.process.returncode


def expected(assay, model):
    out = subprocess.run([assay, "run", here / "serve_answers.lua", "--quiet", "--set", "model=" + model,
                          "--set", "request=" + json.dumps({"prompts": PROMPTS, "messages": QUESTION})],
                         stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(out.stdout)


def raises(kind, call):
    try:
        call()
    except kind as problem:
        return problem
    raise AssertionError(f"no {kind.__name__}")


def answers(client, want):
    for prompt, one in zip(PROMPTS, want["completions"]):
        a = client.completions.create(model="mine", prompt=prompt, max_tokens=24, temperature=0)
        assert a.choices[0].text == one["text"], (a.choices[0].text, one["text"])
        assert a.choices[0].finish_reason == one["finish"]
        assert a.usage.prompt_tokens == one["prompt_tokens"] and a.usage.total_tokens == a.usage.prompt_tokens + a.usage.completion_tokens
        assert a.usage.completion_tokens == one["tokens"] + (one["finish"] == "stop")
        parts = list(client.completions.create(model="mine", prompt=prompt, max_tokens=24, temperature=0, stream=True))
        assert "".join(p.choices[0].text for p in parts) == one["text"]
        assert len(parts) == a.usage.completion_tokens
    a = client.chat.completions.create(model="mine", messages=QUESTION, max_tokens=24, temperature=0)
    assert a.choices[0].message.content == want["chat"]["text"] and a.choices[0].message.role == "assistant"
    parts = list(client.chat.completions.create(model="mine", messages=QUESTION, max_tokens=24, temperature=0, stream=True,
                                                stream_options={"include_usage": True}))
    assert parts[-1].choices == [] and parts[-1].usage == a.usage
    assert parts[0].choices[0].delta.role == "assistant"
    assert "".join(p.choices[0].delta.content for p in parts[:-1]) == want["chat"]["text"]
    many = client.chat.completions.create(model="mine", messages=QUESTION, max_tokens=8, n=4, seed=3, temperature=1)
    assert [c.index for c in many.choices] == [0, 1, 2, 3] and len({c.message.content for c in many.choices}) > 1
    again = client.chat.completions.create(model="mine", messages=QUESTION, max_tokens=8, n=4, seed=3, temperature=1)
    assert [c.message.content for c in many.choices] == [c.message.content for c in again.choices]
    stop = want["completions"][0]["text"][6:9]
    a = client.completions.create(model="mine", prompt=PROMPTS[0], max_tokens=24, temperature=0, stop=[stop, "\x00"])
    assert a.choices[0].text == want["completions"][0]["text"].split(stop)[0] and a.choices[0].finish_reason == "stop"
    a = client.chat.completions.create(model="mine", messages=QUESTION, max_tokens=3, temperature=0, logprobs=True, top_logprobs=2)
    assert len(a.choices[0].logprobs.content) == 3 and len(a.choices[0].logprobs.content[0].top_logprobs) == 2
    assert [m.id for m in client.models.list()] == ["mine"]


def refusals(client):
    e = raises(openai.BadRequestError, lambda: client.completions.create(model="mine", prompt="a", max_tokens=-1))
    assert e.param == "max_tokens" and e.type == "invalid_request_error", (e.param, e.type)
    e = raises(openai.BadRequestError, lambda: client.completions.create(model="mine", prompt="a " * 20000))
    assert e.code == "context_length_exceeded"
    e = raises(openai.BadRequestError, lambda: client.chat.completions.create(
        model="mine", messages=QUESTION, tools=[{"type": "function", "function": {"name": "f"}}]))
    assert e.param == "tools"
    e = raises(openai.NotFoundError, lambda: client.completions.create(model="other", prompt="a"))
    assert e.code == "model_not_found"
    e = raises(openai.APIStatusError, lambda: client.completions.create(model="mine", prompt="a" * (9 << 20)))
    assert e.status_code == 413


def busy(assay, model):
    """One slot and one place: the third request gets 429 with Retry-After, and a client that retries gets its answer."""
    server = Server(assay, model, "--live", "1", "--queue", "1")
    streams = [server.client().completions.create(model="mine", prompt="a", max_tokens=200, stream=True,
                                                  extra_body={"ignore_eos": True})]
    next(iter(streams[0]))
    waiting = threading.Thread(target=lambda: server.client().completions.create(
        model="mine", prompt="b", max_tokens=150, extra_body={"ignore_eos": True}))
    waiting.start()
    deadline = time.time() + 10
    while time.time() < deadline:
        try:
            server.client().completions.create(model="mine", prompt="c", max_tokens=1)
        except openai.RateLimitError as e:
            assert e.code == "queue_full" and 1 <= int(e.response.headers["retry-after"]) <= 60
            break
    else:
        raise AssertionError("no 429")
    streams[0].close()  # the client leaves: the slot is free for the next
    a = server.client(retries=10).completions.create(model="mine", prompt="c", max_tokens=2, extra_body={"ignore_eos": True})
    assert a.usage.completion_tokens == 2
    waiting.join()
    server.end()


def main():
    assay, model = sys.argv[1], sys.argv[2]
    want = expected(assay, model)
    server = Server(assay, model)
    answers(server.client(), want)
    refusals(server.client())
    server.end()
    with tempfile.NamedTemporaryFile("w", suffix=".key") as key:
        key.write("the-key-of-this-test\n")
        key.flush()
        server = Server(assay, model, "--api-key-file", key.name)
    raises(openai.AuthenticationError, lambda: server.client(key="wrong").models.list())
    assert server.client(key="the-key-of-this-test").models.list().data[0].id == "mine"
    server.end()
    busy(assay, model)
    print(f"openai {openai.__version__}: texts, usage, streams, choices, seeds, stops, log-probabilities and seven errors are as they should be")


if __name__ == "__main__":
    main()

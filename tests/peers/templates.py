#!/usr/bin/env python3
"""Renders real chat templates with transformers and with assay, and compares the texts.

    python3 tests/peers/templates.py ASSAY FOLDER...

FOLDER holds *.jinja files or tokenizer_config.json files at any depth, for example the templates of a llama.cpp checkout.
Every template renders each conversation of CHATS with and without tools, with and without the generation prompt, and with each
set of extra variables of SWITCHES.
The exit code is 77 if no folder has a template.
"""
import itertools
import json
import os
import subprocess
import sys
import tempfile

import transformers.utils.chat_template_utils as reference

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
CALL = {"id": "abcdef123", "type": "function",
        "function": {"name": "weather", "arguments": {"city": "Orléans", "days": 2, "exact": True, "note": None}}}
TOOLS = [{"type": "function", "function": {
    "name": "weather", "description": "The weather of a city, \"in words\".", "parameters": {
        "type": "object", "properties": {"city": {"type": "string", "description": "its name"},
                                         "days": {"type": "integer"}}, "required": ["city"]}}}]
CHATS = {
    "one": [{"role": "user", "content": "Hi"}],
    "system": [{"role": "system", "content": "Be brief.  \n"}, {"role": "user", "content": "Hi é 日本"},
               {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Bye <b>&\"'"}],
    "tool": [{"role": "user", "content": "w?"}, {"role": "assistant", "content": "", "tool_calls": [CALL]},
             {"role": "tool", "name": "weather", "tool_call_id": "abcdef123", "content": "{\"sky\": \"blue\"}"},
             {"role": "assistant", "content": "Blue."}, {"role": "user", "content": "thanks"}],
    "two tools": [{"role": "system", "content": "S"}, {"role": "user", "content": "w?"},
                  {"role": "assistant", "content": None, "tool_calls": [CALL, dict(CALL, id="abcdef124")]},
                  {"role": "tool", "name": "weather", "tool_call_id": "abcdef123", "content": "one"},
                  {"role": "tool", "name": "weather", "tool_call_id": "abcdef124", "content": "two"}],
    "thinking": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nb"},
                 {"role": "user", "content": "c"}, {"role": "assistant", "content": "d", "reasoning_content": "because"}],
    "no user": [{"role": "assistant", "content": "x"}],
    "wrong order": [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}],
}
SWITCHES = [{}, {"enable_thinking": False}, {"enable_thinking": True, "documents": []},
            {"date_string": "26 Jul 2024", "tools_in_user_message": False}]


def templates(folders):
    for folder in folders:
        for where, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                path = os.path.join(where, name)
                if name.endswith(".jinja"):
                    with open(path, encoding="utf-8") as file:
                        yield path, file.read()
                elif name == "tokenizer_config.json":
                    with open(path, encoding="utf-8") as file:
                        value = json.load(file).get("chat_template")
                    for entry in value if isinstance(value, list) else [{"template": value}]:
                        if entry["template"]:
                            yield path, entry["template"]


def cases(folders):
    for path, template in templates(folders):
        for (chat, messages), tools, prompt, more in itertools.product(CHATS.items(), (None, TOOLS), (False, True), SWITCHES):
            what = f"{os.path.basename(path)}: {chat}, {'tools' if tools else 'no tools'}, prompt {prompt}, {more}"
            yield what, {"template": template, "special": SPECIAL,
                         "context": {"messages": messages, "tools": tools, "add_generation_prompt": prompt, "kwargs": more}}


def by_reference(case):
    context = case["context"]
    try:
        texts, _ = reference.render_jinja_template(
            [json.loads(json.dumps(context["messages"]))], tools=context["tools"], chat_template=case["template"],
            add_generation_prompt=context["add_generation_prompt"], **SPECIAL, **context["kwargs"])
        return texts[0]
    except Exception:  # the template refuses the conversation, or fails on it
        return None


def main():
    program, folders = sys.argv[1], sys.argv[2:]
    found = list(cases(folders))
    if not found:
        print("skipped: no folder has a chat template")
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        paths = [os.path.join(scratch, name) for name in ("cases.json", "out.json")]
        with open(paths[0], "w", encoding="utf-8") as file:
            json.dump([case for _, case in found], file)
        subprocess.run([program, "run", os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates.lua"), *paths],
                       check=True)
        with open(paths[1], encoding="utf-8") as file:
            ours = json.load(file)
    same, refused, differ = 0, 0, {}
    for (what, case), one in zip(found, ours):
        expected = by_reference(case)
        if one.get("text") == expected:
            same += expected is not None
            refused += expected is None
        else:
            differ.setdefault(what.split(":")[0], []).append((what, expected, one))
    for name, list_ in differ.items():
        what, expected, one = list_[0]
        print(f"DIFFERS ({len(list_)} cases): {what}\n  reference: {expected!r:.600}\n  ours:      {one!r:.600}")
    print(f"{len(set(case['template'] for _, case in found))} templates, {len(found)} cases: {same} the same, "
          f"{refused} refused by both, {sum(map(len, differ.values()))} different")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())

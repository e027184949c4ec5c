#!/usr/bin/env python3
"""Writes tests/golden/answers.json: what the official scorers of SQuAD and GSM8K, which are Python programs, return for many texts.

This script repeats the steps of SQuAD's evaluate-v2.0.py (normalize_answer) and of lm-evaluation-harness:
tasks/gsm8k/gsm8k.yaml (filter_list, metric_list), filters/extraction.py (RegexFilter) and api/metrics.py (exact_match).
It needs only Python; answers.json was written with Python 3.11 (Unicode 14).
"""
import json
import os
import random
import re
import string
import sys
import unicodedata

STRICT, FLEXIBLE = r"#### (\-?[0-9\.\,]+)", r"(-?[$0-9.,]{2,})|(-?[0-9]+)"
IGNORED = [",", r"\$", r"(?s).*#### ", r"\.$"]

TEXTS = """
CAFÉ NOIR|École Normale|Łódź|the cat|the cat.|an apple|ΑΣ|ΑΣ ΒΣ|ΣΑΣ|Σ|ΑΣ.|ΑΣ' Β|Α\u0301Σ\u0301|ΌΔΥΣΣΕΎΣ|ὈΔΥΣΣΕΎΣ|aΣb|aΣ\u00adb|aΣ\u00ad
İstanbul|DİYARBAKIR|ISPARTA|ıI|STRASSE|Straße|ẞ|ǅ|ǈ|ﬁ|Ⅷ|Ⓐ|𐐀𐐁|ᲐᲑ|Ꭰ|ꭰ|Ა|Ω|K|Å|Ёлка|ЩЁТКИ|Қазақ|ԱԲԳ|Ⴀ|ϴ|ẛ|Ǆ|ȺȾ|ⱯⱭⱰ|Ɐ|Ꞌ|Ɥ|𞤀𞤁|𑢠
日本 東京|한국어 서울|مرحبا العالم|שלום עולם|हिन्दी भाषा|ไทย ภาษา|ελληνικά|Русский|ქართული|a\u0301 b|the\u0301 end|e\u0301a|a‿b|the‿end
the’s|“the”|a–b|a—b|the—cat|a…b|«a»|a。b|the、cat|a·b|a٫b|an१b|a²|the³|a①|the½|a_b|the_|_the|a\u200bb|the\u200b cat|\ufeffthe cat|a\u00adb
10\u00a0000 people|1\u202f000|1\u2009000|a\u00a0b|the\u3000cat|the\u2028cat|a\u2029b|a\x85b|a\x1cb|a\x1fb|a\x0bb|a\u1680b|a\u180eb|a\u205fb|\u00a0the\u00a0
a|an|the|A|THE|An|ａ|ｔｈｅ|Ⓣhe|a an the|a.n|th.e|t-h-e|A.|.a|athe|thea|an-an|a's|'a'|U.S.A.|the U.S.|a\tb\nc|  the   cat  ||!!!|…|—|。。|$1,000.00|50%|№ 5|§ 3|¿Qué?|¡Hola!
in the 10th and 11th centuries|The Eiffel-Tower!|Beyoncé|Élan vital|Ångström|naïve|Žižek|Đorđe|Ħal|Ŧ|ŊANGA|Œuvre|ÆSIR|Þórr|ÐE|İ̇|i̇|I\u0307|J\u030c|ŉ|ſ|Ẁ|Ỳ|Ỡ
"""

ANSWERS = """
so 9*2=$18. #### 18|The answer is $3,000.|#### 1,234 \n Question: next 7|x = 12.50|#### 18.00|answer: 1/2|He has 3,000 dollars...|72,|72.|$29.00.
#### -5|####-5|#### 5 #### 6|##### 7|#### $7|#### -|#### .|#### ,5,|-3.5.|--4|10-12|5-|$|$$|..|-.|-$|-$5|$-5|−5|5,|,5|.5|5.|1 000|1e3|½|３|१२|72nd|x=72|**72**
#### 72\n|#### 72.\n|72\u00a0|It is 71, not more.|She sold 48 + 24 = 72, which is the answer.|no number here, sorry||\n|#### 1.000,50|3:45|2021-12-31|a1b2|0|-0|00|7 #### |#### #### 8
"""

GOLDS = ["... #### 72", "so <<9*2=18>>18\n#### 18", "#### 1,234", "#### -5", "#### 5", "x\n#### 3000", "#### 29.00.", "#### 72\n", "#### 72.\n"]


def squad(text):
    text = text.lower()
    text = "".join(ch for ch in text if ch not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text, flags=re.UNICODE).split())


def extracted(pattern, select, text):
    """Does what the harness's RegexFilter does: returns match number `select`, or "[invalid]" if nothing matches."""
    found = re.compile(pattern).findall(text)
    if not found:
        return "[invalid]"
    one = found[select]
    return ([m for m in one if m][0] if isinstance(one, tuple) else one).strip()


def cleaned(text):
    for pattern in IGNORED:
        text = re.sub(pattern, "", text)
    return text.lower()


def cases(block):
    return [text.replace("\\n", "\n") for line in block.strip("\n").split("\n") for text in line.split("|")]


def drawn(alphabet, n, seed):
    draw = random.Random(seed)
    return ["".join(draw.choice(alphabet) for _ in range(draw.randint(1, 14))) for _ in range(n)]


def main():
    letters = ["the", "The", "a", "A", "an", "AN", " ", " ", "\u00a0", "\u2003", "\n", ".", "-", "'", "’", "_", "Σ", "Α", "é", "É", "İ", "Ł",
               "\u0301", "\u00ad", "Ж", "ж", "日", "ß", "ẞ", "1", "²", "٣", "$", "“", "\u200d", "ʰ", "ͅ", "\U0001D400", "\U00010400", "Ω"]
    signs = ["####", " ", "#### ", "-", "$", ".", ",", "7", "2", "10", "000", "\n", "x", "=", "%", "−", "Question"]
    texts = list(dict.fromkeys(cases(TEXTS) + drawn(letters, 220, 1)))
    answers = list(dict.fromkeys(cases(ANSWERS) + drawn(signs, 220, 2)))
    normal = [[t, squad(t), t.lower(), t.strip()] for t in texts]
    harness = []
    for answer in answers:
        strict, flexible = extracted(STRICT, 0, answer), extracted(FLEXIBLE, -1, answer)
        right = [[int(cleaned(own) == cleaned(gold)) for gold in GOLDS] for own in (strict, flexible)]
        harness.append([answer, strict, flexible, *right])
    out = {"python": sys.version.split()[0], "unicode": unicodedata.unidata_version, "golds": GOLDS,
           "texts": [t for t in normal if squad(t[1]) == t[1]], "answers": harness}
    print(len(texts), len(out["texts"]), len(harness))
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "answers.json"), "w", encoding="ascii") as f:
        f.write("{\n")
        for i, (key, value) in enumerate(out.items()):
            rows = ",\n".join(json.dumps(row) for row in value) if isinstance(value, list) else json.dumps(value)
            f.write(f'"{key}": ' + (f"[\n{rows}]" if isinstance(value, list) else rows) + (",\n" if i + 1 < len(out) else "\n}\n"))


if __name__ == "__main__":
    main()

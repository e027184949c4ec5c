"""Chat templates and conversations for make_template_goldens.py. They are written for these tests; each uses a few constructs of Jinja."""

CONTEXT = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "  Hi é 日本 👍 \n"},
        {"role": "assistant", "content": "Hello", "tool_calls": [
            {"type": "function", "function": {"name": "f", "arguments": {"b": 1, "a": [1.5, None, True, "x\"y<é>\u2028"]}}}]},
        {"role": "tool", "name": "f", "content": "42"},
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "image"}, {"type": "text", "text": "two"}]},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d's \"q\" <b>&", "parameters": {
        "type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string", "enum": ["x", "y"]}},
        "required": ["a"]}}}],
    "kwargs": {"n": 7, "neg": -3, "pi": 3.14159, "big": 1e20, "small": 1e-7, "yes": True, "no": False, "nil": None,
               "text": "The quick brown Fox", "empty": "", "words": ["b", "A", "c", "a"], "nums": [3, 1, 2, 3],
               "d": {"z": 1, "a": {"k": [1, 2]}, "items": "shadow"}, "nested": [[1, [2, 3]], [], {}],
               "people": [{"name": "Bo", "age": 3}, {"name": "al", "age": 5}, {"name": "Cy"}], "uni": "Straße ΑΣ ǅ İ",
               "lines": "a\nb\r\nc\n\n d\u2028e\tf"},
}

EXPRESSIONS = r"""
1 + 2 * 3 - 4 / 2
7 // 2, -7 // 2, 7 % 3, -7 % 3, 7 % -3, 7.5 // 2, -7.5 % 2, 2 ** 10, 2 ** -1, 2 ** 3 ** 2
-2 ** 2
1 / 3, 10 / 5, 1e3, 1.0, 100000000000000000.0, 0.1 + 0.2, 1_000, 5.0 // 2
'a' + 'b' * 3, [1] + [2, 3], [0] * 3, 2 * 'xy', (1, 2) + (3,)
'a' ~ 1 ~ none ~ true ~ 2.5 ~ [1, 'x'] ~ {'k': "it's"}
'a' + text | upper + 'b'
not no and yes or nope
not 'x' is string
not words | length == 1
1 < 2 < 3, 1 < 3 < 2, 1 == 1.0, true == 1, 'a' < 'b', [1, 2] < [1, 3], none == none, nil != 0
'a' in 'cat', 'x' not in 'cat', 1 in nums, 'z' in d, 'k' in d.a, not 1 in nums
1 if yes else 2, (1 if no), 'a' if no else 'b' if no else 'c'
missing, missing is defined, missing is undefined, missing | default('x'), empty | default('e', true), missing or 'or'
missing == other_missing, missing == '', [missing] | length, missing | length, missing | string ~ '|'
messages[0].content, messages[0]['content'], messages[-1].role, messages[99], messages[0].nothing
messages[0]['nothing'] is defined, d.items is string, d['items'], d.a.k[1], d.a.k.1
text[0], text[-1], text[1:4], text[::-1], text[:-4], text[100:], text[::3], uni[1:5], uni[-3:], text[10:2:-2]
nums[1:], nums[:-1], nums[::-1], nums[::2], nums[-2:], nums[5:], nums[-100:2], messages[1:] | length, (1, 2, 3)[1:]
text.upper(), text.lower(), text.title(), text.swapcase(), 'abc def'.capitalize(), uni.upper(), uni.lower(), uni.title()
text.split(), text.split(' ', 1), text.rsplit(' ', 1), 'a,b,,c'.split(','), ' a  b '.split(), '  a b c '.split(none, 1)
'  a b c '.rsplit(none, 1), ''.split(), ''.split(','), 'a--b--c'.rsplit('--'), lines.splitlines(), lines.splitlines(true)
text.startswith('The'), text.endswith(('x', 'z')), text.startswith(''), text.find('quick'), text.rfind('o'), uni.find('Σ')
text.replace('o', '0'), text.replace('o', '0', 1), 'aaa'.replace('', '-'), 'aaa'.replace('a', ''), text.count('o'), 'aaa'.count('')
'  x '.strip(), '  x '.lstrip(), '  x '.rstrip(), 'xxaxx'.strip('x'), '\n\nabc\n'.strip('\n'), 'abcba'.strip('ab'), '\x1c\u3000x'.strip()
'a-b-c'.partition('-'), 'a-b-c'.rpartition('-'), 'abc'.partition('-'), 'abc'.rpartition('-')
'test_x'.removeprefix('test_'), 'x.py'.removesuffix('.py'), '7'.zfill(3), '-7'.zfill(4), 'a'.ljust(3) ~ '|', 'a'.rjust(3, '*'), 'ab'.center(5, '.')
'12'.isdigit(), 'ab'.isalpha(), 'a1'.isalnum(), ' '.isspace(), 'AB'.isupper(), 'ab'.islower(), ''.isdigit(), '½'.isnumeric()
', '.join(words), ''.join([]), '-'.join('abc'), 'a'.index('a')
d.get('z'), d.get('q'), d.get('q', 5), d.keys(), d.values(), d | items | list, d.a.items(), d.keys() | list, d.items() | length
d | length, d | list, d | first, words | first, words | last, [] | first, text | first, text | last, nums | count
words | join(', '), people | join('/', attribute='name'), nums | join, [1, [2], none] | join('-')
text | upper, text | lower, text | title, text | capitalize, 'a-b (c) <d> e_f' | title, 'HELLO wORLD' | capitalize
'  x ' | trim, 'xxaxx' | trim('x'), 42 | trim, none | trim, missing | trim ~ '.'
nums | sort, words | sort, words | sort(case_sensitive=true), nums | sort(reverse=true), people | sort(attribute='name') | map(attribute='name') | list
nums | unique | list, ['a', 'A', 'b'] | unique | list, nums | min, nums | max, words | max, people[:2] | sum(attribute='age'), nums | sum, nums | sum(start=10)
nums | reverse | list, text | reverse, nums | list, 'abc' | list, d | dictsort, d | dictsort(by='key', reverse=true) | length
words | map('upper') | list, words | map('upper') | join, people | map(attribute='age', default=0) | list, nums | map('string') | list
nums | select('odd') | list, nums | reject('equalto', 3) | list, nums | select('>', 1) | list, ['', 'a', none, 0] | select | list, [1, none] | reject('none') | list
people | selectattr('age') | list | length, people | selectattr('age', 'eq', 5) | map(attribute='name') | list, people | rejectattr('age', 'defined') | list
messages | selectattr('role', 'equalto', 'user') | list | length, messages | rejectattr('role', 'in', ['user', 'tool']) | map(attribute='role') | join(',')
nums | batch(2) | list, nums | batch(3, 0) | list, nums | slice(2) | list, nums | slice(3, 'x') | list
pi | round, pi | round(2), 2.5 | round, 3.5 | round, 0.125 | round(2), pi | round(1, 'ceil'), pi | round(1, 'floor'), 5 | round
'42' | int, ' 42 ' | int, '4x' | int, '4.9' | int, 4.9 | int, -4.9 | int, none | int(5), '1_0' | int, true | int, '3.5' | float, 'x' | float, 3 | float, '1e3' | int
neg | abs, -2.5 | abs, n | string + '!', [1, 2] | string, none | string, n | string | length
'%s is %d years, %.2f%%' | format('Bo', 7, 99.5), '%5s|%-5s|%05d' | format('a', 'b', 42), '%x %X %o' % (255, 255, 8), '%s' % n, '%(a)s' | format(a='named')
text | replace('quick', 'slow'), 'aXbX' | replace('X', '-', 1), n | replace('7', 'seven')
'a\nb\n\nc' | indent, 'a\nb' | indent(2, true), 'a\n\nb' | indent(2, blank=true), 'a\nb' | indent('> '), lines | indent(1)
text | truncate(9), text | truncate(9, true), text | truncate(9, true, '', 0), text | truncate(100), text | wordcount, 'a-b_c d' | wordcount
'a b/ü' | urlencode, 'ab' | center(6) ~ '|'
d | tojson, words | tojson, nested | tojson, text | tojson, uni | tojson, pi | tojson, big | tojson, small | tojson, nil | tojson, yes | tojson
d | tojson(indent=2)
tools | tojson(indent=4)
tools[0].function | tojson(separators=(',', ':')), d | tojson(sort_keys=true), uni | tojson(ensure_ascii=true), [] | tojson(indent=2), {} | tojson(indent=1)
messages[2].tool_calls[0].function.arguments | tojson, {1: 'a', none: 2, true: 3, 1.5: 4} | tojson, [1, [2, {'a': []}]] | tojson(indent='\t')
messages, d, people, (1,), (), [none, true, 1.5, 'it\'s', "q\"q", 'both\'"', '\n\t\\', 'é\u200b\x7f']
n is number, n is integer, pi is float, yes is boolean, yes is integer, text is string, d is mapping, words is sequence, words is iterable, n is iterable
nil is none, nil is not none, no is false, yes is true, 0 is false, missing is none, text is lower, 'ab' is lower, 'AB' is upper, n is odd, n is even, n is divisibleby 7
n is divisibleby(2), n is eq 7, n is ne(7), n is gt 3, n is ge 7, n is lt 3, n is le 7, n is sameas 7, n in [7], n is in [1, 7], 'x' is in 'xyz'
text is sequence, missing is iterable, missing is sequence, d is iterable, range is callable, text is callable, 'upper' is filter, 'odd' is test, 'nope' is filter
n is not odd, n is not divisibleby 3 and yes, (n is odd) == true, n is defined and n > 3, n is number and not n is string
range(5) | list, range(2, 8, 3) | list, range(5, 0, -2) | list, range(0) | list, range(3)[1], range(3) | length
dict(a=1, b='x'), dict([('a', 1)]), dict({'a': 1}, c=2), namespace(a=1).a, namespace({'q': 2}).q, namespace().nothing is defined
'\n' | length, '\\n' | length, "tab\there", 'quote\'s', "dq\"", 'uni\u00e9 \x41 \U0001F600 \101', '\q', 'a' 'b' "c"
[1, 2,], {'a': 1,}, (1,), (1), ((1, 2), 3), [[]], {}
{'a': 1}.a, {'a': {'b': 2}}['a']['b'], [1, 2][0], 'abc'[1], {'x': [1, 2]}.x | last, {1: 'one'}[1], {'a': 1, 'a': 2}
strftime_now('%d %b %Y'), strftime_now('%Y-%m-%d %H:%M %A'), strftime_now('%B %-d, %Y')
bos_token + eos_token, bos_token is defined, pad_token is defined
text.nothing is defined, n.nothing is defined, nil.nothing is defined, words.nothing is defined, d.nothing.more is defined
"yes" if messages[0].role == 'system' and messages | length > 2 else "no"
messages | map(attribute='role') | list, messages | map(attribute='content') | select('string') | list | length
messages[1].content | trim | upper | replace('HI', 'Hello') ~ '!'
(messages | last).content | selectattr('type', 'equalto', 'text') | map(attribute='text') | join(' ')
words[n - 5:], words[:n % 4], words[-(1 + 1)], words[words | length - 1]
[1, 2, 3] == [1, 2, 3], (1, 2) == [1, 2], {'a': 1} == {'a': 1.0}, 'a' == 1, none is sameas none, '1' == 1
5 is odd if yes else no, loop is defined
'a' < 'B', 'é' > 'z', 'Z' < 'a', [1] < [1, 0], 2 > 1.5, true < 2
cycler('a', 'b').current, joiner(', ')(), 'a,b' | replace(',', '\n') | indent(2)
'ß' | upper, 'ﬁn' | upper, 'ŉ' | upper, 'ΟΔΟΣ' | lower, 'Σ' | lower, 'ǆ' | capitalize
1 if 2 if 0 else 3 else 4
text | default('x') | upper, missing | default(missing2 | default('deep')), nil | default('x'), nil | default('x', true), nil | d('y', boolean=true)
-1 | abs, - 1 + 2, +3, --1, -text | length
{'a': [1, {'b': 'c'}]} | string, [none] | tojson | length
words | attr('nothing') is defined, d | attr('z') is defined
n | float / 2, (n / 2) | int, n // 2 * 2, 1.5e3 | int, 2.0 ** 3, 7 // 2.0
"%s" | format(none), "%d" | format(3.99), "%r" | format('a')
text.split(' ')[1][0] | upper, text.split(' ')[-1].lower().replace('f', 'b')
messages[2].tool_calls[0]['function']['arguments'].a[3], messages[2].tool_calls is defined, messages[0].tool_calls is defined
"a" is eq("a"), "a" is equalto "b", 3 is greaterthan 2, 3 is lessthan 2, 3 is number, "3" is number, [] is mapping
'<b>' | safe ~ '<i>', ('<b>' | safe) + '<i>' + text, '<i>' + ('<b>' | safe), ('<a>' | safe) + ('<b>' | safe), '<&>"' | e | e
'<x>' | safe | upper, '<x>' | safe | length, '<x>' | safe | string is escaped, '<x>' is escaped, '<x>' | e | replace('&', '+')
(d | tojson | safe) ~ '<' ~ text, [1, '<'] | tojson | safe, ' <x> ' | safe | trim, none | safe | default('y'), '<x>' | safe == '<x>'
'{}-{}'.format(1, 'x'), '{1}{0}{1}'.format('a', 'b'), '{k} {{}}'.format(k=none), '{} {}'.format(1.0, [true]), ''.format(3)
none | map('upper') | list, missing | select | list, none | selectattr('a') | list, '' | reject('string') | list, 0 | map(attribute='x') | list
"""

TEMPLATES = [
    # whitespace control
    "a\n  {% if yes %}\n    b\n  {% endif %}\nc\n",
    "a\n  {%- if yes %}\n    b\n  {%- endif %}\nc\n\n",
    "a  {{- ' b ' -}}  c\n\n",
    "  {%+ if yes %} x {% endif +%}\n y",
    "{# comment #}\nx {# inline #} y\n   {# alone #}\nz{#- left #} w {# right -#}  v",
    "{% for m in messages %}\n  {{ m.role }}\n{% endfor %}\n",
    "{% for m in messages -%}\n  {{ m.role }}\n{%- endfor %}\n",
    "{%- for m in messages %}{{- m.role -}}{% if not loop.last %}, {% endif %}{% endfor -%}\n\n tail \n",
    "line1\r\nline2\r{{ n }}\r\n",
    "{{ 'x' }}\n{{ 'y' }}\n\n",
    "{% raw %}{{ not }} {% parsed %}{% endraw %} {{ n }}",
    "x\n  {% raw -%}  \n {{ a }} \n {%- endraw %}\n y",
    "{% if yes %}{% endif %}\n\n  \n{% if no %}{% endif %}  \n end",
    "\t {% set a = 1 %}\n\t{{ a }}\n \u00a0{% set b = 2 %}\n{{ b }}",
    "{{ '}}' }} {{ \"{%\" }} {{ {'a': {'b': 1}}['a']['b'] }} %} }} {",
    "a {%- set x = 1 -%} b {{ x -}}  c",
    "<|im_start|>{{n}}<|im_end|>\n{{- '\\n' }}\n{{ '\\n' -}}\n|",
    # if, set, scope
    "{% if no %}1{% elif nil %}2{% elif n == 7 %}3{% else %}4{% endif %}",
    "{% set x = 1 %}{% if yes %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% set x = 1 %}{% for i in nums %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}",
    "{% for i in nums %}{% if loop.first %}{% set y = i %}{% endif %}{{ y is defined }} {% endfor %}{{ y is defined }}",
    "{% set ns = namespace(found=false, count=0) %}{% for i in nums %}{% set ns.count = ns.count + i %}{% if i == 2 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.count }} {{ ns.found }}",
    "{% set a, b = 1, 2 %}{{ a + b }}{% set (c, d2) = (b, a) %}{{ c }}{{ d2 }}",
    "{% set ns = namespace() %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a }}{{ ns.b }}",
    "{% set block %}\n hello {{ n }}\n{% endset %}[{{ block }}]{{ block is string }}",
    "{% set block | upper | trim %} hello {% endset %}[{{ block }}]",
    "{% with a = 1, b = 2 %}{{ a + b }}{% set n = 0 %}{{ n }}{% endwith %}{{ n }}{{ a is defined }}",
    "{% set messages = messages[1:] %}{{ messages | length }}{% set messages = [] %}{{ messages }}",
    "{% set x = [] %}{% set x = x + [1] %}{% set x = x + [2] %}{{ x }}",
    "{% set s = '' %}{% set s = s ~ 'a' ~ 'b' %}{{ s }}{% set t = 1, 2 %}{{ t }}",
    "{% if messages[0]['role'] == 'system' %}{% set system_message = messages[0]['content'] %}{% set loop_messages = messages[1:] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{{ system_message }}{{ loop_messages | length }}",
    # for
    "{% for m in messages %}{{ loop.index }}/{{ loop.length }} {{ loop.index0 }} {{ loop.revindex }} {{ loop.revindex0 }} {{ loop.first }} {{ loop.last }} {{ loop.depth }}\n{% endfor %}",
    "{% for i in [] %}x{% else %}empty{% endfor %}{% for i in missing %}x{% else %}undefined{% endfor %}",
    "{% for i in nums if i > 1 %}{{ loop.index }}:{{ i }}{% if not loop.last %},{% endif %}{% else %}none{% endfor %}",
    "{% for k, v in d.a.items() %}{{ k }}={{ v }};{% endfor %}{% for k, v in d | items %}{{ k }},{% endfor %}{% for k in d %}{{ k }}.{% endfor %}",
    "{% for c in 'aé日' %}[{{ c }}]{% endfor %}{% for x in (1, 2) %}{{ x }}{% endfor %}{% for x in range(3) %}{{ x }}{% endfor %}",
    "{% for i in nums %}{{ loop.previtem | default('-') }}<{{ i }}>{{ loop.nextitem | default('-') }} {% endfor %}",
    "{% for i in nums %}{{ loop.cycle('odd', 'even') }} {{ loop.changed(i) }} {% endfor %}",
    "{% for i in range(3) %}{% for j in range(2) %}{{ loop.index }}{{ i }}{{ j }} {% endfor %}{{ loop.index }};{% endfor %}",
    "{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for x in [[1, [2, 3]], [4, [5]]] recursive %}{{ x[0] if x is sequence else x }}{% if x is sequence %}({{ loop(x[1]) }}){% endif %}{{ loop.depth }} {% endfor %}",
    "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for message in messages %}{% if loop.index0 > 0 and messages[loop.index0 - 1].role == 'user' %}after user: {{ message.role }}{% endif %}{% endfor %}",
    "{% for m in messages | selectattr('role', 'equalto', 'user') %}{{ m.role }}{{ loop.last }}{% endfor %}",
    "{% for m in messages | reverse %}{{ m.role }} {% endfor %}{% for m in messages[::-1] %}{{ loop.index0 }}{% endfor %}",
    "{% for i in nums %}{% set outer = loop %}{% for j in [1, 2] %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}",
    # macros
    "{% macro m(a, b='x', c=n) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=3, a=4) }}{{ m() }}{{ m.name }}",
    "{% macro fact(k) %}{% if k <= 1 %}1{% else %}{{ k * (fact(k - 1) | int) }}{% endif %}{% endmacro %}{{ fact(6) }}",
    "{% macro show(x) %}{% if x is mapping %}{ {%- for k, v in x.items() %}{{ k }}:{{ show(v) }},{% endfor -%} }{% elif x is iterable and x is not string %}[{% for i in x %}{{ show(i) }},{% endfor %}]{% else %}{{ x }}{% endif %}{% endmacro %}{{ show(tools) }}",
    "{% macro v() %}{{ varargs }} {{ kwargs }}{% endmacro %}{{ v(1, 2, a=3) }}",
    "{% macro wrap(tag) %}<{{ tag }}>{{ caller() }}</{{ tag }}>{% endmacro %}{% call wrap('b') %}in {{ n }}{% endcall %}",
    "{% macro each(xs) %}{% for x in xs %}{{ caller(x, loop.index) }};{% endfor %}{% endmacro %}{% call(x, i) each(nums) %}{{ i }}={{ x }}{% endcall %}",
    "{% set g = 1 %}{% macro see() %}{{ g }}{% endmacro %}{% set g = 2 %}{{ see() }}",
    "{% macro local() %}{% set inside = 5 %}{{ inside }}{% endmacro %}{{ local() }}{{ inside is defined }}",
    "{% macro a(x) -%}\n  {{ x }}\n{%- endmacro %}\n{{ a(1) }}{{ a('y') | upper }}{{ a(1) ~ a(2) }}",
    "{% for i in [1, 2] %}{% macro f() %}{{ i }}{% endmacro %}{{ f() }}{% endfor %}",
    "{% filter upper %}shout {{ text }}{% endfilter %}{% filter replace('a', 'b') | trim %} aaa {% endfilter %}",
    "{% generation %}{{ n }}{% set q = 1 %}{% endgeneration %}{{ q is defined }}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set j = joiner('; ') %}{% for i in nums %}{{ j() }}{{ i }}{% endfor %}",
    "{% print n %}{% print(text | upper) %}",
    "{% if not tools is none %}T{% endif %}{% if tools is not none and tools | length > 0 %}{{ tools | length }}{% endif %}{% if documents %}D{% endif %}{% if documents is none %}N{% endif %}{{ add_generation_prompt }}",
    "{% if enable_thinking is defined and enable_thinking is false %}no{% else %}yes{% endif %}",
    # layouts of conversations as in the templates of well-known models, written anew
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ '[INST] ' ~ (m.content if m.content is string else m.content | map(attribute='text') | select | join(' ')) | trim ~ ' [/INST]' }}{% elif m.role == 'assistant' %}{{ ' ' ~ m.content ~ eos_token }}{% endif %}{% endfor %}",
    "{% for m in messages %}<|{{ m.role }}|>\n{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}{% if p.type == 'text' %}{{ p.text }}{% else %}<{{ p.type }}>{% endif %}{% endfor %}{% endif %}{{ eos_token }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
    "{%- if tools %}\n{{- 'Tools: ' }}\n{%- for t in tools %}\n{{- t.function.name ~ '(' ~ t.function.parameters.properties.keys() | join(', ') ~ ')' }}\n{%- endfor %}\n{%- endif %}",
    "{%- set ns = namespace(last=-1) %}\n{%- for m in messages[::-1] %}\n    {%- if m.role == 'user' and ns.last < 0 %}\n        {%- set ns.last = messages | length - 1 - loop.index0 %}\n    {%- endif %}\n{%- endfor %}\n{{- ns.last }}",
    "{%- macro to_type(p) -%}\n{%- if p.enum is defined -%}\n{{- p.enum | map('tojson') | join(' | ') -}}\n{%- elif p.type == 'object' -%}\n{\n{%- for k, v in p.properties.items() %}\n{{ k }}{{ '' if k in p.required else '?' }}: {{ to_type(v) }},\n{%- endfor %}\n}\n{%- else -%}\n{{- p.type -}}\n{%- endif -%}\n{%- endmacro -%}\n{% for t in tools %}type {{ t.function.name }} = (_: {{ to_type(t.function.parameters) }}) => any;{% endfor %}",
    "{%- for message in messages %}\n    {%- if (message.role == 'user') or (message.role == 'system' and not loop.first) %}\n        {{- message.role }}\n    {%- elif message.role == 'tool' %}\n        {%- if loop.index0 == 0 or messages[loop.index0 - 1].role != 'tool' %}\n            {{- 'open' }}\n        {%- endif %}\n        {{- '\\n' ~ message.content }}\n    {%- endif %}\n{%- endfor %}",
    "{%- set date = date_string if date_string is defined else strftime_now('%d %b %Y') %}{{- 'Today Date: ' + date + '\\n\\n' }}",
    "{% for message in messages %}{% if message['role'] not in ['system', 'user', 'assistant', 'tool'] %}{{ raise_exception('bad role') }}{% endif %}{{ message['role'][0] | upper }}{% endfor %}",
    "{{ messages[2].tool_calls[0].function.arguments.items() | list }}{% for name, value in messages[2].tool_calls[0].function.arguments | items %}<{{ name }}>{{ value | tojson if value is mapping or (value is sequence and value is not string) else value | string }}</{{ name }}>{% endfor %}",
]

# templates that transformers refuses too: operations on undefined values, wrong types, raised errors
FAILING = [
    "{{ missing.attribute }}", "{{ missing['x'] }}", "{{ missing + 'a' }}", "{{ missing() }}", "{{ 'a' + 1 }}",
    "{{ 1 + 'a' }}", "{{ none + 1 }}", "{{ [1] + 'a' }}", "{{ 1 / 0 }}", "{{ 1 % 0 }}", "{{ 'a' < 1 }}", "{{ none < 1 }}",
    "{{ 1 in 'a' }}", "{{ 1 in 5 }}", "{{ text.nothing() }}", "{{ n() }}", "{{ missing | tojson }}", "{{ range(1000000) }}",
    "{{ raise_exception('stop here') }}", "{% for i in 5 %}{% endfor %}", "{% for i in none %}{% endfor %}",
    "{% for a, b in [1] %}{% endfor %}", "{% for a, b in [(1, 2, 3)] %}{% endfor %}", "{% set n.x = 1 %}",
    "{% if %}{% endif %}", "{% if yes %}", "{% endif %}", "{{ }}", "{{ 1 + }}", "{% for x nums %}{% endfor %}", "{{ 'a }}",
    "{% unknown %}", "{{ a b }}", "{{ (1 }}", "{{ 1) }}", "{# open", "{{ n | nofilter }}", "{{ n is notest }}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", "{{ {[1]: 2} }}",
    "{{ '%d' | format('x') }}", "{{ '%s %s' | format(1) }}", "{{ words.append(1) }}", "{{ d.update({}) }}", "{{ d.pop('z') }}",
    "{{ ''.join([1]) }}", "{{ 'a'.split('') }}", "{{ text[0:1:0] }}", "{{ nums | sort(attribute='x') | map('nofilter') | list }}",
    "{{ [1, 'a'] | sort }}", "{{ namespace(_x=1) }}", "{% set ns = namespace() %}{% set ns._x = 1 %}", "{{ 1 is divisibleby 0 }}",
    "{{ n is odd is even }}", "{% set true = 1 %}", "{% break %}", "{{ nums | first(1, 2) }}", "{{ len(nums) }}",
    "{% call n() %}{% endcall %}", "{{ 2 ** 'a' }}", "{{ -'a' }}", "{{ n | items | list }}", "{{ 5 | length }}", "{{ missing | int }}",
]

# a template with thinking and tools, written here with the constructs of Qwen3's template
THINKING = r"""{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\n\n' }}
    {%- endif %}
    {{- "You have tools:\n<tools>" }}
    {%- for tool in tools %}
        {{- "\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\n</tools>\nCall one as {\"name\": <name>, \"arguments\": <object>}.<|im_end|>\n" }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- set ns = namespace(searching=true, last_query=messages | length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages | length - 1) - loop.index0 %}
    {%- if ns.searching and message.role == "user" and message.content is string and not (message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.searching = false %}
        {%- set ns.last_query = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if message.role == "user" or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>\n' }}
    {%- elif message.role == "assistant" %}
        {%- set thoughts = '' %}
        {%- if message.reasoning_content is string %}
            {%- set thoughts = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set thoughts = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {{- '<|im_start|>assistant\n' }}
        {%- if loop.index0 > ns.last_query and (loop.last or thoughts) %}
            {{- '<think>\n' + thoughts.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
        {%- else %}
            {{- content }}
        {%- endif %}
        {%- for call in message.tool_calls or [] %}
            {%- if not loop.first or content %}{{- '\n' }}{%- endif %}
            {%- if call.function %}
                {%- set call = call.function %}
            {%- endif %}
            {{- '{"name": "' ~ call.name ~ '", "arguments": ' }}
            {{- call.arguments if call.arguments is string else call.arguments | tojson }}
            {{- '}' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or messages[loop.index0 - 1].role != "tool" %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\n<tool_response>\n' ~ content ~ '\n</tool_response>' }}
        {%- if loop.last or messages[loop.index0 + 1].role != "tool" %}
            {{- '<|im_end|>\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}
"""

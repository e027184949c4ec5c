-- How luacheck reads the Lua of this repository (run by the test lint.luacheck).
std = "lua54"
max_line_length = 140
read_globals = { "help" } -- set by the host beside the standard library
exclude_files = { "scripts/meta", "tests/golden", ".deps", "build*" }
files["tests/lua"] = { ignore = { "211/_.*" } }

-- How luacheck reads the Lua of this repository (run by the test lint.luacheck).
std = "lua54"
max_line_length = 160
read_globals = { "help" } -- set by the host beside the standard library
exclude_files = { "scripts/meta", "tests/golden", ".deps", "build*" }
-- The specs' words come from tests/lua/runner.lua; its assert is a table (143).
files["tests/lua"] = { read_globals = { "describe", "it", "before_each", "pending" }, ignore = { "211/_.*", "143" } }

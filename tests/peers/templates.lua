-- Renders chat templates with our engine, for templates.py. usage: assay run tests/peers/templates.lua CASES.json OUT.json
-- CASES.json is a list of { template, special, context }. OUT.json gets a list with { text } or { error } for each case.
local assay = require "assay"
local fs = require("assay.native").fs

local cases_file, out_file = ...
local out = assay.json.list {}
for i, case in ipairs(assay.json.decode(assert(fs.read(cases_file)))) do
   local ok, result = pcall(function()
      return assay.template(case.template, { special = case.special }):render(case.context)
   end)
   out[i] = assay.json.object { { ok and "text" or "error", ok and result or tostring(result) } }
end
fs.write(out_file, assay.json.encode(out))

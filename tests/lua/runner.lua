-- Runs *_spec.lua files. Offers functions with the names of the test framework busted: describe,
-- it, before_each, pending, assert.
-- usage: assay run tests/lua/runner.lua SPEC...   exit code 1 if anything failed.
-- pending(reason) inside an it() skips that test and prints the reason.
local pretty = require "assay.lib.pretty"

local results = { passed = 0, failed = 0, skipped = 0 }
local path, hooks = {}, {}

local function title(name) return table.concat(path, " ") .. (#path > 0 and " " or "") .. name end

local function equal(a, b)
   if a == b then return true end
   if type(a) ~= "table" or type(b) ~= "table" then return false end
   for key, value in pairs(a) do if not equal(value, b[key]) then return false end end
   for key in pairs(b) do if a[key] == nil then return false end end
   return true
end

local function failed(text, message) error((message and message .. ": " or "") .. text, 3) end

local checks = {}

function checks.equal(expected, actual, message)
   if expected ~= actual then
      failed(("expected %s, got %s"):format(pretty.text(expected), pretty.text(actual)), message)
   end
end

function checks.same(expected, actual, message)
   if not equal(expected, actual) then
      failed(("expected %s, got %s"):format(pretty.text(expected), pretty.text(actual)), message)
   end
end

function checks.near(expected, actual, tolerance, message)
   if actual ~= actual or math.abs(expected - actual) > tolerance then
      failed(("expected %s within %s, got %s"):format(expected, tolerance, tostring(actual)), message)
   end
end

function checks.is_true(value, message) if value ~= true then failed("expected true, got " .. pretty.text(value), message) end end
function checks.is_nil(value, message) if value ~= nil then failed("expected nil, got " .. pretty.text(value), message) end end

function checks.contains(text, part, message)
   if type(text) ~= "string" or not text:find(part, 1, true) then
      failed(("%s does not contain %q"):format(pretty.text(text), part), message)
   end
end

-- f(...) must raise an error whose text, without a leading "FILE.lua:LINE: ", is exactly `text`. Returns the error.
function checks.raises(text, f, ...)
   local ok, problem = pcall(f, ...)
   if ok then failed("no error was raised, expected: " .. text) end
   local message = tostring(problem):gsub("^[^%s]+%.lua:%d+: ", "")
   if message ~= text then failed(("expected the error\n    %s\n  got\n    %s"):format(text, message)) end
   return problem
end

local assertions = setmetatable(checks, { __call = function(_, value, message, ...)
   if not value then failed(tostring(message or "assertion failed")) end
   return value, message, ...
end })

local SKIP <const> = {}

local environment = setmetatable({
   assert = assertions,
   describe = function(name, body)
      path[#path + 1], hooks[#hooks + 1] = name, {}
      body()
      path[#path], hooks[#hooks] = nil, nil
   end,
   before_each = function(f) table.insert(hooks[#hooks], f) end,
   pending = function(reason) error(setmetatable({ reason = reason }, SKIP), 0) end,
   it = function(name, body)
      for _, level in ipairs(hooks) do for _, f in ipairs(level) do f() end end
      local ok, problem = xpcall(body, function(e)
         if getmetatable(e) == SKIP then return e end
         return type(e) == "string" and e or tostring(e)
      end)
      if ok then
         results.passed = results.passed + 1
      elseif getmetatable(problem) == SKIP then
         results.skipped = results.skipped + 1
         io.write("skipped: ", title(name), ": ", problem.reason, "\n")
      else
         results.failed = results.failed + 1
         io.write("FAILED: ", title(name), "\n  ", tostring(problem), "\n")
      end
   end,
}, { __index = _G })

for _, file in ipairs { ... } do
   local handle = assert(io.open(file))
   local chunk, problem = load(handle:read "a", "@" .. file, "t", environment)
   handle:close()
   if not chunk then error(problem, 0) end
   chunk()
end

io.write(("%d passed, %d failed, %d skipped\n"):format(results.passed, results.failed, results.skipped))
if results.failed > 0 then error("tests failed", 0) end

-- Guardrails G27 to G30 and G32 check words: verdicts, recommendations, templates, encodings, claims without evidence.

local text_lint = require "assay.audit.text_lint"
local verdict = require("assay.audit.context").verdict
local unless_claimed = require("assay.audit.context").unless_claimed

local ALLOWED <const> = { reference = true, invalid = true, worse = true, ["non-inferior"] = true, equivalent = true,
   better = true, inconclusive = true, tie = true, not_run = true }
local PASSING <const> = { ["non-inferior"] = true, equivalent = true, better = true, tie = true, reference = true }

-- Applies test(line) to every line of the report's text; test returns a description of the fault, or nil or false.
local function lint(c, test)
   local offenders = {}
   for _, line in ipairs(c.lines) do
      local text = test(line)
      if text then offenders[#offenders + 1] = text end
   end
   return verdict(offenders, #c.lines, "no text of the report")
end

return {
   { id = "G27", severity = "block", title = "verdicts from the fixed list",
      message = "a judgement that is not one of the fixed verdicts",
      check = function(c)
         local offenders, checked = {}, 0
         for _, claim in ipairs(c:claims_of("verdict")) do
            checked = checked + 1
            if not ALLOWED[claim.verdict or ""] then offenders[#offenders + 1] = claim.text end
         end
         for _, list in ipairs { c.results, c.verdicts } do
            for _, item in ipairs(list) do
               if item.verdict then
                  checked = checked + 1
                  if not ALLOWED[item.verdict] then
                     offenders[#offenders + 1] = item.variant .. ": '" .. item.verdict .. "'"
                  end
               end
            end
         end
         return unless_claimed(offenders, checked)
      end },
   { id = "G28", severity = "block", title = "recommendations need passing verdicts",
      message = "a variant is recommended that did not pass on every primary metric",
      check = function(c)
         local offenders, claims = {}, c:claims_of("recommendation")
         for _, claim in ipairs(claims) do
            for _, variant_id in ipairs(claim.variants or {}) do
               local variant = c.variant[variant_id]
               if variant and variant.recipe then
                  for _, result in ipairs(c.results) do
                     if result.variant == variant_id and not PASSING[result.verdict or ""] then
                        offenders[#offenders + 1] = claim.text
                        break
                     end
                  end
               end
            end
         end
         return unless_claimed(offenders, #claims)
      end },
   { id = "G29", severity = "block", title = "no unfilled templates",
      message = "an expression or placeholder of the generator is left in the text",
      check = function(c)
         if #c.lines == 0 and not c.transcribed then return "passed", "rendered from data alone" end
         return lint(c, function(line)
            local found = text_lint.template(line)
            return found and "'" .. found .. "'"
         end)
      end },
   { id = "G30", severity = "block", title = "text in its right encoding",
      message = "UTF-8 was read as another encoding",
      check = function(c)
         local lines = {}
         for _, line in ipairs(c.lines) do lines[#lines + 1] = line end
         for _, generation in ipairs(c.generations) do lines[#lines + 1] = generation.prompt end
         c = { lines = lines, transcribed = c.transcribed }
         if #lines == 0 and not c.transcribed then return "passed", "no foreign text" end
         return lint(c, function(line)
            local run, encoding, meant = text_lint.mojibake(line)
            return run and "'" .. run .. "' is '" .. meant .. "' read as " .. encoding
         end)
      end },
   { id = "G32", severity = "block", title = "claims point to evidence",
      message = "a statement for which the report shows no measurement",
      check = function(c)
         local offenders = {}
         for _, claim in ipairs(c.claims) do
            if not claim.evidence_refs or #claim.evidence_refs == 0 then offenders[#offenders + 1] = claim.text end
         end
         return unless_claimed(offenders, #c.claims)
      end },
}

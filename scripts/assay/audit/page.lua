-- Turns the findings of an audit into a text for a terminal or a section of Markdown.

local escape = require "assay.report.escape"

local page = {}

local WORDS <const> = { fired = "FIRED", passed = "passed", unknown = "not checkable" }

local function count(findings, status, severity)
   local n = 0
   for _, finding in ipairs(findings) do
      if finding.status == status and (not severity or finding.severity == severity) then n = n + 1 end
   end
   return n
end

-- Returns one line such as "9 blocking and 3 other guardrails fired, 21 passed, 7 could not be checked".
function page.summary(findings)
   local fired, blocking = count(findings, "fired"), count(findings, "fired", "block")
   local head = fired == 0 and "no guardrail fired"
      or blocking .. " blocking and " .. fired - blocking .. " other guardrails fired"
   return head .. ", " .. count(findings, "passed") .. " passed, " .. count(findings, "unknown")
      .. " could not be checked"
end

-- Returns what follows from the findings for the claims of the report, as a clause that ends the summary line.
function page.conclusion(findings)
   if count(findings, "fired", "block") > 0 then return "no claim of this report can be made from what it shows" end
   if count(findings, "fired") > 0 then return "its claims stand, with the remarks above" end
   return "nothing speaks against its claims"
end

-- The findings as text for a terminal: the guardrails that fired (all guardrails if verbose), then the summary.
function page.text(findings, verbose)
   local out = {}
   for _, finding in ipairs(findings) do
      if finding.status == "fired" or verbose then
         out[#out + 1] = string.format("%s  %-13s %s", finding.id, finding.status == "fired" and finding.severity
            or WORDS[finding.status], finding.title)
         if finding.evidence ~= "" then out[#out + 1] = "      " .. escape.utf8(finding.evidence) end
         if finding.status == "fired" then out[#out + 1] = "      " .. finding.message end
      end
   end
   out[#out + 1] = page.summary(findings) .. ": " .. page.conclusion(findings)
   return table.concat(out, "\n") .. "\n"
end

-- The same as a section of Markdown: a heading, the summary, and a table of the guardrails that fired.
function page.markdown(title, findings)
   local esc, out = escape.markdown, {}
   out[#out + 1] = "## " .. esc(title) .. "\n\n" .. esc(page.summary(findings)) .. ": **"
      .. esc(page.conclusion(findings)) .. "**.\n"
   out[#out + 1] = "| id | severity | what | evidence |\n| --- | --- | --- | --- |"
   for _, finding in ipairs(findings) do
      if finding.status == "fired" then
         out[#out + 1] = "| " .. finding.id .. " | " .. finding.severity .. " | " .. esc(finding.message) .. " | "
            .. esc(finding.evidence) .. " |"
      end
   end
   return table.concat(out, "\n") .. "\n"
end

return page

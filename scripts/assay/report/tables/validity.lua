-- Tables that show how far a study's numbers can be trusted: the noise between two runs, the number of items of each variant, and
-- what limits the conclusions.
local format = require "assay.report.format"
local words = require "assay.report.words"

local tables = {}

-- The untouched subject is measured twice, and this table compares the numbers of the two runs. differing = true: the rows of numbers
-- that differ, and a hint that counts the equal ones; false: the rows of equal numbers.
function tables.noise(v, differing)
   local rows, how, n, equal = {}, nil, 0, 0
   for _, one in ipairs(v.report.aa_noise or {}) do
      how, n = how or one.how, n + 1
      if one.value == 0 then equal = equal + 1 end
   end
   for _, one in ipairs(v.report.aa_noise or {}) do
      if (one.value ~= 0) ~= differing then goto continue end
      local value = one.unit == "count" and format.count(one.value) .. " of " .. one.items
         or (one.value == 0 and "0" or format.significant(one.value, 2)) .. " " .. one.unit
      rows[#rows + 1] = { one.subject, (v.task[one.task] or {}).title or one.task, words.metric(one.metric), tostring(one.items),
         one.quantity, value }
      ::continue::
   end
   if n == 0 then return end
   local hint = differing and ("The untouched subject measured twice (%s): %d of %d numbers came out equal%s."):format(how, equal, n,
      #rows > 0 and "; the others differ by the amounts below, and a smaller difference between variants shows nothing" or "") or nil
   return { hint = hint,
      headers = { "subject", "task", "metric", "items", "", "between two runs" }, rows = rows, numeric = 6 }
end

-- How many items or tokens of each task were measured for each variant.
function tables.completeness(v)
   local headers, rows = { "variant" }, {}
   local groups = {}
   for _, group in ipairs(v:groups()) do
      if not groups[group.task.id] then
         groups[group.task.id] = group
         groups[#groups + 1] = group
         headers[#headers + 1] = group.task.title or group.task.id
      end
   end
   if #groups == 0 then return end
   for _, variant in ipairs(v.report.variants) do
      local row = { v:label(variant.id) }
      for _, group in ipairs(groups) do
         local counts
         for _, result in ipairs(group.results) do if result.variant == variant.id then counts = result.counts or {} end end
         row[#row + 1] = counts and format.count(counts.items or counts.tokens or 0)
            .. (counts.items and " items" or " tokens") or (variant.status or "missing"):gsub("_", " ")
      end
      rows[#rows + 1] = row
   end
   return { headers = headers, rows = rows, numeric = 2 }
end

-- Says which part of its text or set a task measured. If a task measured windows and its protocol has no field 'windows', they were
-- the first windows of the text.
local function part_text(p)
   if not p.limit then return ("%d items were measured, drawn with seed %s"):format(p.items, p.seed or "none") end
   if p.windows == "drawn" then
      return ("%d windows were measured, drawn over the whole text with seed %s"):format(p.limit, p.seed)
   end
   if p.name and p.name:find "wikitext" then
      return ("%d documents were measured, drawn with seed %s"):format(p.limit, p.seed or "none")
   end
   return ("Only the first %d windows were measured, so that published numbers can be compared"):format(p.limit)
end

-- What limits the conclusions of a report. Every row follows from a field of the report.
function tables.threats(v)
   local rows, report = {}, v.report
   local function add(what, why) rows[#rows + 1] = { what, why } end
   for _, subject in ipairs(report.subjects) do
      if subject.provenance_note and subject.provenance_note ~= "" then
         add("The starting point", (subject.name or subject.id) .. ": " .. subject.provenance_note)
      end
   end
   if #report.subjects == 1 then add("One model", "Other sizes and families lose differently; small models lose more") end
   for _, task in ipairs(report.tasks) do
      local p = task.protocol or {}
      if p.limit or (p.items or 0) > 0 then
         add("A part of " .. (task.title or task.id), part_text(p))
      end
   end
   local fake
   for _, variant in ipairs(report.variants) do fake = fake or variant.forward == "fake" end
   if fake then
      local timed = next((report.times or {}).packed or {}) ~= nil
      add("Simulated arithmetic", "Quality is that of the stored weights, computed in full precision; "
          .. (timed and "how fast the stored codes run is under Time and memory" or "speed is not measured"))
   end
   for _, one in ipairs(report.study.not_available or {}) do
      add("Not available: " .. one.label, one.reason)
   end
   if #(report.aa_noise or {}) == 0 then add("No noise floor", "The untouched subject was measured only once") end
   local skipped = {}
   for _, task in ipairs(report.tasks) do
      if task.not_evaluated and task.not_evaluated > 0 then
         skipped[#skipped + 1] = task.not_evaluated .. " of " .. (task.title or task.id)
      end
   end
   if #skipped > 0 then add("Items left out", table.concat(skipped, "; ") .. ": no gold answer, or longer than the context") end
   if #rows == 0 then return end
   return { headers = { "limit", "what it means" }, rows = rows }
end

return tables

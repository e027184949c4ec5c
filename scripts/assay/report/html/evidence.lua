-- Renders the sections of report.html about broken output: rates of the detectors, the failure catalogue with texts side by
-- side, and the answers to all prompts. results/failure_catalogue.lua chooses the entries.

local escape = require "assay.report.escape"
local format = require "assay.report.format"
local view = require "assay.report.view"

local evidence = {}
local esc <const> = escape.html

local function rate(count, items) return items and items > 0 and count / items or 0 end

-- A table with a row for each detector (sign of broken output) and a column for each quantized variant. Cells are shaded by rate.
function evidence.detectors(v)
   local rows, ids, columns = {}, {}, {}
   for _, row in ipairs(v.report.detectors or {}) do
      if not rows[row.id] then
         rows[row.id] = { title = row.title }
         ids[#ids + 1] = row.id
      end
      rows[row.id][row.variant] = row
   end
   for _, variant in ipairs(v.report.variants) do if variant.recipe then columns[#columns + 1] = variant.id end end
   if #ids == 0 then return end
   table.sort(ids)
   local out = { '<p class="hint">Share of answers that show the sign, beside that of the untouched subject. Shading follows the rate; ',
      'a dot marks a rate above the limit.</p><div class="scroll"><table class="rows"><thead><tr><th scope="col">sign</th><th scope="col"></th>' }
   for _, id in ipairs(columns) do out[#out + 1] = '<th scope="col" class="num">' .. esc(v:label(id)) .. "</th>" end
   out[#out + 1] = "</tr></thead><tbody>"
   for _, id in ipairs(ids) do
      out[#out + 1] = '<tr><td class="name">' .. esc(id) .. '</td><td class="wrap">' .. esc(rows[id].title or "")
         .. "</td>"
      for _, variant in ipairs(columns) do
         local row = rows[id][variant]
         local share = row and rate(row.count, row.items) or 0
         local text = row and row.count .. "/" .. row.items .. ' <span class="range">untouched ' .. (row.base_count or 0)
            .. "/"
            .. (row.base_items or row.items) .. "</span>" or "0"
         if row and row.text then text = text .. '<span class="range">' .. esc(row.text) .. "</span>" end
         local dot = row and row.status ~= "ok" and '<span title="' .. esc(row.status) .. '">\u{25CF} </span>' or ""
         out[#out + 1] = string.format('<td class="num heat" data-head="%s" style="--rate:%.0f%%"><span>%s%s</span></td>',
            esc(v:label(variant)), 100 * math.min(1, share) * 0.6, dot, text)
      end
      out[#out + 1] = "</tr>"
   end
   return table.concat(out) .. "</tbody></table></div>\n"
end

-- "loop at the end (F05) in 61 of 120 [42, 60] %; ..."
local function prevalence_text(v, rows)
   local parts = {}
   for _, row in ipairs(rows or {}) do
      parts[#parts + 1] = v:symptom(row.symptom) .. " in " .. row.count .. " of " .. row.items .. " "
         .. format.range(row.low, row.high, 100) .. " %"
   end
   return table.concat(parts, "; ")
end

-- Length in bytes of the words that two texts have in common at their beginning.
local function common_bytes(a, b)
   local n = 0
   while n < #a and n < #b and a:byte(n + 1) == b:byte(n + 1) do n = n + 1 end
   while n > 0 and a:byte(n) > 32 do n = n - 1 end -- back to the beginning of the word
   return n
end

-- Moves a byte position out of the middle of a UTF-8 character: back to the character's beginning (step -1) or on to its end (1).
local function at_character(text, place, step)
   while place > 0 and place < #text and text:byte(place + 1) & 0xC0 == 0x80 do place = place + step end
   return place
end

-- Splits an answer into three texts: the part that it has in common with the other answer, the first token that differs, and the
-- rest. If the token's place is not known, the second text is the first word that differs.
local function parted(output, other)
   local text, bytes = output.text, output.divergence_bytes
   if type(bytes) == "table" then
      local from, to = at_character(text, bytes[1], -1), at_character(text, bytes[2], 1)
      return text:sub(1, from), text:sub(from + 1, to), text:sub(to + 1)
   end
   local place = at_character(text, common_bytes(text, other.text), -1)
   local first, tail = text:sub(place + 1):match "^(%s*%S*)(.*)$"
   return text:sub(1, place), first, tail
end

-- The first token that differs, highlighted, and the text after it. White space before the token is not highlighted; a token of
-- white space alone is shown as an arrow.
local function marked(token, tail)
   if token == "" then return "" end
   local space, shown = token:match "^(%s*)(.*)$"
   local mark = '<mark title="first token that differs">' .. esc(shown ~= "" and shown or "\u{21B5}") .. "</mark>"
   return shown ~= "" and esc(space) .. mark .. esc(tail) or mark .. esc(space .. tail)
end

-- One answer of the catalogue. other: the answer with which it is compared, or nil if both are equal.
local function side(v, title, output, other)
   local body = esc(output.text)
   if other then
      local same, token, tail = parted(output, other)
      body = '<span class="same">' .. esc(same) .. "</span>" .. marked(token, tail)
   end
   return '<article class="answer"><h4>' .. esc(title) .. '</h4><div class="about">'
      .. esc(v:output_note { tokens = output.n_tokens, finish = output.finish_reason })
      .. '</div><div class="out" dir="auto">' .. body .. "</div></article>"
end

-- Describes the difference of two answers in numbers: the first token that differs, the divergence, how often the failure came again.
-- "" if nothing is known. e: an entry of the failure catalogue.
local function about_difference(e)
   local parts, token = {}, tonumber(e.first_divergence_token)
   if token then
      local margin = tonumber(e.base_margin_at_divergence)
      parts[1] = "The first difference is at token " .. format.count(token)
         .. (margin and (", where the untouched model's first choice led by %.2g nats"):format(margin) or "")
   end
   local kld = tonumber(e.mean_kld_prompt)
   if kld then parts[#parts + 1] = ("divergence along the untouched answer %.2g nats a token"):format(kld) end
   local again = type(e.recurrence) == "table" and e.recurrence or nil
   if again then
      parts[#parts + 1] = ("asked again with sampling, %d of %d fail (untouched: %d)"):format(again.fails, again.k, again.base_fails)
   end
   return #parts > 0 and '<p class="hint">' .. esc(table.concat(parts, "; ")) .. ".</p>" or ""
end

local function kind_of(item)
   local parts = {}
   local id = #item.entry.prompt_id <= 40 and item.entry.prompt_id or "" -- a longer id is the prompt itself
   for _, text in ipairs { item.why, (item.entry.category or ""):gsub("_", " "), id } do
      if text ~= "" then parts[#parts + 1] = text end
   end
   return table.concat(parts, " · ")
end

-- Shows a prompt. Of a long prompt only the end is shown, because it usually holds the question; the whole prompt is in
-- a closed <details> element.
local function asked(prompt)
   if #prompt <= 320 then return '<div class="ask" dir="auto">' .. esc(prompt) .. "</div>" end
   local place = #prompt - 200
   while place > 1 and prompt:byte(place) & 0xC0 == 0x80 do place = place - 1 end
   return '<div class="ask" dir="auto">\u{2026} ' .. esc(prompt:sub(place)) .. "</div><details><summary>Whole prompt</summary>"
      .. '<div class="out" dir="auto">' .. esc(prompt) .. "</div></details>"
end

-- Returns the number of the catalogue's part that is open when the page loads. This is the part with answers to free
-- prompts, because they show most, else the first part.
local function part_to_open(v)
   for i, part in ipairs(v.report.failures or {}) do
      if (v.task[part.task] or {}).kind == "generations" then return i end
   end
   return 1
end

function evidence.failures(v)
   local out, open = {}, part_to_open(v)
   for i, part in ipairs(v.report.failures or {}) do
      local task = part.task and (v.task[part.task] or {}).title or part.task
      local title = esc(v:label(part.variant) .. (task and ": " .. task or ""))
      out[#out + 1] = (i == open and "<details open>" or "<details>") .. "<summary>" .. title .. "</summary>" .. '<p class="hint">'
         .. esc(#(part.prevalence or {}) > 0 and prevalence_text(v, part.prevalence) or "No sign of broken output that is new.") .. "</p>"
      for _, item in ipairs(part.chosen or {}) do
         local e = item.entry
         out[#out + 1] = '<div class="prompt"><div class="kind">' .. esc(kind_of(item)) .. "</div>" .. asked(e.prompt or "")
            .. '<div class="answers">'
         if e.identical then
            out[#out + 1] = side(v, "none and " .. v:label(part.variant), e.base)
         else
            out[#out + 1] = side(v, "none", e.base, e.quant) .. side(v, v:label(part.variant), e.quant, e.base)
         end
         out[#out + 1] = "</div>" .. about_difference(e) .. "</div>\n"
      end
      out[#out + 1] = "</details>\n"
   end
   if #out == 0 then return end
   return '<p class="hint">The three worst answers of each symptom, and three each of the lost, gained, equal and other answers, '
      .. 'drawn by a seed and not by hand. All answers are in failures.jsonl.</p>'
      .. table.concat(out)
end

-- ---- answers side by side --------------------------------------------------------------------------

-- Splits `rest`, the part of an answer that differs from the reference, into its first token and what follows. If the token's end
-- is not known, it splits after the first word.
local function token_of(text, divergence, rest)
   local stop = tonumber(divergence.end_byte)
   if not stop then return rest:match "^(%s*%S*)(.*)$" end
   local from = #text - #rest
   stop = at_character(text, math.min(math.max(stop, from), #text), 1)
   return text:sub(from + 1, stop), text:sub(stop + 1)
end

local function answer(v, output)
   local same, rest = view.split_at_divergence(output)
   local reference = not rest and not output.divergence and output.variant:match("/none$")
   local body = '<span class="' .. (reference and "all" or "same") .. '">' .. esc(same) .. "</span>"
   if rest then body = body .. marked(token_of(output.text, output.divergence, rest)) end
   local about = v:output_note(output)
   if not rest and not reference then about = about .. (about ~= "" and " · " or "") .. "identical to none" end
   return '<article class="answer"><h4>' .. esc(v:label(output.variant)) .. '</h4><div class="about">' .. esc(about)
      .. '</div><div class="out" dir="auto">' .. body .. "</div></article>"
end

local function prompt_of(v, item)
   local decode = item.decode or {}
   local how = decode.temperature == 0 and "greedy" or decode.temperature and "temperature " .. decode.temperature or ""
   local out = { '<div class="prompt"><div class="kind">', esc((item.category or ""):gsub("_", " ")),
      how ~= "" and " · " .. esc(how) or "", decode.max_tokens and " · at most " .. decode.max_tokens .. " tokens" or "",
      '</div><div class="ask" dir="auto">', esc(item.prompt or item.prompt_id), '</div><div class="answers">' }
   for _, output in ipairs(item.outputs or {}) do out[#out + 1] = answer(v, output) end
   out[#out + 1] = "</div></div>\n"
   return table.concat(out)
end

local MANY_PROMPTS <const> = 12

-- All answers side by side. Of more than 12 prompts only the first of each category is visible; the others are in a closed <details>
-- element with the name of the category.
function evidence.generations(v)
   local items = v.report.generations
   if #items == 0 then return end
   local out = { '<p class="hint">Text in common with the untouched subject is grey; '
      .. 'the mark is where an answer begins to differ. All answers are shown as the model wrote them.</p>' }
   local order, folded = {}, {}
   for _, item in ipairs(items) do
      local category = item.category or ""
      if #items <= MANY_PROMPTS or not folded[category] then out[#out + 1] = prompt_of(v, item)
      else table.insert(folded[category], prompt_of(v, item)) end
      if not folded[category] then
         folded[category], order[#order + 1] = {}, category
      end
   end
   for _, category in ipairs(order) do
      if #folded[category] > 0 then
         out[#out + 1] = "<details><summary>" .. esc((category:gsub("_", " "))) .. ": " .. #folded[category] .. " more</summary>"
            .. table.concat(folded[category]) .. "</details>\n"
      end
   end
   return table.concat(out)
end

return evidence

-- Chooses the verdict (a word from a closed list) of every comparison and of every variant. Only this file does. The table in
-- README.md says which finding gets which word; the functions here follow it from top to bottom.
local verdicts = {}

-- The loss as an interval [low, high], and the margin, on the same scale: logarithms for ratios, else the unit of the difference.
-- A loss is positive, a gain negative.
local function loss_of(row)
   local low, high, margin = row.paired.low, row.paired.high, row.margin
   if row.paired.quantity == "ratio" then low, high, margin = math.log(low), math.log(high), math.log(margin) end
   if row.direction ~= "lower" then low, high = -high, -low end
   return low, high, margin
end

-- Whether a loss as large as the margin could have been missed, because the smallest visible difference (mde) is larger. Then no
-- verdict may say that there is no loss.
local function is_blind(row)
   if not row.mde then return false end
   return row.mde.value > (row.paired.quantity == "ratio" and row.margin - 1 or row.margin)
end

-- Returns the word for one row by its numbers alone, and for "worse" whether the loss lies within the margin.
-- row: { paired, mde, margin, direction, reason, reference }; p: { p_holm | p_bh } or nil; alpha: the error level.
function verdicts.word(row, p, alpha)
   if row.reference then return "reference" end
   if not row.paired then return row.reason and "inconclusive" or "reference" end
   local low, high, margin = loss_of(row)
   local no_loss = high <= margin and not is_blind(row)
   if row.paired.lost == 0 and row.paired.gained == 0 and no_loss then return "tie" end
   local adjusted = p and (p.p_holm or p.p_bh)
   local resolved = adjusted ~= nil and adjusted < alpha
   if low > 0 and resolved then return "worse", high <= margin end
   if high < 0 and resolved then return "better" end
   if no_loss then return low >= -margin and "equivalent" or "non-inferior" end
   return "inconclusive"
end

-- A copy of a row with the word.
local function with_word(row, word)
   local copy = {}
   for key, value in pairs(row) do copy[key] = value end
   copy.verdict = word
   return copy
end

-- Whether a blocking gate failed for the whole study or for one of the scopes (ids of a subject or a variant).
local function is_blocked(gates, ...)
   for _, gate in ipairs(gates) do
      if gate.status == "fail" and gate.severity == "block" then
         if not gate.scope then return true end
         for _, scope in ipairs { ... } do if gate.scope == scope then return true end end
      end
   end
   return false
end

-- Returns the rows with `verdict`, `within_margin` and `excluded`. Only gates of subjects and of the study count here. Gates of single
-- variants are applied later by `withdraw`, after the guardrails have read the verdicts.
function verdicts.judge(rows, p_values, excluded, gates, alpha)
   local out = {}
   for i, row in ipairs(rows) do
      local word, within = verdicts.word(row, p_values[row], alpha)
      if excluded[row] or is_blocked(gates, row.subject) then word = "invalid" end
      out[i] = with_word(row, word)
      out[i].within_margin, out[i].excluded = within, excluded[row]
      if excluded[row] then out[i].reason = "the untouched model is at its trivial score on this task" end
   end
   return out
end

-- The words from bad to good. A variant's verdict is the worst of its primary metrics' verdicts.
local ORDER <const> = { "invalid", "worse", "inconclusive", "not_run", "non-inferior", "tie", "equivalent", "better",
                        "reference" }
local RANK <const> = {}
for i, word in ipairs(ORDER) do RANK[word] = i end

-- Returns { { variant, verdict, because = { { task, metric }, ... } }, ... }. because: the metrics that have this verdict.
function verdicts.of_variants(ids, judged)
   local out = {}
   for i, id in ipairs(ids) do
      local worst, because = nil, {}
      for _, row in ipairs(judged) do
         if row.variant == id and row.primary and not row.excluded then
            if not worst or RANK[row.verdict] < RANK[worst] then worst, because = row.verdict, {} end
            if row.verdict == worst then because[#because + 1] = { task = row.task, metric = row.metric } end
         end
      end
      out[i] = with_word({ variant = id, because = because }, worst or "not_run")
   end
   return out
end

-- Returns the same rows (of comparisons or of variants), with the verdict "invalid" if a blocking gate failed for the study, the row's
-- subject or its variant. subject_of: { [variant id] = subject id }.
function verdicts.withdraw(rows, gates, subject_of)
   local out = {}
   for i, row in ipairs(rows) do
      local blocked = is_blocked(gates, row.variant, subject_of[row.variant])
      out[i] = blocked and with_word(row, "invalid") or row
   end
   return out
end

return verdicts

-- Computes the p values of all comparisons of a study and adjusts them for their number, in two families: Holm's method for the
-- primary comparisons (the study's claims), Benjamini-Hochberg for all other comparisons (exploration).
-- p is the probability that chance alone makes a difference at least as large as the measured one, if quantization changed nothing.
--
-- A comparison on a task that gate P8 excluded belongs to neither family and has no adjusted p. Leaving it out is fair, because only
-- the untouched model's score decides the exclusion, and no variant's.
local native = require "assay.native"
local stats = native.stats

local families = {}

-- Returns p and the name of the test. Independent right-or-wrong items get McNemar's exact test. Other differences get the sign-flip
-- test, which makes the fewest assumptions. With n differences its smallest possible p is 2 / 2^n. If this p times `n_comparisons` is
-- not below alpha, the test could find nothing; then continuous scores get the paired t test. The choice depends only on these numbers,
-- never on the values of the differences.
local function p_of(test, n_comparisons, study)
   if test.mcnemar then return test.mcnemar, "McNemar, exact" end
   local differences = test.differences
   if test.continuous and n_comparisons * stats.sign_flip_floor(#differences) >= study.alpha then
      local p = stats.paired_t(differences) -- nil if all differences are equal, so that they have no spread
      if p then return p, "paired t" end
   end
   local p, _, exact = stats.sign_flip(differences, { seed = study.seed })
   return p, exact and "sign flip, exact" or "sign flip, drawn"
end

-- Adds the p values of one family to `found`. adjust: the function that adjusts a list of p; key: the name of the adjusted p.
local function add_family(found, rows, adjust, key, study)
   local ps = {}
   for i, row in ipairs(rows) do
      local p, method = p_of(row.paired.test, #rows, study)
      ps[i], found[row] = p, { p = p, p_method = method }
   end
   for i, adjusted in ipairs(#ps > 0 and adjust(ps) or {}) do found[rows[i]][key] = adjusted end
end

-- rows: as comparisons.lua makes them; excluded: { [row] = true }; study: { alpha, seed }.
-- Returns { [row] = { p, p_method, p_holm | p_bh } } for every row with a comparison.
function families.p_values(rows, excluded, study)
   local primary, others, found = {}, {}, {}
   for _, row in ipairs(rows) do
      if row.paired and excluded[row] then
         local p, method = p_of(row.paired.test, 1, study)
         found[row] = { p = p, p_method = method }
      elseif row.paired then
         table.insert(row.primary and primary or others, row)
      end
   end
   add_family(found, primary, stats.holm, "p_holm", study)
   add_family(found, others, stats.benjamini_hochberg, "p_bh", study)
   return found
end

return families

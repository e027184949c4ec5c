-- Computes the p values of all comparisons of a study and adjusts them: Holm's step-down over the primary comparisons,
-- which are claims, and Benjamini-Hochberg over the others, which are exploration.
--
-- A comparison on a task that gate P8 excluded counts in neither family: the untouched model alone decides that, before
-- any variant is looked at. Such a comparison has a p and no adjusted p.
local native = require "assay.native"
local stats = native.stats

local families = {}

-- Right-or-wrong items get McNemar's exact test. Other differences get the sign-flip test, which assumes least. With few
-- differences even the smallest p that it can give (2 / 2^n) may be too large to pass the adjustment for `n_comparisons`;
-- continuous scores then get the paired t test. The choice depends on the sizes alone and never on the differences' values.
local function p_of(test, n_comparisons, study)
   if test.mcnemar then return test.mcnemar, "McNemar, exact" end
   local differences = test.differences
   if test.continuous and n_comparisons * stats.sign_flip_floor(#differences) >= study.alpha then
      local p = stats.paired_t(differences) -- nil where all differences are equal: they show no spread
      if p then return p, "paired t" end
   end
   local p, _, exact = stats.sign_flip(differences, { seed = study.seed })
   return p, exact and "sign flip, exact" or "sign flip, drawn"
end

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

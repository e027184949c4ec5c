-- The calibrations of a study for report.json: its own, with what it shares with the tasks, and those that recipes brought.
local contamination = require "assay.contamination"
local native = require "assay.native"
local variants = require "assay.variant"
local fs, json = native.fs, native.json

local calibrations = {}
local null = json.null

local function object(pairs_) return json.object(pairs_) end
local function list(t) return json.list(t or {}) end

local function count_tokens(sequences)
   local n = 0
   for _, ids in ipairs(sequences) do n = n + #ids end
   return n
end

-- Calibrations that recipes brought along, once each, in the order of recipes -> id; the study's own is c1.
function calibrations.ids(context)
   local ids, order = {}, {}
   if context.study.calibration then ids[context.study.calibration] = "c1" end
   for _, variant in ipairs(context.study:variants()) do
      local c = variant.calibration
      if c and not ids[c] then
         order[#order + 1] = c
         ids[c] = "r" .. #order
      end
   end
   return ids, order
end

local function add_recipe_calibrations(context, out)
   local ids, order = calibrations.ids(context)
   for _, c in ipairs(order) do
      local identity_of = c:identity()
      out[#out + 1] = object {
         { "id", ids[c] }, { "name", c.options.name or null },
         { "source", identity_of.dataset and identity_of.dataset.id or "token ids" },
         { "sequences", c.options.ids and #c.options.ids or c:wanted() },
         { "tokens", c.options.ids and count_tokens(c.options.ids) or c:wanted() * c.options.length },
         { "template", c.options.template }, { "seed", c.options.seed },
         { "sha256", fs.sha256(json.encode(identity_of, { canonical = true })) },
         { "overlap_with_eval", null } }
   end
   return out
end

-- One entry, or one for each subject whose tokenizer makes other tokens of it.
function calibrations.list(context)
   local c, out, seen = context.study.calibration, list(), {}
   for _, subject in ipairs(c and context.study.subjects or {}) do
      local key = contamination.stage_key(context, variants.fingerprint(context, subject))
      local stage = context.store:find(key)
      local f = stage and stage.result.facts
      if f and not seen[f.hash] then
         seen[f.hash] = true
         local s = f.source
         out[#out + 1] = object {
            { "id", "c" .. #out + 1 }, { "source", s.dataset == "ids" and "token ids" or s.dataset },
            { "split", s.split or null }, { "subset", s.subset or null }, { "license", s.license or null },
            { "sequences", f.sequences }, { "tokens", f.tokens }, { "counted_tokens", f.counted_tokens },
            { "shortest", f.shortest }, { "longest", f.longest }, { "template", s.template or null },
            { "layout", s.layout or null }, { "mask", s.mask or null }, { "seed", s.seed or null },
            { "sha256", f.hash }, { "overlap_with_eval", contamination.shared(stage.result.overlap) },
            { "overlap", stage.result.overlap }, { "allow_overlap", c.options.allow_overlap or null },
            { "allow_held_out", c.options.allow_held_out or null } }
      end
   end
   return add_recipe_calibrations(context, out)
end

return calibrations

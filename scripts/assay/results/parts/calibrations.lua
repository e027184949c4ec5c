-- The calibrations of a study for report.json, the study's own (c1, ...) and those that recipes brought (r1, ...): what each
-- is, and what it shares with every task. One entry for each subject whose tokenizer makes other tokens of it.
local contamination = require "assay.data.overlap"
local native = require "assay.native"
local variants = require "assay.study.variant"
local json = native.json

local calibrations = {}
local null = json.null

local function entry_of(id, calibration, result)
   local facts, o = result.facts, calibration.options
   local s = facts.source
   return json.object {
      { "id", id }, { "name", o.name or null }, { "source", s.dataset == "ids" and "token ids" or s.dataset },
      { "split", s.split or null }, { "subset", s.subset or null }, { "license", s.license or null },
      { "sequences", facts.sequences }, { "tokens", facts.tokens }, { "counted_tokens", facts.counted_tokens },
      { "shortest", facts.shortest }, { "longest", facts.longest }, { "template", s.template or null },
      { "layout", s.layout or null }, { "mask", s.mask or null }, { "seed", s.seed or null },
      { "sha256", facts.hash }, { "overlap_with_eval", contamination.shared(result.overlap) },
      { "overlap", result.overlap }, { "allow_overlap", o.allow_overlap or null },
      { "allow_held_out", o.allow_held_out or null } }
end

-- What makes two calibrations one entry: the same tokens under the same name for the same reasons.
local function same_entry(calibration, facts)
   local o = calibration.options
   return table.concat({ facts.hash, o.name or "", o.allow_overlap or "", o.allow_held_out or "" }, "\n")
end

-- The entries, and ids[calibration][subject id]. Every calibration was compared before the first recipe (run.lua).
local function collect(context)
   local out, ids, seen, counts = json.list {}, {}, {}, { c = 0, r = 0 }
   for _, calibration in ipairs(context.study:calibrations()) do
      local kind = calibration == context.study.calibration and "c" or "r"
      ids[calibration] = {}
      for _, subject in ipairs(context.study.subjects) do
         local fingerprint = variants.fingerprint(context, subject)
         local stage = context.store:find(contamination.stage_key(context, fingerprint, calibration))
         if stage then
            local key = same_entry(calibration, stage.result.facts)
            if not seen[key] then
               counts[kind] = counts[kind] + 1
               seen[key] = kind .. counts[kind]
               out[#out + 1] = entry_of(seen[key], calibration, stage.result)
            end
            ids[calibration][subject.id] = seen[key]
         end
      end
   end
   return out, ids
end

function calibrations.list(context)
   local out
   out, context.calibration_ids = collect(context)
   return out
end

-- The id of the calibration that a variant was made with; nil without one. After list().
function calibrations.id_of(context, variant)
   return variant.calibration and context.calibration_ids[variant.calibration][variant.subject.id]
end

return calibrations

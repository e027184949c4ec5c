-- The part `calibrations` of report.json: what each calibration is and what it shares with every task. A calibration
-- has several entries if the tokenizers of the subjects make different tokens of its text. The entries of the study's own calibration
-- have the ids c1, c2, ...; the entries of calibrations of single recipes have the ids r1, r2, ...
local json = require("assay.native").json
local overlap = require "assay.data.overlap"
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
      { "sha256", facts.hash }, { "overlap_with_eval", overlap.shared(result.overlap) },
      { "overlap", result.overlap }, { "allow_overlap", o.allow_overlap or null },
      { "allow_held_out", o.allow_held_out or null } }
end

-- Two calibrations with equal keys share one entry: they have the same tokens, name and reasons for an overlap or a held-out split.
local function key_of_entry(calibration, facts)
   local o = calibration.options
   return table.concat({ facts.hash, o.name or "", o.allow_overlap or "", o.allow_held_out or "" }, "\n")
end

-- Returns the entries, and ids[calibration][subject id].
return function(run)
   local out, ids, seen, counts = json.list {}, {}, {}, { c = 0, r = 0 }
   for _, one in ipairs(run.calibrations) do
      local calibration = one.calibration
      local kind = calibration == run.study.calibration and "c" or "r"
      ids[calibration] = {}
      for _, subject in ipairs(run.study.subjects) do
         local result = one.of_subject[subject.id]
         if result then
            local key = key_of_entry(calibration, result.facts)
            if not seen[key] then
               counts[kind] = counts[kind] + 1
               seen[key] = kind .. counts[kind]
               out[#out + 1] = entry_of(seen[key], calibration, result)
            end
            ids[calibration][subject.id] = seen[key]
         end
      end
   end
   return out, ids
end

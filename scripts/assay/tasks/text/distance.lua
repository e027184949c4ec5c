-- Measures how far a variant's next-token distributions lie from the untouched model's on one text: KL divergence (percentiles, and means
-- by how sure the untouched model was), agreement of the likeliest tokens, change of the right token's probability. The run of the
-- untouched model stores its final hidden states, which are smaller than logits; variants are compared with them.
local fail = require "assay.lib.fail"
local items = require "assay.tasks.items"
local native = require "assay.native"
local windows = require "assay.tasks.kinds.text_windows"

local function ids_of(o, m) return (windows.cut(o, m:encode(o.dataset:text(), { start = true }))) end

return {
   kind = "distance",
   summary = "distance of the next-token distributions to the untouched model",
   options = windows.with {
      dataset = { type = "table", required = true, about = "a dataset whose records have 'text'" },
      window = { type = "integer", default = 512, min = 2, about = "tokens of a window" },
   },
   metrics = {}, -- a distance is no score to be compared; the report shows it in a section of its own
   default_margin = 0.05, -- nats

   check = function(o)
      if type(o.dataset.text) ~= "function" then
         fail.usage("assay.task.distance: 'dataset' must be a dataset")
      end
   end,

   protocol = function(o)
      return windows.protocol(o, "distance-" .. o.window, {
         window = o.window, template = native.json.null, special_tokens = true,
         reference = "final hidden states of the untouched subject", dataset = items.dataset_key(o.dataset) })
   end,

   tokens = function(o) return windows.estimate(o, #o.dataset:text()) * 2 end, -- twice, since both models' heads are computed

   -- place: see tasks/README.md
   run = function(o, m, _, place)
      if place.none then
         local n = m:keep_states(ids_of(o, m), place.folder .. "/states", { window = o.window })
         return { counts = { tokens = n * (o.window - 1), windows = n } }
      end
      local reference, folder = place.reference()
      local samples = m:distance(ids_of(o, m), reference, { window = o.window, states = folder .. "/states" })
      local numbers, note = native.data.metric("distribution_distance", {}):evaluate({ task = "distance" }, samples)
      return { counts = { tokens = note.tokens, windows = note.windows }, distance = numbers, note = note }
   end,
}

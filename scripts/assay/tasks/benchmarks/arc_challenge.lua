-- ARC, challenge set: rows as in the easy set, but questions that cannot be answered from word statistics. The primary metric is the
-- accuracy normalised by the length of the choices, as is usual for this set.
local multiple_choice = require "assay.tasks.kinds.multiple_choice"
local easy = require "assay.tasks.benchmarks.arc_easy"

return multiple_choice.task { summary = "school science questions, challenge set (ARC-C)", protocol = "arc_challenge", set = "arc_challenge",
   read = easy.read,
   main = "acc_norm", tokens_per_item = 160 }

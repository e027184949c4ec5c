-- ARC, challenge set: the same form as the easy set, questions that word statistics get wrong.
-- Reported by normalised accuracy first, as is usual.
local choice = require "assay.tasks.kinds.multiple_choice"
local easy = require "assay.tasks.benchmarks.arc_easy"

return choice.task { summary = "school science questions, challenge set (ARC-C)", protocol = "arc_challenge", set = "arc_challenge",
  read = easy.read,
  main = "acc_norm", tokens_per_item = 160 }

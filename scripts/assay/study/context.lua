-- The context of a run: the one table that every stage of a running study gets.
--
--   field     what it holds                                             written by
--   study     the study, as `assay.study` has checked it                this file
--   path      the script that returned the study                        this file
--   folder    the folder of results                                     this file
--   store     the results of finished stages (store.lua)                this file; each stage adds its own result
--   models    the models in memory (models.lua)                         this file; stages load and release models
--   started   when the run began, UTC                                   this file
--   clock     the same moment in seconds of the monotonic clock         this file
--   failed    { [variant id] = the error that ended the variant }       run.lua, while the stages run
--   n_stored  number of stages that earlier runs had finished           run.lua, while the stages run
--   resumed   whether there was such a stage                            run.lua, while the stages run
--
-- After the last stage nothing writes to it: results/ and the study's function `after` only read it.
local models = require "assay.study.models"
local store = require "assay.study.store"
local sys = require("assay.native").sys

return function(study, path, folder)
   return { study = study, path = path, folder = folder, store = store.open(folder .. "/store", sys.settings().version),
            models = models.new(), started = sys.utc(), clock = sys.clock(), failed = {}, n_stored = 0, resumed = false }
end

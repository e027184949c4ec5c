-- Guardrails G24, G25, G31, G33, G36 and G40 check where numbers come from: whether the calibration is described, whether everything
-- declared is reported, which files were measured, whether conditions were equal, whether data was kept apart, and on which machine.

local verdict = require("assay.audit.context").verdict
local unless_claimed = require("assay.audit.context").unless_claimed

local function calibrated(c)
   for _, variant in ipairs(c.variants) do
      if variant.recipe and variant.calibration then return true end
   end
   return #c.calibrations > 0
end

-- What is missing or wrong in the description of a calibration; nil if nothing is.
local function calibration_fault(item)
   if not item.sequences or type(item.sequences) ~= "number" or item.sequences <= 0 then
      return "no count of samples"
   end
   if not item.tokens then return "no count of tokens" end
   if item.tokens / item.sequences < 16 then return "sequences shorter than 16 tokens: prompts were torn apart" end
   if not item.sha256 then return "no content hash" end
   if item.overlap_with_eval == nil then return "not shown to be apart from the evaluation" end
   if item.overlap_with_eval ~= 0 then return item.overlap_with_eval .. " items are also evaluated" end
end

-- Values of `device_name` that do not say which machine was used.
local VAGUE <const> = { ["CUDA-enabled GPU"] = true, GPU = true, CPU = true, cuda = true, cpu = true, [""] = true }

return {
   { id = "G24", severity = "block", title = "calibration is documented",
      message = "without source, count, tokens and hash of the calibration a result cannot be repeated",
      check = function(c)
         if not calibrated(c) then return "passed", "nothing was calibrated" end
         local offenders = {}
         for _, item in ipairs(c.calibrations) do
            local fault = calibration_fault(item)
            if fault then offenders[#offenders + 1] = (item.source or item.id) .. ": " .. fault end
         end
         if #c.calibrations == 0 then offenders[1] = "no calibration is described" end
         return unless_claimed(offenders, #c.calibrations)
      end },
   { id = "G25", severity = "block", title = "what was declared is reported",
      message = "datasets were declared that no table shows, or the counts do not add up",
      check = function(c)
         local shown, offenders, checked = {}, {}, 0
         local n_shown = 0
         for _, result in ipairs(c.results) do
            if not shown[result.task] and not (c.task[result.task] or {}).aggregate then n_shown = n_shown + 1 end
            shown[result.task] = true
         end
         for _, task in ipairs(c.declared.tasks or {}) do
            checked = checked + 1
            if not shown[task] then offenders[#offenders + 1] = task .. " was declared and is not reported" end
         end
         if c.declared.n_tasks then
            checked = checked + 1
            if c.declared.n_tasks ~= n_shown then
               offenders[#offenders + 1] = c.declared.n_tasks .. " datasets are declared, " .. n_shown .. " are shown"
            end
         end
         for _, variant in ipairs(c.variants) do
            for task in pairs(shown) do
               if not c:result(variant.id, task) and variant.status ~= "not_available" and variant.status ~= "failed" then
                  offenders[#offenders + 1] = variant.id .. " has no result on " .. task
               end
            end
            checked = checked + 1
         end
         return verdict(offenders, checked, "nothing was declared")
      end },
   { id = "G31", severity = "block", title = "variants known by content, not by name",
      message = "a file name says nothing about what is in the file",
      check = function(c)
         local offenders, checked = {}, 0
         for _, variant in ipairs(c.variants) do
            if variant.identified_by then
               checked = checked + 1
               if variant.identified_by == "path" then offenders[#offenders + 1] = variant.id .. ": known only by its path" end
            end
         end
         if checked == 0 then
            for _, subject in ipairs(c.subjects) do if subject.fingerprint then checked = checked + 1 end end
         end
         return verdict(offenders, checked, "no fingerprints")
      end },
   { id = "G33", severity = "block", title = "equal conditions for both sides",
      message = "two arms of a comparison ran under different protocols, prompts or machines",
      check = function(c)
         local offenders, checked = {}, 0
         for _, pair in ipairs(c:pairs()) do
            for _, key in ipairs { "protocol", "prompt_hash", "device" } do
               local own, base = pair.result[key], pair.base[key]
               if own or base then
                  checked = checked + 1
                  if own ~= base then
                     offenders[#offenders + 1] = pair.variant.id .. " " .. pair.result.task .. ": another " .. key
                  end
               end
            end
            if (c.task[pair.result.task] or {}).protocol and not c.transcribed then checked = checked + 1 end
         end
         return verdict(offenders, checked, "no protocol ids")
      end },
   { id = "G36", severity = "block", title = "training, calibration and evaluation apart",
      message = "the same data trained, calibrated and judged the model, and nothing shows that the items differ",
      check = function(c)
         local offenders, checked = {}, 0
         for _, task in ipairs(c.tasks) do
            local data = task.dataset or {}
            local name = data.name or data.id
            for _, use in ipairs(c.declared.data_used_for or {}) do
               if name and use.dataset == name then
                  checked = checked + 1
                  if use.overlap == nil or use.overlap ~= 0 then
                     offenders[#offenders + 1] = name .. " is used for " .. use.purpose .. " and for evaluation"
                  end
               end
            end
         end
         for _, item in ipairs(c.calibrations) do
            if item.overlap_with_eval and item.overlap_with_eval ~= 0 then
               offenders[#offenders + 1] = (item.source or item.id) .. ": " .. item.overlap_with_eval
                  .. " items are also evaluated"
            end
            if item.overlap_with_eval then checked = checked + 1 end
         end
         if checked == 0 and not calibrated(c) then return "passed", "nothing was trained or calibrated here" end
         return verdict(offenders, checked, "no list of what data was used for")
      end },
   { id = "G40", severity = "flag", title = "machine and software named",
      message = "without hardware, versions and date a number cannot be placed",
      check = function(c)
         local e, missing = c.environment, {}
         if VAGUE[e.device_name or ""] then
            missing[#missing + 1] = e.device_name and '"' .. e.device_name .. '" is no description of a machine'
               or "no hardware"
         end
         if not (e.assay or e.software) then missing[#missing + 1] = "no versions" end
         if not ((c.report.times or {}).started or c.study.date) then missing[#missing + 1] = "no date" end
         return verdict(missing, 1, "")
      end },
}

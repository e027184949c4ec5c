-- Gate P1: the recipe that changes nothing gives the same logits after quantize, save and load, bit for bit. If these steps alone
-- changed the logits, the study could not measure the cost of quantization.
return {
   id = "P1", title = "identity recipe", severity = "block", scope = "subject",
   failed = "saving and loading changes the model: no number of this study is valid",
   passed = "the untouched model survives quantize, save and load bit for bit",
   check = function(_, variant)
      local stage = variant.identity
      if not stage then return "not_run" end
      return stage.result.passed and "pass" or "fail", stage.result.evidence
   end,
}

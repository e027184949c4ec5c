-- Gate P9: a variant that runs from its stored codes gives the logits of its dequantized weights, so that what was measured in one of the
-- two forms is also true of the other. Logits differ in the last digits, because sums run in another order; the stage `packed` sets the limit.

return {
   id = "P9", title = "codes give the same logits", severity = "block", scope = "model",
   failed = "the packed form computes other logits than the dequantized weights",
   check = function(_, variant)
      if not variant.packed then return "not_run", "packed weights run in float32 on the CPU only" end
      local result = variant.packed.result
      if result.reason then return "not_run", "no checkpoint was written: " .. result.reason end
      local parity = result.parity
      local evidence = ("largest logit difference %.2g of the largest logit over %d tokens (allowed %.2g); %d of %d answers equal, kernel %s")
         :format(parity.difference, parity.tokens, result.bound, parity.equal_answers, parity.answers, result.kernel)
      local first = type(parity.first_difference) == "table" and parity.first_difference
      if first then
         evidence = ("%s; answer %d differs from token %d on%s"):format(evidence, first.prompt, first.token,
            type(first.margin) == "number" and (", where the margin was %.3g"):format(first.margin) or "")
      end
      local ok = parity.difference == parity.difference and parity.difference <= result.bound
      return ok and "pass" or "fail", evidence
   end,
}

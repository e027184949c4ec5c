-- Gate P4: every weight of a tensor that changed is a finite number. The evidence also names the tensor with the largest share of
-- weights that were rounded to zero.
local listing = require "assay.gates.listing"

return {
   id = "P4", title = "weights are finite", severity = "block", scope = "variant",
   failed = "a stored weight is not a finite number",
   check = function(_, variant)
      local census = variant.preflight.result.census
      if not census then return "not_run", "no checkpoint was written" end
      if not variant.made.result.summary.edited then
         return "not_run", "the stage is of an earlier version, which kept no list of what it edited"
      end
      local broken, most, where = {}, 0, "none"
      for _, tensor in ipairs(census.changed) do
         if not tensor.finite then broken[#broken + 1] = tensor.name end
         if tensor.zero_share > most then most, where = tensor.zero_share, tensor.name end
      end
      if #broken > 0 then return "fail", listing(broken) end
      return "pass", ("all finite; largest share of weights rounded to zero %.1f %%, in %s"):format(100 * most, where)
   end,
}

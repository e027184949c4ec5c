-- Gate P2: in the written checkpoint every quantized linear differs from the untouched model's, and no other tensor
-- differs, except those that the steps of the recipe say they edited.
local listing = require "assay.gates.listing"

-- Returns the set of tensor names of the quantized linears, their number, and the set of all tensors that may change: the linears and
-- what the steps of the recipe say they edited (transforms put scales into norms, rotations turn the embedding, tuning trains norms).
local function declared_tensors(summary)
   local linears, n, all = {}, 0, {}
   for _, linear in ipairs(summary.linears or {}) do
      local name = linear.name:find "%.weight$" and linear.name or linear.name .. ".weight"
      linears[name], all[name] = true, true
      n = n + 1
   end
   for _, name in ipairs(summary.edited) do all[name] = true end
   return linears, n, all
end

-- Compares the census (the tensors that changed or are missing) with these two sets: the quantized linears, which must change, and
-- all declared tensors, which may. Returns one text for each contradiction, and whether the head or the embedding changed.
local function contradictions(census, linears, declared)
   local out, changed = {}, {}
   for _, tensor in ipairs(census.changed) do
      changed[tensor.name] = true
      if not declared[tensor.name] then out[#out + 1] = tensor.name .. " was changed" end
   end
   for name in pairs(linears) do if not changed[name] then out[#out + 1] = name .. " is unchanged" end end
   for _, name in ipairs(census.missing) do out[#out + 1] = name .. " is missing" end
   table.sort(out)
   return out, changed["lm_head.weight"] or changed["model.embed_tokens.weight"]
end

return {
   id = "P2", title = "the changed tensors are the declared ones", severity = "block", scope = "variant",
   failed = "a tensor was changed that the recipe does not declare, or a declared linear was not changed",
   check = function(_, variant)
      local census, summary = variant.preflight.result.census, variant.made.result.summary
      if not census then return "not_run", "no checkpoint was written" end
      if not summary.edited then
         return "not_run", "the stage is of an earlier version, which kept no list of what it edited"
      end
      local linears, n, declared = declared_tensors(summary)
      local found, head = contradictions(census, linears, declared)
      if #found > 0 then return "fail", listing(found) end
      return "pass", ("%d linears declared, %d tensors changed, %d equal bit for bit, head and embedding %s")
                        :format(n, #census.changed, census.equal, head and "changed" or "untouched")
   end,
}

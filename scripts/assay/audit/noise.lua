-- Guardrails G34, G35, G37 and G38 check what a report says about noise: A/A runs (one model measured twice), p values adjusted for
-- the number of comparisons, percentiles, and whether the numbers of a load test fit together. host/stats computes the intervals.

local collect = require("assay.audit.context").collect
local verdict = require("assay.audit.context").verdict
local unless_claimed = require("assay.audit.context").unless_claimed

-- How many items n are needed so that the largest of them lies above the percentile p (a fraction, such as 0.99) with 95 % confidence:
-- 1 - p^n >= 0.95. With fewer items the percentile has no upper bound.
local function items_for_percentile(p) return math.ceil(math.log(0.05) / math.log(p)) end

-- Laws between the numbers of a load test. Each is a function of one row of the report's `capacity` (TRANSCRIBING.md lists its fields).
-- It returns nil if the row lacks the numbers or the law does not apply to it, else whether the law is broken, and a text that says how.
local LAWS <const> = {
   function(row) -- Little's law: requests under way = requests per second x mean seconds of a request
      if not (row.conc and row.req_s and row.e2e_mean_ms) then return nil end
      local inside = row.req_s * row.e2e_mean_ms / 1000
      return math.abs(inside / row.conc - 1) > 0.05,
         string.format("concurrency %g, but %.2f requests are under way", row.conc, inside)
   end,
   function(row) -- tokens per second = tokens / seconds
      if not (row.out_tokens and row.dur_s and row.out_tok_s) then return nil end
      local rate = row.out_tokens / row.dur_s
      return math.abs(rate / row.out_tok_s - 1) > 0.05,
         string.format("%g tokens/s are printed, the counts give %.4g", row.out_tok_s, rate)
   end,
   function(row) -- a single sequence must read every weight from memory for every token, so the bandwidth is a limit
      if not (row.conc == 1 and row.out_tok_s and row.bytes_per_token and row.bandwidth_bytes_s) then return nil end
      local bound = row.bandwidth_bytes_s / row.bytes_per_token
      return row.out_tok_s > bound, string.format("%g tokens/s, but the memory can feed %.4g", row.out_tok_s, bound)
   end,
}

return {
   { id = "G34", severity = "flag", title = "a noise floor was measured",
      message = "without a repeated run of the same model, small differences cannot be told from noise",
      check = function(c)
         if #c.aa_noise > 0 then return "passed", #c.aa_noise .. " A/A runs" end
         for _, gate in ipairs(c.gates) do
            if gate.id == "AA" and gate.status == "pass" then return "passed", gate.evidence end
         end
         return "fired", "no A/A run"
      end },
   { id = "G35", severity = "flag", title = "p values adjusted for their number",
      message = "with many comparisons some look significant by chance; the best of several is not a finding",
      check = function(c)
         local comparisons, without = #c:pairs(), {}
         for _, pair in ipairs(c:pairs()) do
            local paired = pair.result.paired
            local compared = not pair.result.excluded and (paired or not pair.result.reason) -- what gate P8 excluded claims nothing
            if compared and not (paired and (paired.p_holm or paired.p_bh)) then
               without[#without + 1] = pair.variant.id .. " on " .. pair.result.task .. " (" .. pair.result.metric
                  .. ") without adjusted p"
            end
         end
         if comparisons < 2 then return "passed", "one comparison" end
         return verdict(without, comparisons, "")
      end },
   { id = "G37", severity = "flag", title = "percentiles have enough requests",
      message = "a high percentile of few requests has no upper bound",
      check = function(c)
         local offenders, checked = {}, 0
         for _, row in ipairs(c.report.capacity or {}) do
            for _, p in ipairs { 95, 99 } do
               if row["p" .. p .. "_ms"] and row.n_req then
                  checked = checked + 1
                  local needed = items_for_percentile(p / 100)
                  if row.n_req < needed then
                     offenders[#offenders + 1] = string.format("p%d from %d requests, %d are needed", p, row.n_req, needed)
                  end
               end
            end
         end
         return unless_claimed(offenders, checked)
      end },
   { id = "G38", severity = "flag", title = "requests, tokens, time and bandwidth agree",
      message = "the numbers of a load test contradict each other, so at least one of them is wrong",
      check = function(c)
         local offenders, checked = {}, 0
         for _, law in ipairs(LAWS) do
            local broken, n = collect(c.report.capacity or {}, law)
            table.move(broken, 1, #broken, #offenders + 1, offenders)
            checked = checked + n
         end
         return unless_claimed(offenders, checked)
      end },
}

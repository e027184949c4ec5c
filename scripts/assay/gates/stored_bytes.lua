-- Gate P3: the size of the weight files follows from the counted bits per weight. Otherwise something else was stored.

local TOLERANCE <const> = 0.05             -- share of the size, for alignment and metadata of the formats
local HEADER_BYTES <const> = 256 * 1024    -- for the header (names and shapes of tensors)

return {
   id = "P3", title = "stored bytes follow from the bits", severity = "block", scope = "variant",
   failed = "the files are not as large as the bits per weight say",
   check = function(facts, variant)
      local bytes = facts.bytes_on_disk[variant.id]
      if not bytes then return "not_run", "no checkpoint was written" end
      local expected = variant.subject.facts.parameters * variant.made.result.summary.bits_per_weight / 8
      return math.abs(bytes - expected) <= TOLERANCE * expected + HEADER_BYTES and "pass" or "fail",
             ("%.1f MB on disk, %.1f MB from the bits"):format(bytes / 1e6, expected / 1e6)
   end,
}

-- Guardrails G18 to G20, G22 and G23 check sizes, memory, speed and the number of quantized linears.

local verdict = require("assay.audit.context").verdict
local unless_claimed = require("assay.audit.context").unless_claimed

local HEADER_BYTES <const> = 256 * 1024 -- allowance for a file's header (names and shapes of tensors)

local function gigabytes(bytes) return string.format("%.2f GB", bytes / 1e9) end

-- Returns the bits per weight that a recipe promises: the code, and the weight's share of the group's 16-bit scale. If
-- the grid is asymmetric, the weight also has a share of the group's zero point, which is as wide as a code.
local function promised_bits(recipe)
   local bits, group = recipe.bits, recipe.group_size
   if not bits then return nil end
   local extra = group and group > 0 and (16 + (recipe.symmetric == false and bits or 0)) / group or 0
   return bits + extra
end

local function subject_of(c, variant)
   for _, subject in ipairs(c.subjects) do if subject.id == variant.subject then return subject end end
   return {}
end

-- Returns the bytes that a model's weights should take according to its recipe, and the bytes at 16 bits; nil if the
-- bits or the number of parameters are unknown.
local function expected_bytes(c, variant)
   local subject = subject_of(c, variant)
   local parameters = subject.parameters and subject.parameters > 0 and subject.parameters or subject.name_parameters
   local bits = variant.recipe and promised_bits(variant.recipe)
   if not parameters or not bits then return nil end
   local linear = subject.linear_parameters or parameters
   return (linear * bits + (parameters - linear) * 16) / 8, parameters * 2
end

-- Describes a variant whose recipe promises 8 bits or fewer, but whose linears are stored in 16 bits or more; nil for any other.
local function uncompressed(variant)
   local quantizer = variant.recipe.quantizer
   local bits = quantizer and (quantizer.config or {}).bits
   local stored = variant.linear_bits_per_weight
   return bits and bits <= 8 and stored and stored >= 16 and string.format(
      "%s: %g bits per weight stored, %g promised", variant.id, stored, bits) or nil
end

return {
   { id = "G18", severity = "block", title = "parameter counts are real",
      message = "a parameter count of zero, or one that disagrees with the model's name or tensors",
      check = function(c)
         local offenders, checked = {}, 0
         for _, subject in ipairs(c.subjects) do
            if subject.parameters then
               checked = checked + 1
               local named = subject.name_parameters
               if subject.parameters <= 0 then
                  offenders[#offenders + 1] = subject.id .. ": " .. subject.parameters .. " parameters"
               elseif named and math.abs(subject.parameters / named - 1) > 0.25 then
                  offenders[#offenders + 1] = string.format("%s: %g parameters, its name says %g", subject.id,
                     subject.parameters, named)
               end
            end
         end
         return verdict(offenders, checked, "no parameter counts")
      end },
   { id = "G19", severity = "block", title = "bytes follow from bits",
      message = "the model is as large as before: nothing was compressed, or something else was measured",
      check = function(c)
         local offenders, checked, scopes = {}, 0, {}
         for _, variant in ipairs(c.variants) do
            local expected, sixteen = expected_bytes(c, variant)
            local reference = c:reference_of(variant)
            if variant.bits_per_weight and variant.bytes_on_disk and variant.recipe then
               checked = checked + 1
               local parameters = subject_of(c, variant).parameters
               local theory = parameters and parameters * variant.bits_per_weight / 8
               local kept = uncompressed(variant)
               if kept then
                  scopes[#scopes + 1] = variant.id
                  offenders[#offenders + 1] = kept
               elseif theory and math.abs(variant.bytes_on_disk - theory) > 0.05 * theory + HEADER_BYTES then
                  scopes[#scopes + 1] = variant.id
                  offenders[#offenders + 1] = string.format("%s: %s on disk, %s counted", variant.id,
                     gigabytes(variant.bytes_on_disk), gigabytes(theory))
               end
            elseif expected and reference and variant.bytes_in_memory and reference.bytes_in_memory then
               checked = checked + 1
               local promised_saving = sixteen - expected
               if reference.bytes_in_memory - variant.bytes_in_memory < 0.5 * promised_saving then
                  scopes[#scopes + 1] = variant.id
                  offenders[#offenders + 1] = string.format("%s: %s of memory after %s before, but its weights should take %s",
                     variant.id,
                     gigabytes(variant.bytes_in_memory), gigabytes(reference.bytes_in_memory), gigabytes(expected))
               end
            end
         end
         return verdict(offenders, checked, "no sizes of files or memory", scopes)
      end },
   { id = "G20", severity = "block", title = "savings are savings",
      message = "a saving that is zero or negative, or no larger than three times the variation of repeated measurements",
      check = function(c)
         local offenders = {}
         for _, claim in ipairs(c:claims_of("saving")) do
            if claim.value and claim.value <= (claim.noise and 3 * claim.noise or 0) then
               offenders[#offenders + 1] = claim.text
            end
            if claim.estimated_baseline then offenders[#offenders + 1] = claim.text .. " (the baseline was estimated)" end
         end
         return unless_claimed(offenders, #c:claims_of("saving"))
      end },
   { id = "G22", severity = "block", title = "speed at equal lengths",
      message = "a ratio below one is no speed-up, and speeds can be compared only at equal output lengths",
      check = function(c)
         local offenders = {}
         for _, claim in ipairs(c:claims_of("speed")) do
            if claim.value and claim.value < 1 and claim.says_faster then
               offenders[#offenders + 1] = claim.text
            elseif claim.lengths ~= "fixed" then
               offenders[#offenders + 1] = claim.text .. " (at different lengths)"
            end
         end
         return unless_claimed(offenders, #c:claims_of("speed"))
      end },
   { id = "G23", severity = "block", title = "the quantized tensors are the declared ones",
      message = "the number of quantized linears contradicts what is said to be kept",
      check = function(c)
         local offenders, checked = {}, 0
         for _, variant in ipairs(c.variants) do
            local census = variant.census
            if census and census.quantized_linears and census.decoder_linears then
               checked = checked + 1
               local expected = census.decoder_linears + (census.head_kept and 0 or 1)
               if census.quantized_linears ~= expected then
                  offenders[#offenders + 1] = string.format("%s: %d linears quantized and the head %s, but the decoder has %d",
                     variant.id,
                     census.quantized_linears, census.head_kept and "kept" or "quantized", census.decoder_linears)
               end
            end
         end
         for _, gate in ipairs(c.gates) do
            if gate.id == "P2" and gate.status ~= "not_run" then
               checked = checked + 1
               if gate.status == "fail" then offenders[#offenders + 1] = "P2: " .. (gate.evidence or "") end
            end
         end
         return verdict(offenders, checked, "no count of quantized tensors")
      end },
}

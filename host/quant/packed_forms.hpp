// Packs a quantized model from the forms that its quantizer emitted, so that it runs from codes without a file between. Formats that
// no file holds, such as salient columns, run from codes only in this way.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/decoder.hpp"
#include "packed/pack_weight.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// Returns why no kernel runs the codes of a form, as a sentence; "" if one does. Nothing is packed.
std::string lacks_kernel(const quantized_linear &form);
// The same for each form of a model for which there is a reason: "LINEAR: reason", in the order of the model.
std::vector<std::string> without_kernel(const quantized_model &quantized);
// Says before a run what without_kernel() will say of the result. A recipe does not tell everything about its codes, such as groups that
// are cut short, so this is a forecast. count: linears that the recipe quantizes.
model::stored_codes planned_codes(const recipe &recipe, const model::checkpoint &subject);

// Returns the weight of a form, packed. Returns null if no kernel runs its codes; `why` then says the reason as a sentence. Packed
// weights equal the dequantized ones, except that zeros which are no integers (hqq) differ in the last bits of the sum.
std::shared_ptr<const model::packed_weight> packed_form(const quantized_linear &form,
                                                        std::string &why);

// Returns a copy of the model's decoder that runs from codes. Linears that were not quantized, and forms without a kernel, keep their
// weights as floats; decoder::told() names the latter. Throws error(usage) for a model that was quantized block by block, whose
// weights are not in memory, and for a model on another device than the CPU.
model::decoder packed_decoder(const quantized_model &quantized);

}  // namespace assay::quant

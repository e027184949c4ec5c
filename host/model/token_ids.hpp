// Finds token ids that are not in the vocabulary, and makes the same error message for every
// function that takes ids.
#pragma once

#include <cstdint>

#include "core/error.hpp"

namespace assay::model {

// Returns a pointer to the first of n ids that is outside 0 .. vocab_size - 1; null if none is.
const int64_t *foreign_id(const int64_t *ids, int64_t n, int64_t vocab_size);

// Returns an error(usage) for such an id. The caller adds the place and throws it.
error foreign_id_problem(int64_t id, int64_t vocab_size);

}  // namespace assay::model

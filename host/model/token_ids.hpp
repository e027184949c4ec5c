// Finds token ids that are not in the vocabulary and reports them in one way, for everything
// that takes ids.
#pragma once

#include <cstdint>

#include "core/error.hpp"

namespace assay::model {

// The first of n ids that is not in 0 .. vocab_size - 1; null if there is none.
const int64_t *foreign_id(const int64_t *ids, int64_t n, int64_t vocab_size);

// The error(usage) for such an id; the caller adds the place.
error foreign_id_problem(int64_t id, int64_t vocab_size);

}  // namespace assay::model

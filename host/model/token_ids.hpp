// Token ids that no vocabulary has: found and named in one way by all that takes ids.
#pragma once

#include <cstdint>

#include "core/error.hpp"

namespace assay::model {

// The first of n ids that is not in 0 .. vocab_size - 1; nullptr if there is none.
const int64_t *foreign_id(const int64_t *ids, int64_t n, int64_t vocab_size);

// The error(usage) for it; the place is the caller's to add.
error foreign_id_problem(int64_t id, int64_t vocab_size);

}  // namespace assay::model

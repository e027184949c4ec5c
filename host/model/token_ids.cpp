// Checks the range of token ids and makes the error message.
#include "model/token_ids.hpp"

#include <algorithm>
#include <string>

namespace assay::model {

const int64_t *foreign_id(const int64_t *ids, int64_t n, int64_t vocab_size) {
  const int64_t *const end = ids + n;
  const auto found = std::find_if(ids, end, [&](int64_t id) { return id < 0 || id >= vocab_size; });
  return found == end ? nullptr : found;
}

error foreign_id_problem(int64_t id, int64_t vocab_size) {
  return error(error_kind::usage, "token id " + std::to_string(id) +
                                      " lies outside the vocabulary of " +
                                      std::to_string(vocab_size));
}

}  // namespace assay::model

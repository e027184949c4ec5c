// Cuts a list of segments into pieces of at most limit_ tokens. If memory runs out in a piece, its
// tokens run again in smaller pieces.
#include "engine/packed_run.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <new>
#include <string_view>

#include "core/cancel.hpp"

namespace assay::engine {
namespace {

using model::attention_segment;

// A place in a list of segments: the next token to run.
struct cursor {
  size_t segment = 0;
  int64_t offset = 0;  // tokens of this segment that are done
};

// Returns the tokens [offset, offset + count) of a segment as a segment. The last key_place of this
// part is shortened, because the keys of a segment must end with its own tokens.
attention_segment part_of(const attention_segment &whole, int64_t offset, int64_t count) {
  attention_segment part = whole;
  part.tokens = count;
  part.position = whole.position + offset;
  part.keys.back().count -= whole.tokens - offset - count;
  return part;
}

// Returns the next segments, cut to at most `limit` tokens in all, and moves the cursor past them.
std::vector<attention_segment> take(const std::vector<attention_segment> &segments, int64_t limit,
                                    cursor &at) {
  std::vector<attention_segment> piece;
  while (limit > 0 && at.segment < segments.size()) {
    const attention_segment &s = segments[at.segment];
    const int64_t count = std::min(limit, s.tokens - at.offset);
    piece.push_back(part_of(s, at.offset, count));
    limit -= count;
    at.offset += count;
    if (at.offset == s.tokens) at = {at.segment + 1, 0};
  }
  return piece;
}

}  // namespace

int64_t default_batch_tokens(const model::decoder &decoder) {
  return decoder.device().is_cpu() ? 1024 : 8192;
}

bool out_of_memory(const std::exception &e) {
  if (dynamic_cast<const std::bad_alloc *>(&e) != nullptr ||
      dynamic_cast<const c10::OutOfMemoryError *>(&e) != nullptr)
    return true;
  const std::string_view text = e.what();  // LibTorch's CPU allocator has no type for this error
  return text.find("can't allocate memory") != std::string_view::npos ||
         text.find("not enough memory") != std::string_view::npos;
}

at::Tensor packed_run::run(const std::vector<int64_t> &ids,
                           const std::vector<attention_segment> &segments, model::kv_cache &cache) {
  const at::NoGradGuard no_grad;
  const at::Tensor all = at::tensor(at::ArrayRef<int64_t>(ids), at::kLong);
  std::vector<at::Tensor> parts;
  cursor at;
  for (int64_t done = 0; done < all.numel();) {
    throw_if_cancelled();
    const cursor before = at;
    const std::vector<attention_segment> piece = take(segments, limit_, at);
    int64_t count = 0;
    for (const attention_segment &s : piece) count += s.tokens;
    try {
      parts.push_back(decoder_.hidden_packed(all.narrow(0, done, count), piece, cache));
      done += count;
      n_computed_ += count;
    } catch (const std::exception &e) {
      if (count <= 1 || !out_of_memory(e)) throw;
      limit_ = count / 2;
      ++n_halvings_;
      at = before;
    }
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

}  // namespace assay::engine

// Makes chunks of calibration sequences and moves them through the embedding, then through the four
// stops of each block.
#include "calibration/calibration_stream.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <map>
#include <new>
#include <set>
#include <string_view>

#include "core/error.hpp"

namespace assay::quant {
namespace {

using model::linear_group;

// Moves h and input of one model, the live or the float one, to the stop `group`.
void step(at::Tensor &h, at::Tensor &input, const model::decoder_block &block, linear_group group,
          const model::forward_context &context) {
  switch (group) {
    case linear_group::qkv:
      input = block.attention_input(h);
      return;
    case linear_group::o:
      input = block.attention(input, context);
      return;
    case linear_group::gate_up:
      h = block.after_attention(h, input);
      input = block.mlp_input(h);
      return;
    case linear_group::down:
      input = block.mlp_hidden(input);
      return;
    case linear_group::head:
      break;
  }
  throw error(error_kind::failed, "the head is no stop of a block");
}

// True if the input at this stop is the output of a norm. Such an input is not written to the file,
// because computing it again costs less.
bool is_norm(linear_group group) {
  return group == linear_group::qkv || group == linear_group::gate_up;
}

// The output of the norm at this stop, from the residual stream h.
at::Tensor made_again(const at::Tensor &h, const model::decoder_block &block, linear_group group) {
  return group == linear_group::qkv ? block.attention_input(h) : block.mlp_input(h);
}

int64_t input_width(const model::decoder_block &block, linear_group group) {
  return (group == linear_group::o ? block.o : block.down).in_features();
}

at::Tensor moved(const model::decoder_block &block, const at::Tensor &h, const at::Tensor &input) {
  return block.has_experts() ? block.after_experts(h, block.moe.forward(input))
                             : block.after_mlp(h, input);
}

// The tokens with places in [first, first + n), with `first` taken from their places.
std::vector<model::routed_tokens> part(const std::vector<model::routed_tokens> &whole,
                                       int64_t first, int64_t n) {
  std::vector<model::routed_tokens> out;
  for (const auto &tokens : whole) {
    const auto inside = tokens.places.ge(first).logical_and(tokens.places.lt(first + n));
    const auto kept = inside.nonzero().flatten();
    out.push_back(
        {tokens.places.index_select(0, kept) - first, tokens.weights.index_select(0, kept)});
  }
  return out;
}

at::Tensor part(const at::Tensor &whole, int64_t first, int64_t n) {
  return whole.defined() ? whole.narrow(0, first, n).contiguous() : whole;
}

}  // namespace

calibration_stream calibration_stream::to_stop(linear_group group,
                                               const model::decoder_block &block,
                                               const model::decoder_block *block_float) const {
  calibration_stream next = *this;
  step(next.h, next.input, block, group, context);
  if (h_float.defined()) step(next.h_float, next.input_float, *block_float, group, context);
  return next;
}

calibration_stream calibration_stream::after(const model::decoder_block &block,
                                             const model::decoder_block *block_float) const {
  calibration_stream next = *this;
  next.h = moved(block, h, input);
  if (h_float.defined()) next.h_float = moved(*block_float, h_float, input_float);
  next.input = next.input_float = at::Tensor();
  next.routed = nullptr;
  return next;
}

calibration_stream calibration_stream::route(const model::decoder_block &block) const {
  calibration_stream next = *this;
  next.routed = std::make_shared<std::vector<model::routed_tokens>>(block.moe.route(input));
  return next;
}

calibration_stream calibration_stream::across(const model::decoder_block &block,
                                              const model::decoder_block *block_float) const {
  calibration_stream next = *this;
  next.h = block.forward(h, context);
  if (h_float.defined()) next.h_float = block_float->forward(h_float, context);
  return next;
}

void calibration_stream::spill(linear_group at, activation_file &file, int64_t tokens) {
  const auto put = [&](at::Tensor &values, int64_t from) {
    if (!values.defined()) return;
    const auto bytes = values.size(-1) * static_cast<int64_t>(values.element_size());
    if (!is_norm(at)) file.put(from * bytes, values.contiguous());
    values = at::Tensor();
  };
  put(input, first);
  put(input_float, tokens + first);
}

void calibration_stream::restore(linear_group at, const model::decoder_block &block,
                                 const model::decoder_block *block_float,
                                 const activation_file &file, int64_t tokens) {
  const auto get = [&](const at::Tensor &stream, const model::decoder_block &of, int64_t from) {
    if (is_norm(at)) return made_again(stream, of, at);
    const int64_t width = input_width(of, at);
    return file.get(from * width * static_cast<int64_t>(stream.element_size()),
                    {stream.size(0), stream.size(1), width}, stream.scalar_type());
  };
  input = get(h, block, first);
  if (h_float.defined()) input_float = get(h_float, *block_float, tokens + first);
}

std::pair<calibration_stream, calibration_stream> calibration_stream::halves(
    const model::decoder &model) const {
  const int64_t half = rows() / 2, rest = rows() - half, tokens = h.size(1);
  calibration_stream low = *this, high = *this;
  for (auto member : {&calibration_stream::h, &calibration_stream::input,
                      &calibration_stream::h_float, &calibration_stream::input_float}) {
    low.*member = part(this->*member, 0, half);
    high.*member = part(this->*member, half, rest);
  }
  high.first += half * tokens;
  if (routed) {
    using list = std::vector<model::routed_tokens>;
    low.routed = std::make_shared<list>(part(*routed, 0, half * tokens));
    high.routed = std::make_shared<list>(part(*routed, half * tokens, rest * tokens));
  }
  low.context = model.context(half, tokens);
  high.context = model.context(rest, tokens);
  if (counted.defined()) {
    low.counted = counted.masked_select(counted < half * tokens);
    high.counted = counted.masked_select(counted >= half * tokens) - half * tokens;
  }
  return {std::move(low), std::move(high)};
}

at::Tensor calibration_stream::counted_rows(const at::Tensor &x) const {
  const auto flat = x.reshape({-1, x.size(-1)});
  return counted.defined() ? flat.index_select(0, counted) : flat;
}

calibration_stream make_stream(const model::decoder &model, const calibration_chunk &chunk,
                               bool with_float, bool first_token) {
  calibration_stream s;
  const auto ids = chunk.ids.to(model.device());
  if (chunk.counted.defined()) s.counted = chunk.counted.to(model.device());
  s.context = model.context(ids.size(0), ids.size(1));
  s.h = model.embed(ids);
  if (with_float) s.h_float = s.h;
  s.first_token = first_token;
  return s;
}

std::vector<calibration_chunk> make_chunks(const calibration &data, int64_t chunk_tokens) {
  std::map<size_t, std::vector<size_t>> by_length;  // sequences of equal length run together
  const auto &sequences = data.sequences();
  for (size_t i = 0; i < sequences.size(); ++i) by_length[sequences[i].ids.size()].push_back(i);
  std::vector<calibration_chunk> chunks;
  for (const auto &[length, members] : by_length) {
    const auto per_chunk = std::max<size_t>(1, static_cast<size_t>(chunk_tokens) / length);
    for (size_t first = 0; first < members.size(); first += per_chunk) {
      const size_t rows = std::min(per_chunk, members.size() - first);
      calibration_chunk chunk;
      chunk.ids = at::empty({static_cast<int64_t>(rows), static_cast<int64_t>(length)}, at::kLong);
      std::vector<int64_t> counted;
      bool masked = false;
      for (size_t row = 0; row < rows; ++row) {
        const auto &sequence = sequences[members[first + row]];
        std::copy(sequence.ids.begin(), sequence.ids.end(),
                  chunk.ids.data_ptr<int64_t>() + row * length);
        masked |= !sequence.counted.empty();
        for (size_t t = 0; t < length; ++t)
          if (sequence.counted.empty() || sequence.counted[t])
            counted.push_back(static_cast<int64_t>(row * length + t));
      }
      if (masked) chunk.counted = at::tensor(counted, at::kLong);
      chunks.push_back(std::move(chunk));
    }
  }
  return chunks;
}

calibration_chunk make_first_token_chunk(const calibration &data, int64_t limit) {
  std::set<int64_t> distinct;
  for (const auto &sequence : data.sequences())
    distinct.insert(sequence.ids.begin(), sequence.ids.end());
  const std::vector<int64_t> all(distinct.begin(), distinct.end());
  const auto n = std::min<int64_t>(limit, static_cast<int64_t>(all.size()));
  calibration_chunk chunk;
  chunk.ids = at::empty({n, 1}, at::kLong);
  for (int64_t i = 0; i < n; ++i)
    chunk.ids.data_ptr<int64_t>()[i] =
        all[static_cast<size_t>(i) * all.size() / static_cast<size_t>(n)];
  return chunk;
}

bool ran_out_of_memory() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc &) {
    return true;
  } catch (const c10::OutOfMemoryError &) {
    return true;
  } catch (const c10::Error &problem) {  // thrown by LibTorch's allocator on the CPU
    const std::string_view text = problem.what_without_backtrace();
    return text.find("allocate memory") != std::string_view::npos ||
           text.find("out of memory") != std::string_view::npos;
  } catch (...) {
    return false;
  }
}

}  // namespace assay::quant

// Joins the parts of a split GGUF into one gguf_file: the metadata of the first part, and the tensors of all parts (ggml-org/llama.cpp,
// tools/gguf-split and llama_split_path).
#include <array>
#include <cstdio>

#include "checkpoint/gguf/gguf_file.hpp"
#include "core/error.hpp"
#include "core/regular_file.hpp"

namespace assay::model {
namespace {

constexpr const char *k_number = "split.no", *k_count = "split.count",
                     *k_tensors = "split.tensors.count";
constexpr size_t k_ending = sizeof "-00001-of-00002.gguf" - 1;

std::string ending_of(uint64_t part, uint64_t count) {  // part from 1
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "-%05llu-of-%05llu.gguf",
                static_cast<unsigned long long>(part), static_cast<unsigned long long>(count));
  return text.data();
}

std::string part_text(uint64_t part, uint64_t count) {
  return "part " + std::to_string(part) + " of " + std::to_string(count);
}

// Returns the path of part `wanted`, made from the path of part `part`; "" if the name of `path` does not end like that of a part.
std::string path_of_part(const std::string &path, uint64_t part, uint64_t wanted, uint64_t count) {
  if (!path.ends_with(ending_of(part, count))) return "";
  return path.substr(0, path.size() - k_ending) + ending_of(wanted, count);
}

[[noreturn]] void refuse_later_part(const std::string &path, uint64_t part, uint64_t count) {
  const std::string first = path_of_part(path, part, 1, count);
  throw error(error_kind::failed, "the file is " + part_text(part, count) + " of a split GGUF")
      .at(path)
      .hint("Give the first part" + (first.empty() ? "" : ": " + first));
}

void require_tensor_count(const gguf_file &file) {
  const uint64_t due = file.number(k_tensors, file.tensors().size());
  if (due == file.tensors().size()) return;
  throw error(error_kind::failed, "the parts hold " + std::to_string(file.tensors().size()) +
                                      " tensors, where the first part says " + std::to_string(due))
      .at(file.path())
      .hint("The parts are of different models or splits: get them again");
}

}  // namespace

void gguf_file::join_parts() {
  const uint64_t count = number(k_count, 0), part = number(k_number, 0) + 1;
  if (count < 2) return;
  if (part > 1) refuse_later_part(where_, part, count);
  for (uint64_t next = 2; next <= count; ++next) {
    const std::string path = path_of_part(where_, 1, next, count);
    if (path.empty())
      throw error(error_kind::failed, "the file is " + part_text(1, count) + " of a split GGUF")
          .at(where_)
          .hint("Its name must end with " + ending_of(1, count) +
                ", so that the other parts are found");
    if (!is_there(path))
      throw error(error_kind::failed, part_text(next, count) + " of the split GGUF is missing")
          .at(path)
          .hint("Get all " + std::to_string(count) + " parts into one folder");
    take_part(open_alone(path), next);
  }
  require_tensor_count(*this);
}

void gguf_file::take_part(std::shared_ptr<const gguf_file> other, uint64_t part) {
  const uint64_t count = number(k_count), own = other->number(k_number, 0) + 1,
                 of = other->number(k_count, 0);
  if (own != part || of != count)
    throw error(error_kind::failed, "the file is not " + part_text(part, count) + " but " +
                                        (of < 2 ? "a whole model" : part_text(own, of)))
        .at(other->path())
        .hint("Get the parts again, under the names that they had");
  for (gguf_tensor tensor : other->tensors()) {
    for (const gguf_tensor &known : tensors_)
      if (known.name == tensor.name)
        throw error(error_kind::failed,
                    "the tensor '" + tensor.name + "' is in an earlier part too")
            .at(other->path())
            .hint("The parts are of different models or splits: get them again");
    tensor.part = part - 1;
    tensors_.push_back(std::move(tensor));
  }
  parts_.push_back(std::move(other));
}

}  // namespace assay::model

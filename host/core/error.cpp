// Composes the one-line text of the host's exception from its parts.
#include "core/error.hpp"

#include <utility>

namespace assay {

error::error(error_kind kind, std::string message) : kind_(kind), message_(std::move(message)) {
  compose();
}

error &&error::at(std::string where) && {
  where_ = std::move(where);
  compose();
  return std::move(*this);
}

error &&error::hint(std::string what_to_do) && {
  hint_ = std::move(what_to_do);
  compose();
  return std::move(*this);
}

error &&error::plugin(std::string id) && {
  plugin_ = std::move(id);
  compose();
  return std::move(*this);
}

error &&error::layer(std::string name) && {
  layer_ = std::move(name);
  compose();
  return std::move(*this);
}

error &&error::cause(std::string text) && {
  cause_ = std::move(text);
  compose();
  return std::move(*this);
}

void error::compose() {
  text_.clear();
  if (!where_.empty()) text_ += where_ + ": ";
  text_ += message_;
  std::string blame;
  if (!plugin_.empty()) blame += "plugin " + plugin_;
  if (!layer_.empty()) blame += (blame.empty() ? "layer " : ", layer ") + layer_;
  if (!blame.empty()) text_ += " (" + blame + ")";
  if (!cause_.empty()) text_ += ": " + cause_;
  if (!hint_.empty()) text_ += ". " + hint_;
}

const char *kind_name(error_kind kind) {
  switch (kind) {
    case error_kind::failed:
      return "failed";
    case error_kind::usage:
      return "usage";
    case error_kind::plugin:
      return "plugin";
    case error_kind::cancelled:
      return "cancelled";
    case error_kind::timeout:
      return "timeout";
    case error_kind::gate:
      return "gate";
  }
  return "failed";
}

int exit_code(error_kind kind) {
  return static_cast<int>(kind) + 1;
}

}  // namespace assay

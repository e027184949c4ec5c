// Configurations described by a subset of JSON Schema: checked, completed with defaults, explained.
// Not a general validator: no $ref, no oneOf, no patterns. The words it knows are
//   type enum const not (only {"const": ...}) minimum maximum multipleOf default description items
//   properties required additionalProperties (only false) x-unit x-example
// An object with `properties` takes no other keys; one without takes any. `type` may be a list.
#pragma once

#include <string>
#include <string_view>

#include "core/json.hpp"

namespace assay {

class schema {
 public:
  // Throws error(plugin) at `where` if the document is not of the subset, or a default breaks it.
  explicit schema(json document, const std::string &where = "schema");
  static schema parse(std::string_view text, const std::string &where);

  // The configuration in the order of the schema, defaults filled in, 4.0 turned into 4 for
  // integers. Throws error(usage) at `where` for the first thing that is wrong; null counts as {}.
  json complete(const json &config, const std::string &where) const;

  const json &document() const { return document_; }

 private:
  json document_;
};

}  // namespace assay

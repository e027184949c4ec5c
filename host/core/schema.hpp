// Checks a configuration against a subset of JSON Schema, fills in the defaults and explains what is wrong.
// It is not a general validator: it has no $ref, no oneOf and no patterns. The words it knows are
//   type enum const not (only {"const": ...}) minimum maximum multipleOf default description items
//   properties required additionalProperties (only false) x-unit (for messages) x-example (a value for tests)
// An object whose rule has `properties` may have no other keys; without `properties` it may have any. `type` may be a list.
#pragma once

#include <string>
#include <string_view>

#include "core/json.hpp"

namespace assay {

class schema {
 public:
  // Throws error(plugin) at `where` if the document uses other words, if a word has a wrong value, or if a default breaks its
  // own rule. The kind is `plugin` because most schemas come from plugins.
  explicit schema(json document, const std::string &where = "schema");
  static schema parse(std::string_view text, const std::string &where);

  // Returns the configuration with its keys in the order of the schema and with defaults for absent keys. Where the schema wants
  // an integer, 4.0 becomes 4. A null `config` counts as {}. Throws error(usage) at `where` for the first thing that is wrong.
  json complete(const json &config, const std::string &where) const;

  const json &document() const { return document_; }

 private:
  json document_;
};

}  // namespace assay

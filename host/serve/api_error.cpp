// The shape of errors: OpenAI's openapi.yaml, schema Error (param and code are texts or null).
#include "serve/api_error.hpp"

namespace assay::serve {

api_error::api_error(int http_status, std::string error_type, std::string text, std::string field,
                     std::string error_code)
    : status(http_status),
      type(std::move(error_type)),
      message(std::move(text)),
      param(std::move(field)),
      code(std::move(error_code)) {}

json api_error::body() const {
  const auto or_null = [](const std::string &text) { return text.empty() ? json() : json(text); };
  return {
      {"error",
       {{"message", message}, {"type", type}, {"param", or_null(param)}, {"code", or_null(code)}}}};
}

api_error bad_field(const std::string &field, const std::string &text) {
  return {400, "invalid_request_error", "'" + field + "' " + text, field};
}

api_error unsupported(const std::string &field, const std::string &text) {
  return {400, "invalid_request_error", "'" + field + "' is not supported here: " + text, field,
          "unsupported_parameter"};
}

api_error internal_error(const std::string &text) {
  return {500, "server_error", text};
}

}  // namespace assay::serve

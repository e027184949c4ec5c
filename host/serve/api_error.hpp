// Errors as clients of the OpenAI API expect them: a status and an object with four keys.
#pragma once

#include <exception>
#include <string>

#include "core/json.hpp"

namespace assay::serve {

class api_error : public std::exception {
 public:
  // type: "invalid_request_error", ...; param: the field that is wrong, or ""; code: or "". Both are null in the answer if empty.
  api_error(int http_status, std::string error_type, std::string text, std::string field = "",
            std::string error_code = "");
  const char *what() const noexcept override { return message.c_str(); }
  json body() const;  // {"error": {"message", "type", "param", "code"}}

  int status;
  std::string type, message, param, code;
  int retry_after = 0;  // seconds, for the field Retry-After; 0 = none
};

// 400 for a field of the body. `field` may be a path such as "messages[2].content".
api_error bad_field(const std::string &field, const std::string &text);
// 400 for a field that this server does not support
api_error unsupported(const std::string &field, const std::string &text);
// 500 with the text of an exception
api_error internal_error(const std::string &text);

}  // namespace assay::serve

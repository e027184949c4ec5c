// The exception type of the host: what went wrong, where, and what the user can do about it.
// It is not for control flow. It never crosses the C interface of plugins (the ABI), because a C++ exception must not
// pass through C code.
#pragma once

#include <exception>
#include <string>

namespace assay {

// The kind of failure. It also decides the process's exit code (see exit_code).
enum class error_kind {
  failed,     // the work failed: bad file, full disk, a number that is NaN          exit 1
  usage,      // wrong command line, configuration or script                         exit 2
  plugin,     // a plugin broke its contract, crashed or reported an internal fault  exit 3
  cancelled,  // the user stopped it                                                 exit 4
  timeout,    // a time limit was exceeded                                           exit 5
  gate,       // with --strict: a gate failed, or the ledger has an entry            exit 6
};

// Message, cause and hint are sentences without a final full stop. Each setter returns the error, so that calls can be chained:
//   throw error(error_kind::failed, "tensor 'x' overlaps its neighbour").at(path).hint("Download it again");
class error : public std::exception {
 public:
  error(error_kind kind, std::string message);

  // The place: a file, a line of a script, a key of a configuration
  error &&at(std::string where) &&;
  error &&hint(std::string what_to_do) &&;  // what the user can do
  error &&plugin(std::string id) &&;        // the plugin component that caused the error
  // The weight matrix or decoder layer that was being processed
  error &&layer(std::string name) &&;
  error &&cause(std::string text) &&;  // the reason that the system or a library gave

  error_kind kind() const { return kind_; }
  const std::string &message() const { return message_; }
  const std::string &where() const { return where_; }
  const std::string &hint() const { return hint_; }
  const std::string &plugin() const { return plugin_; }
  const std::string &layer() const { return layer_; }
  const std::string &cause() const { return cause_; }
  // One line: "WHERE: MESSAGE (plugin P, layer L): CAUSE. HINT".
  const char *what() const noexcept override { return text_.c_str(); }

 private:
  void compose();
  error_kind kind_;
  std::string message_, where_, hint_, plugin_, layer_, cause_;
  std::string text_;
};

const char *kind_name(error_kind kind);  // "failed", "usage", ...; the text is never freed
int exit_code(error_kind kind);

}  // namespace assay

// The one exception of the host: what went wrong, where, and what to do about it.
// Not for control flow; nothing of it crosses the plugin ABI.
#pragma once

#include <exception>
#include <string>

namespace assay {

// Who is to blame; also decides the process's exit code (see exit_code).
enum class error_kind {
  failed,     // the work failed: bad file, disk full, numerics                      exit 1
  usage,      // wrong command line, configuration or script                         exit 2
  plugin,     // a plugin broke its contract, crashed or reported an internal fault  exit 3
  cancelled,  // the user stopped it                                                 exit 4
  timeout,    //                                                                     exit 5
  gate,       // a validity gate failed under --strict                               exit 6
};

// Message parts are sentences without a final full stop. Build with the fluent setters:
//   throw error(error_kind::failed, "tensor 'x' overlaps its neighbour").at(path).hint("download it
//   again");
class error : public std::exception {
 public:
  error(error_kind kind, std::string message);

  error &&at(std::string where) &&;  // file, script line, layer: the place
  error &&hint(std::string what_to_do) &&;
  error &&plugin(std::string id) &&;   // component to blame
  error &&layer(std::string name) &&;  // linear or block in work
  error &&cause(std::string text) &&;  // the underlying message

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

const char *kind_name(error_kind kind);  // static: "failed", "usage", ...
int exit_code(error_kind kind);

}  // namespace assay

// Holds page.html, which the build turns into the text of page_html.inc (cmake/embed.cmake).
#include "serve/page.hpp"

namespace assay::serve {

const std::string &page_html() {
  static const std::string text =
#include "page_html.inc"
      ;
  return text;
}

}  // namespace assay::serve

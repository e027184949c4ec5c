// The page at "/", on which one chats with two models side by side. Its source is page.html.
#pragma once

#include <string>

namespace assay::serve {

const std::string &page_html();

}  // namespace assay::serve

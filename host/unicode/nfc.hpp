// Unicode normalization forms, with the character set that the reference library knows.
// Not case folding.
#pragma once

#include <string>
#include <string_view>

namespace assay::text {

// NFC of valid UTF-8. Text without active characters (all of ASCII) is only scanned. Returns false,
// and leaves `out` alone, if the text is already in that form for sure.
bool nfc(std::string_view text, std::string &out);

enum class normal_form { nfd, nfkc, nfkd };
std::string normalized(std::string_view text, normal_form form);

}  // namespace assay::text

// Unicode normalization forms: different byte sequences for the same text become one, for example "e" + accent becomes
// "é". NFC changes only characters that the Hugging Face library `tokenizers` knows. Case is not changed.
#pragma once

#include <string>
#include <string_view>

namespace assay::text {

// Writes the NFC form of valid UTF-8 text to `out` and returns true. If the text has no character that NFC could change
// (ASCII has none), it is in this form already: nfc() then returns false and does not touch `out`.
bool nfc(std::string_view text, std::string &out);

// D forms take characters apart ("é" becomes "e" + accent), C forms put them together. K forms also replace characters that only
// look different (the ligature "fi" becomes "f" + "i"). normalized() throws error(failed) if the text is not UTF-8.
enum class normal_form { nfd, nfkc, nfkd };
std::string normalized(std::string_view text, normal_form form);

}  // namespace assay::text

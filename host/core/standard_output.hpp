// Standard output that does not lose its errors, for both programs.
// Not for single lines: what prints uses stdio or Lua's print as ever.
#pragma once

namespace assay {

// To be called first in main(). From here on everything written to stdout (printf, Lua's print and io.write) goes through a
// stream that remembers its first error. Closed standard descriptors are filled, so that no file of ours gets their number.
void open_standard_output();

// To be called last: the exit code of the program that would leave with `code`. Where something could not be written: one
// line on stderr and 1, unless `code` is an error already. A reader that went away early (`| head`) is no error.
int close_standard_output(int code);

}  // namespace assay

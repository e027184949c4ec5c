// Standard output whose write errors are reported at the end of the program; the programs assay and assay-lab use it.
// Code that prints calls nothing of this: it uses stdio or Lua's print as usual.
#pragma once

namespace assay {

// Call this first in main(). From then on everything written to stdout (printf, Lua's print and io.write) goes through a stream
// that remembers its first error. If the program was started with stdin, stdout or stderr closed, this opens /dev/null in its
// place: else the next file that the program opens would get that number, and printed text would go into it.
void open_standard_output();

// Call this last in main(). Returns the exit code of the program, which is `code` if all was written. If something could not be
// written, it prints a line on stderr and returns 1, or `code` if that is an error already. A reader that went away early, as in
// `assay ... | head`, is no error.
int close_standard_output(int code);

}  // namespace assay

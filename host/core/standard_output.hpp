// Standard output whose write errors are reported at the end of the program; the programs assay and assay-lab use it.
// Code that prints does not call these functions: it uses stdio or Lua's print as usual.
#pragma once

namespace assay {

// Call this first in main(). From then on everything written to stdout (printf, Lua's print and io.write) goes through
// a stream that remembers its first error. If stdin, stdout or stderr was closed when the program started, this opens
// /dev/null in its place. Otherwise the next file that the program opens would get the descriptor of the closed stream,
// and printed text could go into that file.
void open_standard_output();

// Call this last in main(). Returns the exit code of the program, which is `code` if all was written. If something could not be
// written, it prints a line on stderr and returns 1, or `code` if that is an error already. A reader that went away early, as in
// `assay ... | head`, is not an error.
int close_standard_output(int code);

}  // namespace assay

// A flag of the process: the user asked it to stop (Ctrl-C, SIGTERM, SIGHUP). Long loops check it between pieces of work.
// The process has one flag, not one for each thread or task, because the user stops the whole process.
#pragma once

namespace assay {

bool cancel_requested() noexcept;  // async-signal-safe, any thread
void request_cancel() noexcept;    // async-signal-safe, any thread
// Used by the interactive prompt, which goes on after Ctrl-C has stopped a statement
void clear_cancel() noexcept;

// Installs the handlers. The first signal sets the flag; the second one ends the process at once with exit code 4. A signal
// that is ignored at the start (as SIGHUP under nohup) stays ignored. A write to a closed pipe or past the size limit of files
// becomes an error of write() instead of a signal that kills the process.
void install_cancel_handlers();

// Throws error(cancelled) if the flag is set.
void throw_if_cancelled();

}  // namespace assay

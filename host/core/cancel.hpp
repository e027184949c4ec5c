// One flag: the user asked for an end (Ctrl-C, SIGTERM). Long loops poll it between pieces of work.
// Not a thread pool's stop token: there is one process, one piece of work, one flag.
#pragma once

namespace assay {

bool cancel_requested() noexcept;  // async-signal-safe, any thread
void request_cancel() noexcept;    // async-signal-safe, any thread
void clear_cancel() noexcept;      // the interactive prompt goes on after an interrupted statement

// First signal asks, the second one ends the process at once with exit code 4.
void install_cancel_handlers();

// Throws error(cancelled) if an end was asked for.
void throw_if_cancelled();

}  // namespace assay

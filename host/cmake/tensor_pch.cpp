// Carries the precompiled ATen header that all rooms with tensors reuse.

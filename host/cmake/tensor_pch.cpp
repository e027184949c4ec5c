// Carries the precompiled ATen header that every tensor layer reuses.

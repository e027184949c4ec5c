// Carries the precompiled header of the layers without tensors.

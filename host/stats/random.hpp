// Random numbers that depend only on (seed, purpose, replicate, position), not on those drawn before. So results do
// not depend on threads, order or platform. They are not for cryptography. The room engine uses other random
// numbers to sample tokens.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace assay::stats {

// Philox4x32 with 10 rounds: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
inline std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, uint64_t seed) {
  uint32_t key_0 = static_cast<uint32_t>(seed);
  uint32_t key_1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t product_0 = uint64_t{0xD2511F53} * counter[0];
    const uint64_t product_1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(product_1 >> 32) ^ counter[1] ^ key_0,
               static_cast<uint32_t>(product_1),
               static_cast<uint32_t>(product_0 >> 32) ^ counter[3] ^ key_1,
               static_cast<uint32_t>(product_0)};
    key_0 += 0x9E3779B9;  // 2^32 (golden ratio - 1)
    key_1 += 0xBB67AE85;  // 2^32 (sqrt(3) - 1)
  }
  return counter;
}

// The random words 4 * quad to 4 * quad + 3 of a replicate. The bootstrap and the permutation test pass different
// values of `purpose`, so that they get different words from one seed.
inline std::array<uint32_t, 4> draws(uint64_t seed, uint32_t purpose, uint32_t replicate,
                                     uint32_t quad) {
  return philox4x32({quad, replicate, purpose, 0}, seed);
}

// Writes the first 4 * k_lanes * batches random words of a replicate: out[4 * q + j] is word j of draws(seed,
// purpose, replicate, q). It computes k_lanes quads (groups of 4 words) at the same time, in loops that compilers
// turn into vector instructions.
constexpr uint32_t k_lanes = 16;
inline void fill_draws(uint32_t *out, uint32_t batches, uint64_t seed, uint32_t purpose,
                       uint32_t replicate) {
  for (uint32_t batch = 0; batch < batches; ++batch) {
    uint32_t word[4][k_lanes];
    for (uint32_t lane = 0; lane < k_lanes; ++lane) {
      word[0][lane] = batch * k_lanes + lane;
      word[1][lane] = replicate;
      word[2][lane] = purpose;
      word[3][lane] = 0;
    }
    uint32_t key_0 = static_cast<uint32_t>(seed);
    uint32_t key_1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      for (uint32_t lane = 0; lane < k_lanes; ++lane) {
        const uint64_t product_0 = uint64_t{0xD2511F53} * word[0][lane];
        const uint64_t product_1 = uint64_t{0xCD9E8D57} * word[2][lane];
        word[0][lane] = static_cast<uint32_t>(product_1 >> 32) ^ word[1][lane] ^ key_0;
        word[1][lane] = static_cast<uint32_t>(product_1);
        word[2][lane] = static_cast<uint32_t>(product_0 >> 32) ^ word[3][lane] ^ key_1;
        word[3][lane] = static_cast<uint32_t>(product_0);
      }
      key_0 += 0x9E3779B9;
      key_1 += 0xBB67AE85;
    }
    for (uint32_t lane = 0; lane < k_lanes; ++lane)
      for (uint32_t j = 0; j < 4; ++j) *out++ = word[j][lane];
  }
}

// A random index in [0, n) from 32 random bits. The probabilities of two indices differ by at most 2^-32, which is far
// below the error of resampling.
inline uint32_t index_below(uint32_t bits, uint32_t n) {
  return static_cast<uint32_t>((uint64_t{bits} * n) >> 32);
}

}  // namespace assay::stats

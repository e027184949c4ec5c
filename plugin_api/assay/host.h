/* What the host does for a plugin: log, progress, cancel, errors, memory, threads, seeds.
 * Not linear algebra (linalg.h) nor forward passes (block.h): these are extensions. */
#ifndef ASSAY_HOST_H
#define ASSAY_HOST_H

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_LOG_DEBUG           0
#define ASSAY_LOG_INFO            1
#define ASSAY_LOG_WARNING         2
#define ASSAY_LOG_ERROR           3
#define ASSAY_LOG_HOST_MISBEHAVES 4 /* the plugin saw the host break this contract */

/* A piece of a parallel loop: the indices [begin, end). Returns a status. */
typedef int32_t (*assay_range_fn)(void *arg, int64_t begin, int64_t end);

/* Each create gets a table of its own, valid until destroy (instance). Its ctx tells the host which
 * component and linear is at work, and is the first argument of every function. All are [any]. All
 * are present in a 1.0 host except the three hash functions: ask ASSAY_HAS for these. Texts handed
 * in are borrowed. */
struct assay_host {
  uint32_t struct_size;
  uint32_t abi_minor; /* of the host; for messages */
  void *ctx;
  const char *name;    /* "assay"; static */
  const char *version; /* of the host; static */

  /* Never blocks. level: ASSAY_LOG_... */
  void (*log)(void *ctx, int32_t level, const char *text);

  /* Reports how far the present call is, for the user's progress line. total 0 = unknown; `what`
   * may be NULL. Returns ASSAY_OK, or ASSAY_CANCELLED when the work should stop: then return that
   * status within 200 ms. */
  int32_t (*progress)(void *ctx, uint64_t done, uint64_t total, const char *what);

  /* 1 when the work should stop, else 0: one atomic load, for tight loops. */
  int32_t (*cancelled)(void *ctx);

  /* Records why the present call fails and returns `status`, so that one writes
   *   return host->fail(host->ctx, ASSAY_NUMERICAL, "weight [3, 17] is not finite");
   * One sentence without final full stop that names what was found. The first call counts. */
  int32_t (*fail)(void *ctx, int32_t status, const char *text);

  /* Counts an event that a reader of the results must know: a fallback, a damping step, a dead
   * column, a clamped scale. event: a short word that stays the same ("damping_raised"); detail:
   * one line or NULL. No fallback is silent: what is neither an error nor the plain path is an
   * event. */
  void (*ledger)(void *ctx, const char *event, uint64_t count, const char *detail);

  /* A contiguous, uninitialised tensor with the prototype's shape, dtype and device (its data and
   * strides are ignored). Own: release it with its deleter, or hand it to a sink. */
  int32_t (*alloc)(void *ctx, const assay_tensor *prototype, assay_managed **out);

  /* Uninitialised memory on the device, aligned to 64 bytes, freed when the present call into the
   * plugin returns. device NULL = CPU. */
  int32_t (*scratch)(void *ctx, uint64_t bytes, const assay_device *device, void **out);

  /* The stream on which all device work of the present call goes, a cudaStream_t; NULL for CPU. */
  int32_t (*stream)(void *ctx, const assay_device *device, void **out);

  /* Runs body over [0, n) in pieces of at least `grain` indices (the last may be shorter) on the
   * host's threads and waits. Pieces run in any order and results must not depend on how [0, n)
   * was cut. Returns the failure of the piece with the lowest index that failed; ASSAY_CANCELLED
   * when the work should stop. Nested calls run serially. Plugins start no threads of their own. */
  int32_t (*parallel_for)(void *ctx, int64_t n, int64_t grain, assay_range_fn body, void *arg);

  /* 64 random bits that depend only on the study's seed, the component, the linear in work and the
   * label: the same whatever the order of work. */
  uint64_t (*seed)(void *ctx, const char *label);

  /* The extension with exactly this id ("assay.linalg/1"), static. NULL is a normal answer: do
   * the work without it, or fail with ASSAY_UNSUPPORTED. */
  const void *(*get_extension)(void *ctx, const char *id);

  /* SHA-256 (FIPS 180-4) of bytes that arrive in pieces: what a content hash is made of, so that no
   * plugin brings its own. NULL in an older host: then fail with ASSAY_UNSUPPORTED.
   * hash_begin gives a hash in *out_hash (own): end it with hash_end, which frees it and writes 64
   * lower-case digits and a zero; out_hex NULL abandons it. One hash is used by one thread at a
   * time; it may outlive the call that began it, but not its instance. */
  int32_t (*hash_begin)(void *ctx, void **out_hash);
  int32_t (*hash_update)(void *ctx, void *hash, const void *bytes, uint64_t n_bytes);
  int32_t (*hash_end)(void *ctx, void *hash, char out_hex[65]);

  /* The values of this instance's configuration by key: those of the text that create receives,
   * checked and complete, so that a plugin states no default and needs no JSON. Only keys at the
   * top level; what is nested is read from the text. A flag is 0 or 1, an integer is also a number,
   * a text is UTF-8 (instance). A key that is absent, or has another type, is a mistake in the
   * plugin: the present call fails with ASSAY_INTERNAL and names the key, whatever the plugin
   * returns from it. So a plugin may ignore the status. */
  int32_t (*config_integer)(void *ctx, const char *key, int64_t *out);
  int32_t (*config_number)(void *ctx, const char *key, double *out);
  int32_t (*config_flag)(void *ctx, const char *key, int32_t *out);
  int32_t (*config_text)(void *ctx, const char *key, const char **out);
};
ASSAY_SIZE(assay_host, 176);

#ifdef __cplusplus
}
#endif
#endif

/* What the host does for a plugin: log, progress, cancel, errors, memory, threads, seeds, hashes,
 * configuration. Linear algebra (linalg.h) and forward passes (block.h) are extensions. */
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

/* The body of a parallel loop: works on the indices begin .. end - 1 and returns a status. arg: as
 * given to parallel_for. */
typedef int32_t (*assay_range_fn)(void *arg, int64_t begin, int64_t end);

/* Each create gets a table of its own, valid until destroy (instance). Its ctx is the first
 * argument of every function: it tells the host which component and linear is at work. All functions
 * are [any]. A 1.0 host may lack the three hash functions, so ask ASSAY_HAS for these; it has all
 * other functions. The host borrows the texts that it is given. */
struct assay_host {
  uint32_t struct_size;
  uint32_t abi_minor; /* of the host; for messages */
  void *ctx;
  const char *name;    /* "assay"; static */
  const char *version; /* of the host; static */

  /* Writes a line for the user. level: ASSAY_LOG_... */
  void (*log)(void *ctx, int32_t level, const char *text);

  /* Reports for the user's progress line that `done` of `total` steps of the present call are done.
   * total 0 = unknown; `what` names the work, or is NULL. Returns ASSAY_OK, or ASSAY_CANCELLED when
   * the user stops the run: then return ASSAY_CANCELLED within 200 ms. */
  int32_t (*progress)(void *ctx, uint64_t done, uint64_t total, const char *what);

  /* Returns 1 when the user stops the run, else 0. It is one atomic load, so that tight loops may
   * call it. */
  int32_t (*cancelled)(void *ctx);

  /* Records why the present call fails and returns `status`, so that a plugin can write
   *   return host->fail(host->ctx, ASSAY_NUMERICAL, "weight [3, 17] is not finite");
   * text: one sentence without final full stop that names what was found. If a call records several
   * texts, the first is kept. */
  int32_t (*fail)(void *ctx, int32_t status, const char *text);

  /* Writes into the run's ledger that an event happened `count` times. An event is what a reader of
   * the results must know: a fallback, an input that is always 0, a scale that its dtype cannot hold.
   * event: one word ("damping_raised"), the same each time; detail: one line or NULL. Whatever is
   * neither an error nor the normal way of the method is an event, so that no fallback is silent. */
  void (*ledger)(void *ctx, const char *event, uint64_t count, const char *detail);

  /* Makes a contiguous, uninitialised tensor with the shape, dtype and device of the prototype; its
   * data and strides are ignored. You own *out: call its deleter, or hand it to a sink. */
  int32_t (*alloc)(void *ctx, const assay_tensor *prototype, assay_managed **out);

  /* Gives uninitialised memory on the device (NULL = CPU), aligned to 64 bytes. The host frees it
   * when the present call into the plugin returns. */
  int32_t (*scratch)(void *ctx, uint64_t bytes, const assay_device *device, void **out);

  /* Gives the cudaStream_t on which all device work of the present call must run; NULL for the
   * CPU. */
  int32_t (*stream)(void *ctx, const assay_device *device, void **out);

  /* Runs body over [0, n) on the host's threads and waits for the end. Pieces have at least `grain`
   * indices (the last may be shorter) and run in any order; results must not depend on how [0, n)
   * was cut. If pieces fail, returns the status of the failed piece with the lowest indices. Returns
   * ASSAY_CANCELLED when the user stops the run. A loop inside a loop runs on one thread. Plugins
   * start no threads of their own. */
  int32_t (*parallel_for)(void *ctx, int64_t n, int64_t grain, assay_range_fn body, void *arg);

  /* Returns 64 random bits that depend only on the study's seed, the component, the linear at work
   * and the label. The order of work does not change them. */
  uint64_t (*seed)(void *ctx, const char *label);

  /* Returns the extension with exactly this id ("assay.linalg/1"): a table of further functions,
   * static. NULL is a normal answer: work without it, or fail with ASSAY_UNSUPPORTED. */
  const void *(*get_extension)(void *ctx, const char *id);

  /* SHA-256 (FIPS 180-4) of bytes that arrive in pieces. A plugin uses these functions for content
   * hashes. They are NULL in an older host: then fail with ASSAY_UNSUPPORTED.
   * hash_begin gives a hash in *out_hash, which you own. hash_end frees it and writes 64 lower-case
   * hexadecimal digits and a NUL to out_hex; with out_hex NULL it only frees. Use a hash from one
   * thread at a time. It may outlive the call that began it, but not its instance. */
  int32_t (*hash_begin)(void *ctx, void **out_hash);
  int32_t (*hash_update)(void *ctx, void *hash, const void *bytes, uint64_t n_bytes);
  int32_t (*hash_end)(void *ctx, void *hash, char out_hex[65]);

  /* Values of this instance's configuration by key: those of the JSON text that create receives,
   * checked and with defaults filled in. So a plugin states no default and needs no JSON reader.
   * Only keys at the top level are found; read nested values from the text. A flag is 0 or 1;
   * config_number also reads integers; a text is UTF-8 and valid until destroy (instance). If a key
   * is absent or has another type, the plugin has a bug: the present call then fails with
   * ASSAY_INTERNAL and a message with the key, whatever the plugin returns. So a plugin may ignore
   * the status. */
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

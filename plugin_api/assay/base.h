/* Status codes, growth rules, descriptors and the one exported symbol.
 * Not the services (host.h) nor the five kinds. */
#ifndef ASSAY_BASE_H
#define ASSAY_BASE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The major version is in the name of the exported symbol. The minor one is for messages only and
 * never a condition for loading: what is missing on either side reads as zero. */
#define ASSAY_ABI_MAJOR 1
#define ASSAY_ABI_MINOR 0

/* Growth rules.
 * 1. Every struct that crosses begins with `uint32_t struct_size`, except tensors (DLPack's own).
 * 2. Members are only ever appended. Zero in a new member means the old behaviour.
 * 3. Sizes are multiples of 8 without tail padding, so that sizeof sees every member.
 * 4. Growable structs cross by pointer, many of them as an array of pointers; never by value.
 * 5. Who fills a struct that the other side allocated writes no further than its struct_size.
 * 6. Only fixed-width integers, double, pointers and UTF-8 text without NUL cross: no bool, enum,
 *    bit-field, size_t or varargs.
 *
 * ASSAY_HAS(p, m): p is long enough to hold m, and m is not zero. Ask before using a member that
 * is younger than 1.0, or one that is documented as optional. */
#define ASSAY_HAS(pointer, member) \
  ((pointer)->struct_size >= ASSAY_END_OF(pointer, member) && (pointer)->member)
#define ASSAY_END_OF(pointer, member) \
  ((uint64_t)((const char *)(&(pointer)->member + 1) - (const char *)(pointer)))

/* States the size of a struct on 64-bit machines, at compile time. */
#ifdef __cplusplus
#define ASSAY_SIZE(type, bytes) static_assert(sizeof(type) == (bytes), "layout of " #type)
#else
#define ASSAY_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "layout of " #type)
#endif

/* Every function that can fail returns int32_t: 0, a positive information, or one of the negative
 * codes. The text of a failure goes through host->fail in the same call. After a failure the
 * out-parameters are as they were. */
#define ASSAY_OK               0
#define ASSAY_END              1    /* no further item; not a failure */
#define ASSAY_INVALID_ARGUMENT (-1) /* the caller's fault: shape, dtype, order of calls, config */
#define ASSAY_UNSUPPORTED      (-2) /* right, but not possible here: device, missing extension */
#define ASSAY_OUT_OF_MEMORY    (-3)
#define ASSAY_NUMERICAL        (-4) /* NaN, Inf, a matrix that is not positive definite */
#define ASSAY_CANCELLED        (-5) /* the user stopped the run */
#define ASSAY_IO               (-6) /* reading or writing a file failed */
#define ASSAY_INTERNAL         (-7) /* a bug in the callee */

#define ASSAY_KIND_QUANTIZER 1u
#define ASSAY_KIND_TRANSFORM 2u
#define ASSAY_KIND_DATASET   3u
#define ASSAY_KIND_METRIC    4u
#define ASSAY_KIND_EXPORTER  5u

/* Component flags. The host ignores flags it does not know in the lower half; one in the upper
 * half (0x10000 and above) makes the component unusable for a host that does not know it. */
#define ASSAY_COMPONENT_SERIAL 1u /* one call into all instances of the component at a time */

typedef struct assay_host assay_host; /* host.h */

/* One quantizer, transform, dataset, metric or exporter. All members are static. */
typedef struct assay_component {
  uint32_t struct_size;
  uint32_t kind; /* ASSAY_KIND_...; one that the host does not know is listed, not an error */
  /* "rtn": [a-z0-9_]+, unique within its kind among all plugins; third parties: "org.name". */
  const char *id;
  uint32_t revision;   /* raised when the same input gives other results; part of a result's hash */
  uint32_t flags;      /* ASSAY_COMPONENT_... */
  const char *summary; /* one line without final full stop */
  const char *config_schema; /* JSON Schema of the configuration: the subset of ABI.md, an object */
  const char *facts;         /* JSON object of declared facts (ABI.md), or NULL */
  const void *vtable;        /* assay_<kind>_vtable */
  /* Extensions of the component by id, static, NULL if unknown; the member itself may be NULL.
   * [any] */
  const void *(*get_extension)(const char *id);
} assay_component;
ASSAY_SIZE(assay_component, 64);

/* One shared library. All members are static. */
typedef struct assay_plugin {
  uint32_t struct_size;
  uint32_t abi_minor;  /* ASSAY_ABI_MINOR of the header it was built with; for messages */
  const char *id;      /* reverse DNS: "org.example.mymethod" */
  const char *version; /* "1.2.3" */
  const char *summary;
  const char *license; /* SPDX identifier */
  const char *url;     /* or NULL */
  /* {"extensions": ["assay.linalg/1"], "needed": ["libtorch_cpu.so"]}: host extensions without
   * which nothing works, libraries that it may link; or NULL. */
  const char *requires_json;
  uint32_t n_components;
  uint32_t reserved;
  const assay_component *const *components;
} assay_plugin;
ASSAY_SIZE(assay_plugin, 72);

#if defined(__GNUC__)
#define ASSAY_EXPORT __attribute__((visibility("default")))
#else
#define ASSAY_EXPORT
#endif

/* The only symbol that a plugin exports. Pure and cheap: no thread, no CUDA, no allocation, below
 * 10 ms. It may be called several times and from a scanner process, and returns the same static
 * pointer each time; NULL after host->fail. `host` is borrowed: do not keep it, each create gets
 * its own. [main] */
ASSAY_EXPORT const assay_plugin *assay_plugin_v1(const assay_host *host);

#ifdef __cplusplus
}
#endif
#endif

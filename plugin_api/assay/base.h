/* The base of the ABI: status codes, the rules by which structs grow, the descriptors of a plugin
 * and its components, and the one exported symbol. assay.h says what "static", "borrowed" and the
 * tags [main] and [any] mean. */
#ifndef ASSAY_BASE_H
#define ASSAY_BASE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The major version is in the name of the exported symbol. The minor version is for messages only.
 * It is not a condition for loading, because a member that one side lacks reads as zero. */
#define ASSAY_ABI_MAJOR 1
#define ASSAY_ABI_MINOR 0

/* Growth rules.
 * 1. Every struct that crosses between host and plugin begins with `uint32_t struct_size`, its
 *    sizeof in bytes. Only tensors have none, because their layout is DLPack's.
 * 2. Members are only ever appended. Zero in a new member means the old behaviour.
 * 3. Sizes are multiples of 8 without tail padding, so that each appended member makes sizeof larger.
 * 4. Structs that can grow cross by pointer, never by value. A list of them crosses as an array of
 *    pointers, because the two sides may know different sizes of an element.
 * 5. A side that fills a struct of the other side writes no further than the struct_size in it.
 * 6. Only fixed-width integers, double, pointers and UTF-8 text cross (text has no NUL inside): no
 *    bool, enum, bit-field, size_t or varargs.
 *
 * ASSAY_HAS(pointer, member): true if the struct is long enough to hold the member and the member
 * is not zero. Ask before you use a member that is younger than 1.0 or documented as optional. */
#define ASSAY_HAS(pointer, member) \
  ((pointer)->struct_size >= ASSAY_END_OF(pointer, member) && (pointer)->member)
#define ASSAY_END_OF(pointer, member) \
  ((uint64_t)((const char *)(&(pointer)->member + 1) - (const char *)(pointer)))

/* Checks at compile time that a struct has this size, in bytes, on 64-bit machines. */
#ifdef __cplusplus
#define ASSAY_SIZE(type, bytes) static_assert(sizeof(type) == (bytes), "layout of " #type)
#else
#define ASSAY_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "layout of " #type)
#endif

/* Every function that can fail returns int32_t: 0, the positive ASSAY_END, or a negative code. (Only
 * assay_plugin_v1 returns NULL instead.) A function that fails gives its reason to host->fail before
 * it returns. After a failure the out-parameters are as they were. */
#define ASSAY_OK               0
#define ASSAY_END              1    /* no further item; not a failure */
#define ASSAY_INVALID_ARGUMENT (-1) /* the caller's fault: shape, dtype, order of calls, config */
#define ASSAY_UNSUPPORTED      (-2) /* correct, but not possible here: device, missing extension */
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

/* Component flags. The host ignores an unknown flag of the lower half (below 0x10000). An unknown
 * flag of the upper half makes the component unusable for that host. */
#define ASSAY_COMPONENT_SERIAL 1u /* at most one call at a time into all instances together */

typedef struct assay_host assay_host; /* host.h */

/* One quantizer, transform, dataset, metric or exporter. All members are static. */
typedef struct assay_component {
  uint32_t struct_size;
  uint32_t kind; /* ASSAY_KIND_...; an unknown kind is listed as unsupported, not an error */
  /* "rtn": a-z, 0-9, and after the first character also _ - and '.'; at most 64 characters. Unique
   * within its kind among all plugins; third parties write "org.name". */
  const char *id;
  /* Raise it when the same input gives other results, because results are stored under it. */
  uint32_t revision;
  uint32_t flags;            /* ASSAY_COMPONENT_... */
  const char *summary;       /* one line without final full stop */
  const char *config_schema; /* JSON Schema of the configuration: the subset of ABI.md, an object */
  const char *facts;         /* JSON object of declared facts (ABI.md), or NULL */
  const void *vtable;        /* assay_<kind>_vtable */
  /* Returns an extension of the component by its id: static, or NULL for an unknown id. The member
   * itself may be NULL. [any] */
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
  /* NULL, or {"extensions": ["assay.linalg/1"], "needed": ["libtorch_cpu.so"]}. "extensions": those
   * of the host that the plugin cannot do without. "needed": libraries of LibTorch that it links. */
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

/* The only symbol that a plugin exports; it returns the descriptor. It starts no thread, uses no
 * CUDA, allocates nothing and takes less than 10 ms. The host may call it several times, also in a
 * child process that only reads the descriptor. It returns the same static pointer each time, or
 * NULL after host->fail. `host` is borrowed: do not keep it, because each create gets a table of
 * its own. [main] */
ASSAY_EXPORT const assay_plugin *assay_plugin_v1(const assay_host *host);

#ifdef __cplusplus
}
#endif
#endif

/* Tensors in the memory layout of DLPack 1.x, a public standard, declared here so that a plugin
 * needs no other header. They have no struct_size, because DLPack never changes their layout. */
#ifndef ASSAY_TENSOR_H
#define ASSAY_TENSOR_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_CPU  1
#define ASSAY_CUDA 2

typedef struct assay_device { /* DLDevice */
  int32_t type;               /* ASSAY_CPU, ASSAY_CUDA */
  int32_t index;              /* number of the device; 0 for the CPU */
} assay_device;
ASSAY_SIZE(assay_device, 8);

/* Kinds of numbers, for assay_dtype.code. With `bits` these types cross: f32 f64 f16 bf16 u8 i8 i16
 * i32 i64 bool. Codes below 8 bits and fp8 numbers cross as u8; the quantizer tells emit how many
 * bits they take in a file (quantizer.h). */
#define ASSAY_INT    0u
#define ASSAY_UINT   1u
#define ASSAY_FLOAT  2u
#define ASSAY_BFLOAT 4u
#define ASSAY_BOOL   6u

typedef struct assay_dtype { /* DLDataType */
  uint8_t code;              /* ASSAY_INT ... */
  uint8_t bits;              /* of one element: 8, 16, 32, 64 */
  uint16_t lanes;            /* always 1: no vector types */
} assay_dtype;
ASSAY_SIZE(assay_dtype, 4);

/* A view of memory that somebody else owns. In a tensor from the host, strides are set whenever
 * ndim > 0, and memory is row-major contiguous wherever the comment of a function says so. In a
 * tensor from a plugin, strides == NULL means row-major contiguous. */
typedef struct assay_tensor { /* DLTensor */
  void *data;                 /* the first element lies at data + byte_offset */
  assay_device device;
  int32_t ndim;
  assay_dtype dtype;
  int64_t *shape;   /* ndim extents, elements */
  int64_t *strides; /* ndim steps, elements (not bytes) */
  uint64_t byte_offset;
} assay_tensor;
ASSAY_SIZE(assay_tensor, 48);

#define ASSAY_MANAGED_READ_ONLY 1u /* flag: do not write into the memory */

/* An owned tensor. Its owner calls deleter(self) exactly once and uses nothing of it afterwards.
 * host->alloc makes such tensors. A plugin may also make its own: version 1.0, flags 0, and a
 * deleter that works even after the instance was destroyed. */
typedef struct assay_managed { /* DLManagedTensorVersioned */
  uint32_t version_major;      /* 1; with another major version only the deleter may be used */
  uint32_t version_minor;
  void *manager_ctx;                           /* only its maker uses it */
  void (*deleter)(struct assay_managed *self); /* [any] */
  uint64_t flags;                              /* ASSAY_MANAGED_... */
  assay_tensor tensor;
} assay_managed;
ASSAY_SIZE(assay_managed, 80);

#ifdef __cplusplus
}
#endif
#endif

/* Tensors in the memory layout of DLPack 1.x, declared here so that a plugin needs no other header.
 * They never change, because DLPack does not grow them; therefore they have no struct_size. */
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
  int32_t index;              /* ordinal; 0 for the CPU */
} assay_device;
ASSAY_SIZE(assay_device, 8);

/* Codes of element types. With `bits` these cross: f32 f64 f16 bf16 u8 i8 i16 i32 i64 bool.
 * Sub-byte and fp8 codes cross as u8; emit is told their packed width (quantizer.h). */
#define ASSAY_INT    0u
#define ASSAY_UINT   1u
#define ASSAY_FLOAT  2u
#define ASSAY_BFLOAT 4u
#define ASSAY_BOOL   6u

typedef struct assay_dtype { /* DLDataType */
  uint8_t code;              /* ASSAY_INT ... */
  uint8_t bits;              /* of one element: 8, 16, 32, 64 */
  uint16_t lanes;            /* 1 */
} assay_dtype;
ASSAY_SIZE(assay_dtype, 4);

/* A view of memory that somebody else owns. From the host: strides are always set when ndim > 0,
 * and memory is row-major contiguous wherever the page of a kind says so. From a plugin:
 * strides == NULL means contiguous. */
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

#define ASSAY_MANAGED_READ_ONLY 1u

/* An owned tensor. Its owner calls deleter(self) exactly once; nothing of it may be used
 * afterwards. host->alloc makes them. A plugin may also make its own: version 1.0, flags 0, and a
 * deleter that may be called after the instance is gone. */
typedef struct assay_managed { /* DLManagedTensorVersioned */
  uint32_t version_major;      /* 1; of another major version only the deleter may be used */
  uint32_t version_minor;
  void *manager_ctx;                           /* the maker's */
  void (*deleter)(struct assay_managed *self); /* [any] */
  uint64_t flags;                              /* ASSAY_MANAGED_... */
  assay_tensor tensor;
} assay_managed;
ASSAY_SIZE(assay_managed, 80);

#ifdef __cplusplus
}
#endif
#endif

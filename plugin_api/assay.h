/* assay.h: the plugin ABI of assay, version 1.0-draft: the structs and functions by which the
 * program (the host) and a plugin call each other. A plugin includes this one file and links
 * nothing of the host. It works on what it is handed and uses the services of host.h; it never
 * opens files of the model.
 *
 * Each part is one header. Read them in this order:
 *
 *   assay/base.h       status codes, growth rules, the descriptors and the one exported symbol
 *   assay/tensor.h     tensors in the DLPack memory layout
 *   assay/host.h       what the host does for a plugin: log, progress, memory, threads, seeds
 *   assay/linear.h     a linear (one weight matrix), its statistics and quantized form; a block
 *   assay/quantizer.h  kind quantizer: weights -> codes, scales, zeros, and back
 *   assay/transform.h  kind transform: edits of a block that leave its function unchanged
 *   assay/dataset.h    kind dataset: files on disk -> records as JSON text
 *   assay/metric.h     kind metric: samples of a task -> named numbers, one score for each sample
 *   assay/exporter.h   kind exporter: quantized forms -> files
 *   assay/linalg.h     host extension "assay.linalg/1": dense linear algebra on any device
 *   assay/block.h      host extension "assay.block/1": output loss of a block for candidate weights
 *
 * Four words say who owns what a pointer leads to:
 *   borrow    it is valid until the call returns; the receiver does not release it
 *   own       the receiver must release it
 *   static    it is valid as long as the process lives
 *   instance  it is valid until destroy is called
 *
 * A tag after a function says on which thread it may be called:
 *   [main]    the host's main thread
 *   [worker]  any thread, but one at a time for each instance
 *   [any]     any thread, also several at once
 * Different instances may run in parallel, unless the component has ASSAY_COMPONENT_SERIAL.
 *
 * An instance is one configured component. Its life is the same for the five kinds:
 *
 *   none --create--> idle --work calls in the order of the kind's table--> idle --destroy--> none
 *
 * destroy is allowed in every state, also after a call that failed. The host makes no call into an
 * instance while an earlier call into it is still running.
 */
#ifndef ASSAY_H
#define ASSAY_H

#include "assay/base.h"
#include "assay/tensor.h"
#include "assay/host.h"
#include "assay/linear.h"
#include "assay/quantizer.h"
#include "assay/transform.h"
#include "assay/dataset.h"
#include "assay/metric.h"
#include "assay/exporter.h"
#include "assay/linalg.h"
#include "assay/block.h"

#endif

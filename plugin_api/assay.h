/* assay.h: the plugin ABI of assay, version 1.0-draft. A plugin includes this one file and links
 * nothing. Not an API of the host: a plugin sees the tensors it is handed and the services below,
 * never files of the model.
 *
 * How to read it. Each part is one page, in this order:
 *
 *   assay/base.h       status codes, growth rules, the descriptors and the one exported symbol
 *   assay/tensor.h     tensors in the DLPack memory layout
 *   assay/host.h       what the host does for a plugin: log, progress, memory, threads, seeds
 *   assay/linear.h     a linear, its statistics, its quantized form, a block with its groups
 *   assay/quantizer.h  weights -> codes, scales, zeros, and back
 *   assay/transform.h  edits of a block that leave its function unchanged
 *   assay/dataset.h    files on disk -> records as JSON text
 *   assay/metric.h     samples of a task -> named numbers with one score for each sample
 *   assay/exporter.h   quantized forms -> files
 *   assay/linalg.h     host extension "assay.linalg/1": dense linear algebra on any device
 *   assay/block.h      host extension "assay.block/1": output loss of a block for candidate weights
 *
 * Ownership is one of four words:
 *   borrow    valid until the call returns
 *   own       the receiver must release it
 *   static    valid as long as the process lives
 *   instance  valid until destroy
 *
 * Threads are one of three tags:
 *   [main]    the host's main thread
 *   [worker]  one thread at a time for each instance; the thread may change between calls
 *   [any]     any thread, also several at once
 * Different instances may run in parallel unless the component says ASSAY_COMPONENT_SERIAL.
 *
 * The life of an instance, the same for the five kinds; each page has its table of states:
 *
 *   none --create--> idle --work calls in the order of the page--> idle --destroy--> none
 *
 * destroy is allowed from every state, also after a call that failed. While a call into an
 * instance is on the stack the host makes no other call into that instance.
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

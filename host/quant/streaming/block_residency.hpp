// The blocks of a run on their way through memory: finished ones are kept on disk and restored after
// a kill; of a model that is read on demand the weights are there for one block at a time, and forms
// only as long as their block is in work. Not the schedule (quantize.cpp), not the files
// (resume_store.hpp).
#pragma once

#include <functional>
#include <memory>

#include "quant/linear_jobs.hpp"
#include "quant/quantized.hpp"
#include "quant/streaming/resume_store.hpp"

namespace assay::quant {

class block_keeper {
 public:
  using put_weight_fn = std::function<void(linear_task &, const at::Tensor &weight)>;
  using put_form_fn = std::function<void(linear_task &, quantized_linear form)>;
  // out, list: borrow. The functions set a task's weight in the result, and its form.
  block_keeper(quantized_model &out, task_list &list, put_weight_fn put_weight,
               put_form_fn put_form)
      : out_(out),
        list_(list),
        put_weight_(std::move(put_weight)),
        put_form_(std::move(put_form)) {}

  void open(const std::string &folder, const json &identity);
  void restore();  // all finished blocks of an earlier run
  bool is_open() const { return store_ != nullptr; }
  int64_t restored() const { return restored_; }  // blocks

  void begin(int64_t block);   // weights are there from now ...
  void finish(int64_t block);  // ... until here; what came out is kept

  // Once all is done: a block of the result that is read on demand comes quantized from now on.
  void read_quantized();

 private:
  linear_task &task_of(const std::string &name);
  void save(int64_t block);

  quantized_model &out_;
  task_list &list_;
  put_weight_fn put_weight_;
  put_form_fn put_form_;
  std::shared_ptr<resume_store> store_;
  int64_t restored_ = 0;
  size_t mark_ = 0;  // incidents before the block in work
};

}  // namespace assay::quant

// Exporter "safetensors": writes a model without quantized linears as it is. The result of a recipe that
// changes nothing, or that has transforms but no quantizer, is saved in this way.
#include "checks.hpp"
#include "folder_writer.hpp"
#include "plan.hpp"

namespace hf {

void check_dense(const options &, std::string_view plan_json, const refuse_fn &refuse) {
  const plan p = read_plan(plan_json);
  if (!p.linears.empty())
    refuse(p.linears.front().name, "plain safetensors hold no quantized linears (there are " +
                                       std::to_string(p.linears.size()) +
                                       "): use compressed_tensors");
  if (p.activation.present) refuse("activation", "plain safetensors hold no activation scheme");
  if (p.kv.kind != assay_json::type::null)
    refuse("kv", "plain safetensors hold no key-value scheme");
  for (const auto &operation : p.online)
    refuse(operation, "no consumer of plain safetensors runs this operation");
  refuse_strange(p, refuse);
}

void write_dense(const options &o, const assay_export &job, const assay_host &) {
  std::vector<entry> entries;
  for_each_item(job, [&](const assay_item &item) {
    if (item.form) throw failure(ASSAY_INVALID_ARGUMENT, std::string(item.name) + " is quantized");
    entries.push_back(float_entry(item));
  });
  write_tensors(job, entries, o.shard_bytes,
                [](const entry &e, const assay_item &item, std::vector<uint8_t> &) {
                  return byte_view{tensor_data(*item.tensor), e.n_bytes};
                });
  copy_files(job, "");
}

}  // namespace hf

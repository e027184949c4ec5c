// Exporter "compressed_tensors": writes weights that are integers, fp8, nvfp4 or mxfp4. It chooses no
// scale and rounds nothing, so the files depend on the quantized model alone. checks.cpp refuses what
// the format cannot hold.
#include "config_text.hpp"
#include "exporters.hpp"
#include "forms.hpp"

namespace hf {

void write_compressed(const options &o, const assay_export &job, const assay_host &host) {
  const plan p = read_plan(job.plan_json);
  const bool rounded_inputs = p.activation.present;
  std::vector<entry> entries;
  scheme_groups groups;
  for_each_item(job, [&](const assay_item &item) {
    if (item.form) {
      const form_parts v = parts_of(o, item, rounded_inputs);
      groups[v.grid].emplace_back(item.name);
      declare_form(item, v, entries);
      return;
    }
    entries.push_back(float_entry(item));
  });
  write_tensors(job, entries, o.shard_bytes,
                [&](const entry &e, const assay_item &item, std::vector<uint8_t> &buffer) {
                  if (!item.form) return byte_view{tensor_data(*item.tensor), e.n_bytes};
                  return code_bytes(host, parts_of(o, item, rounded_inputs), buffer);
                });
  std::vector<std::string> ignore = p.float_linears;
  ignore.emplace_back("lm_head");  // in transformers the head has the class "Linear" too
  write_file(job, "config.json",
             with_quantization_config(file_text(job, "config.json"),
                                      quantization_config(groups, ignore, p)));
  copy_files(job, "config.json");
}

}  // namespace hf

// Exporter "compressed_tensors": integer grids packed or with rounded inputs, fp8, nvfp4, mxfp4. A
// pure function of the forms: it chooses no scale and rounds nothing. checks.cpp lists what it
// cannot hold and refuses.
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
      const form_view v = view_of(o, item, rounded_inputs);
      groups[v.grid].emplace_back(item.name);
      declare_form(item, v, entries);
      return;
    }
    entries.push_back(float_entry(item));
  });
  write_tensors(job, std::move(entries), o.shard_bytes,
                [&](const entry &e, const assay_item &item, std::vector<uint8_t> &buffer) {
                  if (!item.form) return byte_view{tensor_data(*item.tensor), e.n_bytes};
                  return code_bytes(host, view_of(o, item, rounded_inputs), buffer);
                });
  std::vector<std::string> ignore = p.float_linears;
  ignore.emplace_back("lm_head");  // transformers matches it with "Linear"
  write_file(job, "config.json",
             with_quantization_config(file_text(job, "config.json"),
                                      quantization_config(groups, ignore, p)));
  copy_files(job, "config.json");
}

}  // namespace hf

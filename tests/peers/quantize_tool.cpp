// A program for peer tests: quantizes a model, and on request saves it, writes logits for a peer, or measures perplexity.
// Users have `assay quantize`; this program prints plain numbers as JSON and takes token ids instead of text.
//
//   quantize_tool MODEL RECIPE.json [--out DIR] [--calibration IDS.json] [--logits IDS.json FILE]
//                 [--perplexity IDS.json WINDOWS]
#include <ATen/core/grad_mode.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>

#include "aten.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "engine/perplexity.hpp"
#include "quant/export/save.hpp"
#include "quant/quantize.hpp"
#include "quant/views/plugin_services.hpp"

namespace {

using assay::json;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

assay::quant::calibration read_calibration(const std::string &path) {
  std::vector<assay::quant::calibration_sequence> sequences;
  for (const auto &ids : assay::read_json_file(path))
    sequences.push_back({ids.get<std::vector<int64_t>>(), {}});
  return assay::quant::calibration(std::move(sequences), {{"file", path}});
}

at::Tensor read_ids(const std::string &path) {
  return at::tensor(assay::read_json_file(path).get<std::vector<int64_t>>(), at::kLong);
}

void dump_logits(const assay::model::decoder &decoder, const std::string &ids,
                 const std::string &file) {
  at::NoGradGuard no_grad;
  const auto logits = decoder.logits(decoder.hidden(read_ids(ids).unsqueeze(0)))[0];
  assay::model::write_safetensors(file, {{"logits", logits}});
}

int run(const std::vector<std::string> &arguments) {
  std::map<std::string, std::vector<std::string>> options;
  std::string current;
  for (size_t i = 2; i < arguments.size(); ++i) {
    if (arguments[i].rfind("--", 0) == 0)
      options[current = arguments[i]];
    else
      options[current].push_back(arguments[i]);
  }
  assay::quant::install_plugin_services();
  const auto checkpoint = assay::model::checkpoint::open(arguments.at(0));
  json out;
  double start = now();
  const auto decoder = assay::model::decoder::load(*checkpoint);
  out["load_seconds"] = now() - start;
  const auto recipe = assay::quant::recipe::from_json(assay::read_json_file(arguments.at(1)));
  assay::quant::calibration data;
  if (options.count("--calibration")) data = read_calibration(options["--calibration"].at(0));
  start = now();
  const auto model =
      assay::quant::quantize(*checkpoint, decoder, recipe, data.n_tokens() ? &data : nullptr);
  out["quantize_seconds"] = now() - start;
  out["summary"] = model.summary;
  out["summary"].erase("linears");
  out["calibration_pass"] = model.metadata.value("calibration_pass", json());
  out["ledger"] = model.incidents.to_json(model.order).size();
  if (options.count("--out")) {
    start = now();
    const auto saved = assay::quant::save(model, *checkpoint, options["--out"].at(0),
                                          {"auto", json::object(), true});
    out["save_seconds"] = now() - start;
    out["saved_bytes"] = saved["bytes"];
  }
  if (options.count("--logits"))
    dump_logits(model.decoder, options["--logits"].at(0), options["--logits"].at(1));
  if (options.count("--perplexity")) {
    start = now();
    const auto ids =
        assay::read_json_file(options["--perplexity"].at(0)).get<std::vector<int64_t>>();
    assay::engine::perplexity_options asked;
    asked.limit = std::stoll(options["--perplexity"].at(1));
    const auto found = assay::engine::perplexity(model.decoder, ids, asked);
    out["perplexity"] = found.ppl;
    out["perplexity_seconds"] = now() - start;
  }
  std::cout << out.dump(1) << "\n";
  return 0;
}

}  // namespace

int main(int n_arguments, char **arguments) {
  try {
    return run({arguments + 1, arguments + n_arguments});
  } catch (const assay::error &problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return assay::exit_code(problem.kind());
  } catch (const std::exception &problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return 1;
  }
}

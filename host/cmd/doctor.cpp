// `assay doctor` prints what works on this machine, and how to get what is missing. The checks
// are in doctor_machine.cpp, doctor_rates.cpp, doctor_kernels.cpp and doctor_plugins.cpp. It changes
// nothing on the machine.
#include "cmd/doctor.hpp"

#include <cstdio>
#include <optional>

#include "cmd/doctor_kernels.hpp"
#include "cmd/verbs.hpp"
#include "core/error.hpp"
#include "core/json.hpp"

namespace assay::cmd {
namespace {

const char *state_name(health state) {
  switch (state) {
    case health::good:
      return "good";
    case health::note:
      return "note";
    case health::missing:
      return "missing";
    case health::broken:
      return "broken";
  }
  return "?";
}

const char *mark(health state) {
  switch (state) {
    case health::good:
      return "ok";
    case health::note:
      return "--";
    case health::missing:
      return "no";
    case health::broken:
      return "!!";
  }
  return "?";
}

void print(const findings &part, std::string &last_topic) {
  for (const finding &f : part) {
    std::printf("%-11s %s  %s\n", f.topic == last_topic ? "" : f.topic.c_str(), mark(f.state),
                f.value.c_str());
    if (!f.hint.empty()) std::printf("%-11s     %s\n", "", f.hint.c_str());
    last_topic = f.topic;
  }
  std::fflush(stdout);
}

json as_json(const kernel_table &table) {
  json rates = json::array();
  for (const kernel_rate &one : table.rates)
    rates.push_back({{"format", one.format},
                     {"tokens", one.tokens},
                     {"kernel", one.kernel},
                     {"chosen", one.chosen},
                     {"bytes_per_second", one.bytes / one.seconds},
                     {"operations_per_second", one.operations / one.seconds},
                     {"read_share", one.bytes / one.seconds / table.read_bytes}});
  return {{"rows", table.rows},
          {"columns", table.columns},
          {"threads", table.threads},
          {"read_bytes_per_second", table.read_bytes},
          {"rates", rates}};
}

// The rate of one kernel: of memory for one token, of arithmetic for many.
std::string rate_text(const kernel_rate &one, double read_bytes) {
  char text[80];
  const double bytes = one.bytes / one.seconds;
  if (one.tokens == 1)
    std::snprintf(text, sizeof text, "%.1f GB/s (%.0f%%)", 1e-9 * bytes, 100 * bytes / read_bytes);
  else
    std::snprintf(text, sizeof text, "%.0f GFLOP/s", 1e-9 * one.operations / one.seconds);
  return text;
}

// One line for each format and number of tokens: the chosen kernel first, then the others.
void print(const kernel_table &table) {
  std::printf(
      "kernels         measured now: one matrix of %lld x %lld, %d threads; memory gives "
      "%.1f GB/s\n",
      static_cast<long long>(table.rows), static_cast<long long>(table.columns), table.threads,
      1e-9 * table.read_bytes);
  std::printf("%-11s     %-21s %6s  %-38s %s\n", "", "stored as", "tokens", "chosen", "others");
  for (size_t i = 0; i < table.rates.size(); ++i) {
    const kernel_rate &own = table.rates[i];
    if (!own.chosen) continue;
    std::string others;
    for (const kernel_rate &one : table.rates)
      if (!one.chosen && one.format == own.format && one.tokens == own.tokens)
        others +=
            (others.empty() ? "" : ", ") + one.kernel + " " + rate_text(one, table.read_bytes);
    std::printf("%-11s     %-21s %6lld  %-38s %s\n", "", own.format.c_str(),
                static_cast<long long>(own.tokens),
                (own.kernel + " " + rate_text(own, table.read_bytes)).c_str(), others.c_str());
  }
  std::fflush(stdout);
}

json as_json(const findings &all, bool healthy) {
  json list = json::array();
  for (const finding &f : all) {
    json entry = {{"topic", f.topic}, {"state", state_name(f.state)}, {"value", f.value}};
    if (!f.hint.empty()) entry["hint"] = f.hint;
    list.push_back(std::move(entry));
  }
  return {{"healthy", healthy}, {"findings", std::move(list)}};
}

}  // namespace

int verb_doctor(const options &given) {
  findings all;
  std::string topic;
  const auto add = [&](findings part) {
    if (!given.json) print(part, topic);
    all.insert(all.end(), part.begin(), part.end());
  };
  add(look_at_build());
  add(look_at_processor());
  add(look_at_memory_and_disk());
  add(look_at_setup());
  add(look_at_plugins(given.plugin_dirs));
  add(look_at_tools());
  add(look_at_speed());
  std::optional<kernel_table> kernels;
  try {
    kernels = measure_kernels();
    if (!given.json) print(*kernels);
  } catch (const error &problem) {
    add({{"kernels", health::broken, problem.message(), problem.hint()}});
  }
  add(look_at_gpu());

  bool healthy = true;
  for (const finding &f : all) healthy = healthy && f.state != health::broken;
  if (given.json) {
    json out = as_json(all, healthy);
    if (kernels) out["kernels"] = as_json(*kernels);
    std::printf("%s\n", json_text(out, 2).c_str());
  } else
    std::printf("\n%s\n", healthy ? "Everything that a study on the CPU needs is here."
                                  : "assay cannot do its ordinary work: see the lines marked !!");
  return healthy ? 0 : 1;
}

}  // namespace assay::cmd

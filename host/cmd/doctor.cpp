// `assay doctor` prints what works on this machine, and how to get what is missing. The checks
// are in doctor_machine.cpp, doctor_rates.cpp and doctor_plugins.cpp. Nothing is changed.
#include "cmd/doctor.hpp"

#include <cstdio>

#include "cmd/verbs.hpp"
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
  add(look_at_gpu());

  bool healthy = true;
  for (const finding &f : all) healthy = healthy && f.state != health::broken;
  if (given.json)
    std::printf("%s\n", json_text(as_json(all, healthy), 2).c_str());
  else
    std::printf("\n%s\n", healthy ? "Everything that a study on the CPU needs is here."
                                  : "assay cannot do its ordinary work: see the lines marked !!");
  return healthy ? 0 : 1;
}

}  // namespace assay::cmd

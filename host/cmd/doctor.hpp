// Declares the checks of `assay doctor`. Each returns findings about this machine or this
// installation; doctor.cpp prints them.
#pragma once

#include <string>
#include <vector>

namespace assay::cmd {

enum class health {
  good,     // there and working
  note,     // worth knowing; nothing is missing for ordinary work
  missing,  // something a user may want is not there; `hint` says how to get it
  broken,   // assay cannot do its ordinary work
};

struct finding {
  std::string topic;  // "processor", "speed", ...
  health state = health::good;
  std::string value;  // one sentence without a full stop
  std::string hint;   // what to do, "" if nothing
};

using findings = std::vector<finding>;

// doctor_machine.cpp: from /proc and the file system
findings look_at_processor();
findings look_at_memory_and_disk();
findings look_at_setup();
findings look_at_tools();

// doctor_rates.cpp: these use LibTorch; look_at_speed measures for about a second
findings look_at_build();
findings look_at_speed();
findings look_at_gpu();

// doctor_plugins.cpp
findings look_at_plugins(const std::vector<std::string> &plugin_dirs);

}  // namespace assay::cmd

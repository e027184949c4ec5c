// The machine's guard against endless recursion.
// Not the budget of steps.
#pragma once

#include "jinja/machine.hpp"

namespace assay::text::jinja {

// One level of nested evaluation, for as long as it lives.
class machine::level {
 public:
  explicit level(machine &m) : machine_(m) {
    m.step();
    if (m.depth_ >= m.limits_.depth) m.fail("the template nests or recurses too deeply");
    ++m.depth_;
  }
  ~level() { --machine_.depth_; }
  level(const level &) = delete;
  level &operator=(const level &) = delete;

 private:
  machine &machine_;
};

}  // namespace assay::text::jinja

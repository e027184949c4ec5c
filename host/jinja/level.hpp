// Declares machine::level, which limits how deeply a template nests or recurses, so that no template
// overflows the stack.
#pragma once

#include "jinja/machine.hpp"

namespace assay::text::jinja {

// An object of this class counts as one level of nesting while it lives. The constructor throws
// error(failed) if the limit of levels (template_limits::depth) is reached. The constructor also uses
// one step of evaluation, and throws if no step is left.
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

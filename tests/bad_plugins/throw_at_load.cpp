// Throws in the constructor of a static object. Either the process dies, or dlopen passes the exception on;
// the C library decides this.
#include <stdexcept>
namespace {
struct thrower {
  thrower() { throw std::runtime_error("no licence found"); }
} g_thrower;
}  // namespace
struct assay_plugin;
extern "C" __attribute__((visibility("default"))) const assay_plugin *assay_plugin_v1(
    const void *) {
  return nullptr;
}

#include "model/import_gguf.hpp"
#include "model/device.hpp"
#include "core/error.hpp"
int main(int c, char **v) { try { assay::model::import_gguf(v[1], v[2], assay::model::parse_dtype(c > 3 ? v[3] : "float32"), true); } catch (const assay::error &e) { puts(e.what()); return 1; } }

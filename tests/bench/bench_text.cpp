// Measures the speed of the tokenizer and of chat templates on one thread, and prints one JSON object.
// Not a test; bench_text.py compares the numbers with those of other programs.
#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>

#include "core/error.hpp"
#include "core/file.hpp"
#include "text/chat_template.hpp"
#include "text/tokenizer.hpp"

namespace {

double seconds_of(const std::function<void()> &work, int repeats) {  // the least of all rounds
  double best = 1e30;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    best = std::min(best, spent.count());
  }
  return best;
}

}  // namespace

// bench_text TOKENIZER TEXT TEMPLATE CONTEXT.json
int main(int argc, char **argv) try {
  if (argc != 5) {
    std::cerr << "usage: bench_text TOKENIZER_FOLDER TEXT_FILE TEMPLATE_FILE CONTEXT_JSON\n";
    return 2;
  }
  using namespace assay;
  std::shared_ptr<const text::tokenizer> tok;
  const double load = seconds_of([&] { tok = text::tokenizer::from_folder(argv[1]); }, 3);
  const std::string sample = read_file(argv[2]);
  std::vector<int32_t> ids;
  const double first = seconds_of([&] { ids = tok->encode(sample); }, 1);
  const double warm = seconds_of([&] { ids = tok->encode(sample); }, 5);
  std::string back;
  const double decode = seconds_of([&] { back = tok->decode(ids, false); }, 3);
  const std::string letters(1'000'000, 'a');
  const double one_letter = seconds_of([&] { tok->encode(letters); }, 2);

  const text::chat_template chat(read_file(argv[3]), {{"bos_token", "<s>"}, {"eos_token", "</s>"}});
  const json context = read_json_file(argv[4]);
  constexpr int k_renders = 2000;
  const double render = seconds_of(
      [&] {
        for (int i = 0; i < k_renders; ++i) chat.render(context);
      },
      3);
  const double megabytes = static_cast<double>(sample.size()) / 1e6;
  std::cout << json({{"load_seconds", load},
                     {"tokens", ids.size()},
                     {"encode_cold_mb_per_s", megabytes / first},
                     {"encode_mb_per_s", megabytes / warm},
                     {"decode_mb_per_s", megabytes / decode},
                     {"one_megabyte_of_a_seconds", one_letter},
                     {"renders_per_s", k_renders / render}})
                   .dump()
            << "\n";
  return 0;
} catch (const std::exception &e) {
  std::cerr << e.what() << "\n";
  return 1;
}

// Cases for datasets and metrics.
#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "plug/check/check.hpp"
#include "plug/check/numbers.hpp"
#include "plug/dataset.hpp"
#include "plug/metric.hpp"

namespace assay::check {
namespace {

constexpr size_t k_most_records = 10000;  // a limit, because a corpus may be large

std::vector<std::string> records(plug::dataset_instance &data) {
  std::vector<std::string> out;
  std::string text;
  while (out.size() < k_most_records && data.next(text)) out.push_back(text);
  return out;
}

void rewind_repeats(const subject &on) {
  plug::dataset_instance data(*on.what, on.config);
  const std::vector<std::string> first = records(data);
  data.rewind();
  if (records(data) != first) fail("after rewind the records differ");
  plug::dataset_instance again(*on.what, on.config);
  if (records(again) != first) fail("a second instance gives other records");
  if (data.info().content_hash != again.info().content_hash)
    fail("two instances give different content hashes");
}

void count_is_honest(const subject &on) {
  plug::dataset_instance data(*on.what, on.config);
  const int64_t told = data.info().count;
  const size_t found = records(data).size();
  if (told < 0) skip("info gives no count");
  if (found < k_most_records && found != static_cast<size_t>(told))
    fail("info says " + std::to_string(told) + " records, but next gives " + std::to_string(found));
}

void fields_are_there(const subject &on) {
  plug::dataset_instance data(*on.what, on.config);
  const json fields = data.info().fields;
  json record;
  for (size_t i = 0; i < k_most_records && data.next(record); ++i)
    for (const auto &item : fields.items())
      if (!record.contains(item.key()))
        fail("record " + std::to_string(i) + " has no field `" + item.key() +
             "`, which info declares");
}

void end_stays_the_end(const subject &on) {
  plug::dataset_instance data(*on.what, on.config);
  if (records(data).size() == k_most_records) skip("the data is too long to be read here");
  std::string text;
  if (data.next(text)) fail("after the end there is another record");
}

std::vector<plug::metric_sample> samples_for(const plug::metric_declaration &declared,
                                             uint64_t seed) {
  numbers random(seed);
  std::vector<plug::metric_sample> out(23);
  for (size_t i = 0; i < out.size(); ++i) {
    out[i].index = static_cast<int64_t>(i);
    out[i].record_json =
        json({{"index", i}, {"text", "a text of some words"}, {"prompt", "a prompt"}}).dump();
    const size_t tokens = 1 + random.below(40);
    for (const std::string &name : declared.arrays) {
      std::vector<float> values(tokens);
      for (float &value : values) value = static_cast<float>(3 * random.uniform());
      out[i].arrays.emplace_back(name, std::move(values));
    }
  }
  return out;
}

plug::metric_result evaluate(const subject &on, const std::vector<plug::metric_sample> &samples,
                             size_t piece) {
  plug::metric_instance metric(*on.what, on.config);
  metric.begin({{"task", "check"}, {"samples", samples.size()}});
  for (size_t first = 0; first < samples.size(); first += piece) {
    const size_t end = std::min(first + piece, samples.size());
    metric.update({samples.begin() + static_cast<int64_t>(first),
                   samples.begin() + static_cast<int64_t>(end)});
  }
  return metric.finish();
}

bool same_results(const plug::metric_result &a, const plug::metric_result &b) {
  if (a.numbers.size() != b.numbers.size()) return false;
  for (size_t i = 0; i < a.numbers.size(); ++i) {
    const auto &x = a.numbers[i], &y = b.numbers[i];
    if (x.what.name != y.what.name || x.scores != y.scores || x.weights != y.weights) return false;
    if (std::fabs(x.value - y.value) > 1e-12 * std::fabs(x.value)) return false;
  }
  return true;
}

std::vector<plug::metric_sample> samples_or_skip(const subject &on) {
  plug::metric_instance metric(*on.what, on.config);
  std::vector<plug::metric_sample> samples = samples_for(metric.declare(), on.seed);
  try {
    evaluate(on, samples, samples.size());
  } catch (const error &reason) {
    if (reason.kind() == error_kind::plugin) throw;
    skip(std::string("it does not take made-up records: ") + reason.what());
  }
  return samples;
}

void declaration_is_readable(const subject &on) {
  plug::metric_instance(*on.what, on.config).declare();
}

void order_and_pieces_do_not_matter(const subject &on) {
  std::vector<plug::metric_sample> samples = samples_or_skip(on);
  const plug::metric_result whole = evaluate(on, samples, samples.size());
  if (!same_results(whole, evaluate(on, samples, 1)) ||
      !same_results(whole, evaluate(on, samples, 7)))
    fail("the result depends on how the samples were split into calls");
  std::reverse(samples.begin(), samples.end());
  if (!same_results(whole, evaluate(on, samples, 5)))
    fail("the result depends on the order of the samples");
}

// The value must be the one that the scores and weights give, because the host computes its interval from them.
void value_is_that_of_the_scores(const subject &on) {
  const std::vector<plug::metric_sample> samples = samples_or_skip(on);
  for (const plug::metric_number &one : evaluate(on, samples, samples.size()).numbers) {
    double top = 0, bottom = 0;
    for (size_t i = 0; i < one.scores.size(); ++i) {
      top += one.scores[i];
      bottom += one.weights.empty() ? 1.0 : one.weights[i];
    }
    const double mean = top / bottom, expected = one.what.link == "exp" ? std::exp(mean) : mean;
    if (std::fabs(one.value - expected) > 1e-9 * std::max(1.0, std::fabs(expected)))
      fail("'" + one.what.name + "' is " + std::to_string(one.value) + ", its scores give " +
           std::to_string(expected));
  }
}

void begins_anew(const subject &on) {
  const std::vector<plug::metric_sample> samples = samples_or_skip(on);
  plug::metric_instance metric(*on.what, on.config);
  const plug::metric_result first = metric.evaluate(json::object(), samples);
  if (!same_results(first, metric.evaluate(json::object(), samples)))
    fail("a second evaluation with the same instance differs: something of the first one is left");
}

}  // namespace

const std::vector<test_case> &dataset_cases() {
  static const std::vector<test_case> cases = {
      {"rewind_repeats", rewind_repeats},
      {"count_is_honest", count_is_honest},
      {"fields_are_there", fields_are_there},
      {"end_stays_the_end", end_stays_the_end},
  };
  return cases;
}

const std::vector<test_case> &metric_cases() {
  static const std::vector<test_case> cases = {
      {"declaration_is_readable", declaration_is_readable},
      {"order_and_pieces_do_not_matter", order_and_pieces_do_not_matter},
      {"value_is_that_of_the_scores", value_is_that_of_the_scores},
      {"begins_anew", begins_anew},
  };
  return cases;
}

}  // namespace assay::check

// Computes the mean distance for each window, each level of confidence and each position, and percentiles over all
// tokens. The engine of the host has computed the distance at each token.
#include "distance.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace distance_metric {
namespace {

// The tokens are divided into buckets by confidence, which is the largest probability of the untouched model (the
// reference). These are the edges of the buckets. A mean over all tokens does not suffice, because tokens at which the
// reference is undecided dominate it.
constexpr double k_edges[] = {0.0, 0.25, 0.5, 0.75, 0.95, 1.0};
constexpr int k_buckets = 5;
constexpr int k_positions = 8;  // equal parts of a window, by position
constexpr int k_curve = 60;     // steps of the distribution curve

std::string printed(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

double mean_of(const std::vector<float> &values) {
  double sum = 0.0;
  for (const float value : values) sum += static_cast<double>(value);
  return sum / static_cast<double>(values.size());
}

// The sums of one bucket or position.
struct cell {
  double kld = 0.0, same = 0.0, tokens = 0.0;
  void add(const window &from, size_t i) {
    kld += static_cast<double>(from.kld[i]);
    same += static_cast<double>(from.same_top[i]);
    tokens += 1.0;
  }
  std::string fields() const {
    return "\"tokens\":" + printed(tokens) +
           ",\"kld_mean\":" + (tokens > 0 ? printed(kld / tokens) : "null") +
           ",\"same_top\":" + (tokens > 0 ? printed(same / tokens) : "null");
  }
};

int bucket_of(float confidence) {
  int bucket = 0;
  while (bucket + 1 < k_buckets && static_cast<double>(confidence) >= k_edges[bucket + 1]) ++bucket;
  return bucket;
}

// Returns JSON with the value at each fraction, and the least and the largest value.
std::string percentiles(const std::vector<float> &sorted, const std::vector<double> &fractions) {
  std::string out = "{";
  for (const double f : fractions)
    out += "\"p" + printed(100 * f) + "\":" + printed(percentile(sorted, f)) + ",";
  return out + "\"min\":" + printed(static_cast<double>(sorted.front())) +
         ",\"max\":" + printed(static_cast<double>(sorted.back())) + "}";
}

// Returns the distribution as points [fraction, value] for a curve. The points are closer together near fraction 1, because
// the largest values matter most.
std::string curve(const std::vector<float> &sorted) {
  std::string out = "[";
  for (int i = 0; i <= k_curve; ++i) {
    const double u = static_cast<double>(i) / k_curve;
    const double f = 1 - (1 - u) * (1 - u);  // half of the points above 0.75
    out += (i == 0 ? "" : ",") + std::string("[") + printed(f) + "," +
           printed(percentile(sorted, f)) + "]";
  }
  return out + "]";
}

// The values of one member of all windows, sorted.
std::vector<float> joined(const std::vector<window> &windows, std::vector<float> window::*member) {
  std::vector<float> out;
  for (const window &one : windows)
    out.insert(out.end(), (one.*member).begin(), (one.*member).end());
  std::sort(out.begin(), out.end());
  return out;
}

// Returns the members "buckets" and "positions" of the note.
std::string cells_note(const std::vector<window> &windows) {
  cell buckets[k_buckets], positions[k_positions];
  for (const window &one : windows)
    for (size_t i = 0; i < one.kld.size(); ++i) {
      buckets[bucket_of(one.reference_top[i])].add(one, i);
      positions[i * k_positions / one.kld.size()].add(one, i);
    }
  std::string out = "\"buckets\":[";
  for (int i = 0; i < k_buckets; ++i)
    out += (i == 0 ? "{" : ",{") + std::string("\"low\":") + printed(k_edges[i]) +
           ",\"high\":" + printed(k_edges[i + 1]) + "," + buckets[i].fields() + "}";
  out += "],\"positions\":[";
  for (int i = 0; i < k_positions; ++i)
    out += (i == 0 ? "{" : ",{") + std::string("\"part\":") + std::to_string(i + 1) +
           ",\"of\":" + std::to_string(k_positions) + "," + positions[i].fields() + "}";
  return out + "]";
}

// Throws if an array has another length than kld, or a value that is not finite.
void check(const window &one) {
  const std::pair<const char *, const std::vector<float> *> arrays[] = {
      {"kld", &one.kld},
      {"reference_nll", &one.reference_nll},
      {"own_nll", &one.own_nll},
      {"delta_p", &one.delta_p},
      {"reference_top", &one.reference_top},
      {"same_top", &one.same_top},
      {"top5_shared", &one.top5_shared}};
  const std::string place = "window " + std::to_string(one.index);
  if (one.kld.empty()) throw assay_cpp::argument_problem(place + " has no tokens");
  for (const auto &[name, values] : arrays) {
    if (values->size() != one.kld.size())
      throw assay_cpp::argument_problem(place + ": '" + name + "' has another length than 'kld'");
    const auto bad = std::find_if(values->begin(), values->end(),
                                  [](float value) { return !std::isfinite(value); });
    if (bad != values->end())
      throw assay_cpp::numerical_problem(place + ", token " +
                                         std::to_string(bad - values->begin()) + ": '" + name +
                                         "' is not finite");
  }
}

}  // namespace

double percentile(const std::vector<float> &sorted, double f) {
  const double place = f * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double low = static_cast<double>(sorted[below]), high = static_cast<double>(sorted[above]);
  return low + (place - static_cast<double>(below)) * (high - low);
}

void accumulator::add(window one) {
  check(one);
  windows_.push_back(std::move(one));
}

window_means accumulator::means() {
  if (windows_.empty()) throw assay_cpp::argument_problem("there are no windows");
  std::sort(windows_.begin(), windows_.end(),
            [](const window &a, const window &b) { return a.index < b.index; });
  window_means out;
  for (const window &one : windows_) {
    out.kld.push_back(mean_of(one.kld));
    out.same_top.push_back(mean_of(one.same_top));
    out.top5_shared.push_back(mean_of(one.top5_shared));
    out.delta_p.push_back(mean_of(one.delta_p));
    out.log_ratio.push_back(mean_of(one.own_nll) - mean_of(one.reference_nll));
  }
  return out;
}

std::string accumulator::note() const {
  const std::vector<float> kld = joined(windows_, &window::kld);
  const std::vector<float> change = joined(windows_, &window::delta_p);
  double squares = 0.0;
  for (const float value : change)
    squares += static_cast<double>(value) * static_cast<double>(value);
  return "{\"tokens\":" + std::to_string(kld.size()) +
         ",\"windows\":" + std::to_string(windows_.size()) +
         ",\"kld\":" + percentiles(kld, {0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999}) +
         ",\"delta_p\":" +
         percentiles(change, {0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999}) +
         ",\"delta_p_rms\":" + printed(std::sqrt(squares / static_cast<double>(change.size()))) +
         ",\"kld_curve\":" + curve(kld) + "," + cells_note(windows_) + "}";
}

}  // namespace distance_metric

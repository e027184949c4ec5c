// The Lua library assay.native.data: it reads records from dataset plugins, gets numbers from
// metric plugins, and finds the content that texts share. The script chooses the dataset and the
// metric by their ids. This file names no dataset and no metric.
#include <memory>

#include "core/cancel.hpp"
#include "core/file.hpp"
#include "lua/json_text.hpp"
#include "lua/lx.hpp"
#include "lua/state.hpp"
#include "plug/dataset.hpp"
#include "plug/metric.hpp"
#include "plug/registry.hpp"
#include "signals/overlap.hpp"

namespace assay::lua {

using dataset_handle = std::unique_ptr<plug::dataset_instance>;
using metric_handle = std::unique_ptr<plug::metric_instance>;

template <>
struct class_of<dataset_handle> {
  static constexpr const char *name = "dataset";
};
template <>
struct class_of<metric_handle> {
  static constexpr const char *name = "metric";
};
template <>
struct class_of<signals::passage_index> {
  static constexpr const char *name = "passages";
};

namespace {

json read_config(lua_State *L, int index) {
  return absent(L, index) ? json::object() : read_json(L, index, "config");
}

int open_dataset(lua_State *L) {  // dataset(id, config)
  const std::string id = read_string(L, 1, "id");
  const plug::component &what = plug::plugins().find(plug::kind::dataset, id);
  const json config = read_config(L, 2);
  // A pipe is refused, because it can be read only once. A dataset is read for its hash, then for
  // its records, and again after every rewind.
  if (const auto path = config.find("path"); path != config.end() && path->is_string())
    refuse_stream(path->get<std::string>());
  push_object<dataset_handle>(L, std::make_unique<plug::dataset_instance>(what, config));
  return 1;
}

plug::dataset_instance &dataset(lua_State *L) {
  return *check_object<dataset_handle>(L, 1, "self");
}

// next() -> the next record, or nil after the last one. An integer that does not fit into Lua's 64
// bits becomes a text of its digits, so that it is not rounded.
int next(lua_State *L) {
  throw_if_cancelled();
  std::string_view text;
  if (!dataset(L).next(text))
    lua_pushnil(L);
  else if (text.substr(0, 1) != "{" || !push_json_text(L, text, true))
    push_json(L, dataset(L).parsed(text));
  return 1;
}

// rewind(): the next record is the first one again
int rewind(lua_State *L) {
  dataset(L).rewind();
  return 0;
}

// info() -> { fields, sha256, license, source, records? }
int info(lua_State *L) {
  const plug::dataset_info facts = dataset(L).info();
  json out = {{"fields", facts.fields},
              {"sha256", facts.content_hash},
              {"license", facts.license},
              {"source", facts.source}};
  if (facts.count >= 0) out["records"] = facts.count;
  push_json(L, out);
  return 1;
}

int dataset_text(lua_State *L) {
  push_string(L, "records of " + dataset(L).made_by().id);
  return 1;
}

int open_metric(lua_State *L) {  // metric(id, config)
  const std::string id = read_string(L, 1, "id");
  const plug::component &what = plug::plugins().find(plug::kind::metric, id);
  push_object<metric_handle>(L, std::make_unique<plug::metric_instance>(what, read_config(L, 2)));
  return 1;
}

// Reads one sample: { record = { ... }, arrays = { nll = { ... } } }.
plug::metric_sample read_sample(lua_State *L, int index, int64_t number) {
  const json given = read_json(L, index, "sample");
  plug::metric_sample sample;
  sample.index = number;
  sample.record_json = json_text(given.value("record", json::object()));
  const json arrays = given.value("arrays", json::object());
  for (auto item = arrays.begin(); item != arrays.end(); ++item)
    sample.arrays.emplace_back(item.key(), item.value().get<std::vector<float>>());
  return sample;
}

// evaluate(info, samples) -> { NAME = { value, unit, ..., scores, weights? } } with one entry for each
// number of the metric, and a table of further facts that the metric reports
int evaluate(lua_State *L) {
  auto &metric = *check_object<metric_handle>(L, 1, "self");
  const json facts = read_config(L, 2);
  if (lua_type(L, 3) != LUA_TTABLE) bad_argument(L, 3, "samples", "list");
  std::vector<plug::metric_sample> samples;
  const auto n = static_cast<lua_Integer>(lua_rawlen(L, 3));
  for (lua_Integer i = 1; i <= n; ++i) {
    lua_rawgeti(L, 3, i);
    samples.push_back(read_sample(L, -1, i - 1));
    lua_pop(L, 1);
  }
  const plug::metric_result result = metric.evaluate(facts, samples);
  json out = json::object();
  for (const plug::metric_number &number : result.numbers) {
    json one = {{"value", number.value},
                {"unit", number.what.unit},
                {"direction", number.what.direction},
                {"kind", number.what.kind},
                {"link", number.what.link},
                {"scores", number.scores}};
    if (!number.weights.empty()) one["weights"] = number.weights;
    out[number.what.name] = std::move(one);
  }
  push_json(L, out);
  push_json(L, result.note);
  return 2;
}

int metric_text(lua_State *L) {
  push_string(L, "metric " + (*check_object<metric_handle>(L, 1, "self")).made_by().id);
  return 1;
}

int open_passages(lua_State *L) {  // passages(n_words) -> an empty index of runs of words
  push_object<signals::passage_index>(L, signals::passage_index(read_integer(L, 1, "n_words")));
  return 1;
}

signals::passage_index &passages(lua_State *L) {
  return check_object<signals::passage_index>(L, 1, "self");
}

int add_passages(lua_State *L) {
  passages(L).add(read_string(L, 2, "text"));
  return 0;
}

// check(text) -> { runs, shared, first }: the number of runs of words in the text, the number of these
// runs that are in the index, too, and the words of the first shared run
int check_passages(lua_State *L) {
  const auto found = passages(L).check(read_string(L, 2, "text"));
  push_json(L, {{"runs", found.runs}, {"shared", found.shared}, {"first", found.first}});
  return 1;
}

int passages_text(lua_State *L) {
  push_string(L, std::to_string(passages(L).size()) + " runs of words");
  return 1;
}

// content(text) -> hash of its words ("" if it has none), and the number of its words
int content(lua_State *L) {
  const signals::content_key key = signals::content_of(read_string(L, 1, "text"));
  push_string(L, key.hash);
  lua_pushinteger(L, key.n_words);
  return 2;
}

}  // namespace

int open_data(lua_State *L) {
  static const luaL_Reg dataset_methods[] = {{"next", guarded<next>},
                                             {"rewind", guarded<rewind>},
                                             {"info", guarded<info>},
                                             {nullptr, nullptr}};
  register_class<dataset_handle>(L, dataset_methods, guarded<dataset_text>);
  static const luaL_Reg metric_methods[] = {{"evaluate", guarded<evaluate>}, {nullptr, nullptr}};
  register_class<metric_handle>(L, metric_methods, guarded<metric_text>);
  static const luaL_Reg passage_methods[] = {
      {"add", guarded<add_passages>}, {"check", guarded<check_passages>}, {nullptr, nullptr}};
  register_class<signals::passage_index>(L, passage_methods, guarded<passages_text>);
  static const luaL_Reg functions[] = {{"dataset", guarded<open_dataset>},
                                       {"metric", guarded<open_metric>},
                                       {"passages", guarded<open_passages>},
                                       {"content", guarded<content>},
                                       {nullptr, nullptr}};
  push_library(L, functions);
  return 1;
}

}  // namespace assay::lua

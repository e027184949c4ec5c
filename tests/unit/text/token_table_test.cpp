// Tests the table of token texts: searches for many texts at once give what single searches give.
#include "catch.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "text/token_table.hpp"

using assay::text::token_table;

TEST_CASE("a search for many texts gives what single searches give, for any number of texts") {
  token_table table;
  std::vector<int32_t> found(1, 7);
  const std::string_view only = "a";
  table.find_all({&only, 1}, found.data());
  CHECK(found[0] == -1);  // an empty table

  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i)
    texts.push_back(std::string(static_cast<size_t>(i % 13), 'x') + std::to_string(i));
  for (int i = 0; i < 3000; i += 2) table.add(texts[static_cast<size_t>(i)], i);
  table.add(texts[4], 9000);  // the last id of a text wins
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  for (const size_t n : {size_t{0}, size_t{1}, size_t{15}, size_t{16}, size_t{17}, size_t{3000}}) {
    std::vector<int32_t> ids(n, -7), single;
    for (size_t i = 0; i < n; ++i) single.push_back(table.find(views[i]));
    table.find_all({views.data(), n}, ids.data());
    CHECK(ids == single);
  }
  CHECK(table.find(texts[4]) == 9000);
  CHECK(table.find(texts[5]) == -1);
  CHECK(table.find(texts[2998]) == 2998);
}

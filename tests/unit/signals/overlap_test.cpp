// Tests how shared content of texts is found: by whole texts, and by runs of 13 words.
#include "signals/overlap.hpp"

#include "catch.hpp"

using namespace assay::signals;

namespace {

std::string numbered(int from, int to) {  // "w3 w4 ... "
  std::string out;
  for (int i = from; i < to; ++i) out += "w" + std::to_string(i) + " ";
  return out;
}

}  // namespace

TEST_CASE("Case, punctuation and spacing make no difference in content") {
  CHECK(words_of("The \"quick\", brown  FOX's 3.5\n") ==
        std::vector<std::string>{"the", "quick", "brown", "fox", "s", "3", "5"});
  CHECK(content_of("Hello, world!").hash == content_of("hello   WORLD").hash);
  CHECK(content_of("Hello, world!").n_words == 2);
  CHECK(content_of("hello world").hash != content_of("helloworld").hash);
  CHECK(content_of("Caf\xC3\xA9").n_words == 1);
  CHECK(content_of(" ... ").hash.empty());
}

TEST_CASE("A shared run of 13 words is found, one of 12 is not") {
  passage_index index;
  index.add(numbered(0, 40));
  CHECK(index.size() == 28);
  const auto twelve = index.check("x " + numbered(5, 17) + "y");
  CHECK(twelve.runs == 2);
  CHECK(twelve.shared == 0);
  CHECK(twelve.first.empty());
  const auto thirteen = index.check("x " + numbered(5, 18) + "y");
  CHECK(thirteen.runs == 3);
  CHECK(thirteen.shared == 1);
  CHECK(thirteen.first == "w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16 w17");
  CHECK(index.check(numbered(0, 40)).shared == 28);
}

TEST_CASE("A text shorter than a run has no run, and the order of words matters") {
  passage_index index(3);
  index.add("one two three four");
  CHECK(index.check("one two").runs == 0);
  CHECK(index.check("three two one").shared == 0);
  CHECK(index.check("two, THREE four!").shared == 1);
  CHECK(index.check("").runs == 0);
}

TEST_CASE("No run reaches from one text into the next") {
  passage_index index(4);
  index.add("a b");
  index.add("c d");
  CHECK(index.size() == 0);
  CHECK(index.check("a b c d").shared == 0);
}

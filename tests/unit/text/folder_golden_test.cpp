// Tests that the tokenizer files of a model folder mean the same here as in transformers.
// A single tokenizer.json is tested in tokenizer_golden_test.cpp.
#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "core/error.hpp"
#include "text/chat_template.hpp"
#include "text/tokenizer.hpp"
#include "text_golden.hpp"

namespace assay::text {
namespace {

namespace fs = std::filesystem;

// A temporary folder, removed at the end of the test.
struct folder {
  folder() {
    std::string name = (fs::temp_directory_path() / "assay-folder-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~folder() { fs::remove_all(path); }
  folder(const folder &) = delete;
  folder &operator=(const folder &) = delete;

  void write(const std::string &name, const std::string &bytes) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << bytes;
  }
  fs::path path;
};

void write(const folder &at, const json &base, const json &own) {
  json files = base;
  for (const auto &[name, value] : own.items()) files[name] = value;
  for (const auto &[name, value] : files.items())
    if (!value.is_null())
      at.write(name, value.is_string() ? value.get<std::string>() : value.dump());
}

void check_texts(const tokenizer &tok, const json &texts) {
  for (const json &one : texts) {
    const std::string text = one["text"];
    INFO("text: " << text);
    CHECK(tok.encode(text, true) == one["ids"].get<std::vector<int32_t>>());
    CHECK(tok.encode(text) == one["plain"].get<std::vector<int32_t>>());
    CHECK(tok.encode_start(text) == one["start"].get<std::vector<int32_t>>());
  }
}

// Checks the size of the vocabulary, which ids are special, and the tokens with a name such as eos_token.
void check_tokens(const tokenizer &tok, const json &answers) {
  CHECK(tok.vocab_size() == answers["size"].get<int32_t>());
  std::vector<int32_t> special;
  for (int32_t id = 0; id < tok.vocab_size(); ++id)
    if (tok.is_special(id)) special.push_back(id);
  CHECK(special == answers["special"].get<std::vector<int32_t>>());
  CHECK(nlohmann::json::parse(tok.special_tokens().dump()) ==
        nlohmann::json::parse(answers["names"].dump()));
}

void check_chat(const tokenizer &tok, const json &expected, const json &tools) {
  const std::string jinja = tok.chat_template_text(!tools.is_null());
  CHECK(jinja.empty() == expected.is_null());
  if (jinja.empty() || expected.is_null()) return;
  json context = {{"messages", {{{"role", "user"}, {"content", "hi"}}}}};
  if (!tools.is_null()) context["tools"] = tools;
  CHECK(chat_template(jinja, tok.special_tokens()).render(context) == expected);
}

}  // namespace

TEST_CASE("A folder's added tokens, special tokens and templates are those of transformers") {
  const json answers = golden("folders.json");
  for (const json &one : answers["cases"]) {
    INFO("case: " << one["name"]);
    const folder at;
    write(at, answers["base"], one["files"]);
    const auto tok = tokenizer::from_folder(at.path.string());
    check_texts(*tok, one["texts"]);
    check_tokens(*tok, one);
    check_chat(*tok, one["chat"], nullptr);
    check_chat(*tok, one["chat_with_tools"], answers["tools"]);
  }
}

TEST_CASE(
    "A key of a message is left out if its value is null, and a null that lies deeper is kept, as "
    "in transformers") {
  const json answers = golden("folders.json");
  const chat_template probe(answers["probe"]);
  for (const json &one : answers["chats"]) {
    INFO("case: " << one["name"]);
    CHECK(probe.render({{"messages", one["messages"]}}) == one["text"]);
  }
}

TEST_CASE("A tokenizer file that is a broken link or a Git LFS pointer is named with the reason") {
  const json base = golden("folders.json")["base"];
  const auto problem = [](const folder &at) -> std::string {
    try {
      tokenizer::from_folder(at.path.string());
    } catch (const error &e) {
      CHECK(e.kind() == error_kind::failed);
      return e.what();
    }
    return "no error";
  };
  for (const char *name :
       {"tokenizer.json", "tokenizer_config.json", "added_tokens.json", "special_tokens_map.json",
        "chat_template.jinja", "additional_chat_templates/tool_use.jinja"}) {
    INFO("file: " << name);
    const folder dangling, pointer;
    write(dangling, base, {{name, nullptr}, {"additional_chat_templates/rag.jinja", "x"}});
    fs::create_symlink("../../blobs/gone", dangling.path / name);
    CHECK(problem(dangling) == (dangling.path / name).string() +
                                   ": the file is a link to nothing. The download is not complete: "
                                   "get the model again");
    write(pointer, base, {{name, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"}});
    CHECK(problem(pointer) ==
          (pointer.path / name).string() +
              ": the file is a Git LFS pointer, its content was not downloaded. Run 'git lfs "
              "pull' in the folder, or download the file itself");
  }
}

TEST_CASE(
    "A token of added_tokens.json with another token's id or with no number is refused by name") {
  const json base = golden("folders.json")["base"];
  const folder at;
  write(at, base, {{"added_tokens.json", {{"<think>", 3}}}});
  CHECK_THROWS_WITH(
      tokenizer::from_folder(at.path.string()),
      assay_test::contains("added token '<think>' has the id 3 of the token '<pad>'"));
  // An id after a gap stays as it is, since ids are the rows of the model's embedding.
  const folder gap;
  write(gap, base, {{"added_tokens.json", {{"<think>", 270}}}});
  CHECK(tokenizer::from_folder(gap.path.string())->encode("<think>") == std::vector<int32_t>{270});
  const folder text;
  write(text, base, {{"added_tokens.json", {{"<think>", "263"}}}});
  CHECK_THROWS_WITH(
      tokenizer::from_folder(text.path.string()),
      (text.path / "added_tokens.json").string() + ": the id of '<think>' is \"263\"");
}

}  // namespace assay::text

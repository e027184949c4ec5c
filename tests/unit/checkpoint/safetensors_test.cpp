// Tests safetensors files: each rule of the reader, and that the writer gives the bytes that the package
// safetensors writes. The rule numbers count the refusals in host/checkpoint/FORMATS.md, "Safetensors
// header", in their order there.
#include <sys/resource.h>

#include <csignal>

#include "aten.hpp"
#include "catch.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "scratch_folder.hpp"

using namespace assay;
using namespace assay::model;
using assay_test::contains;

namespace {

std::string with_header(const std::string &header, size_t data_bytes, uint64_t claimed = 0) {
  const uint64_t n = claimed != 0 ? claimed : header.size();
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(n >> (8 * i));
  return out + header + std::string(data_bytes, '\x01');
}

// Opens a file of these bytes and returns the error's message; "" if there is no error.
std::string problem(const std::string &bytes) {
  const scratch_folder folder;
  try {
    open_safetensors_file(folder.write("x.safetensors", bytes));
  } catch (const error &e) {
    CHECK(e.kind() == error_kind::failed);
    CHECK(e.where() == folder.file("x.safetensors"));
    return e.message();
  }
  return "";
}

std::string entry(const std::string &name, const std::string &dtype, const std::string &shape,
                  int begin, int end) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) + "]}";
}

}  // namespace

TEST_CASE("a file of fewer than 8 bytes is refused (rule 1)") {
  CHECK(problem("") == "the file is too small for a safetensors header");
  CHECK(problem("1234567") == "the file is too small for a safetensors header");
}

TEST_CASE("a header of a gigabyte is refused before memory is touched (rule 2)") {
  CHECK(problem(with_header("{}", 0, 1'000'000'000)) ==
        "the header claims 1000000000 bytes, more than the format's 100000000");
  CHECK(problem(std::string(8, '\xff')) ==
        "the header claims 18446744073709551615 bytes, more than the format's 100000000");
}

TEST_CASE("a header longer than the file is refused (rule 3)") {
  CHECK(problem(with_header("{}", 0, 90)) ==
        "the header claims 90 bytes, but the file has only 10");
}

TEST_CASE("a header that is not UTF-8 is refused (rule 4)") {
  CHECK(problem(with_header("{" + entry("a\xff", "U8", "[1]", 0, 1) + "}", 1))
            .rfind("the header is not UTF-8", 0) == 0);
}

TEST_CASE("a header that is not the expected JSON is refused (rule 5)") {
  CHECK(problem(with_header("{", 0)).rfind("the header is not valid JSON", 0) == 0);
  CHECK(problem(with_header(std::string("{}\0\0and more", 12), 0)) ==
        "the header is not valid JSON: it holds a NUL byte");
  CHECK(problem(with_header("[]", 0)) == "the header is not a JSON object");
  CHECK(problem(with_header("{\"a\":3}", 0)) == "the header entry of a tensor must be an object");
  CHECK(problem(with_header("{\"a\":{\"dtype\":\"F32\"}}", 0)) ==
        "tensor 'a' lacks dtype, shape or data_offsets");
  CHECK(problem(with_header("{\"a\":{\"dtype\":3,\"shape\":[],\"data_offsets\":[0,4]}}", 4)) ==
        "tensor 'a' has a field 'dtype' of the wrong type");
  CHECK(problem(with_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
                            4)) == "tensor 'a' has a field 'shape' of the wrong type");
  CHECK(problem(with_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}",
                            4)) == "tensor 'a' has a field 'shape' of the wrong type");
  CHECK(problem(with_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[[1]],\"data_offsets\":[0,4]}}",
                            4)) == "tensor 'a' has a field 'shape' of the wrong type");
  CHECK(problem(with_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,2,4]}}",
                            4)) == "tensor 'a' needs two data_offsets");
  CHECK(problem(with_header(
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4)) ==
        "tensor 'a' has an unknown field 'x'");
  CHECK(problem(with_header("{\"__metadata__\":{\"a\":1}}", 0)) ==
        "__metadata__ may hold only strings");
  CHECK(problem(with_header("{\"__metadata__\":{\"a\":{}}}", 0)) ==
        "__metadata__ may hold only strings");
  const std::string deep(100000, '[');
  CHECK(problem(with_header("{\"a\":" + deep + "}", 0)) ==
        "the header entry of a tensor must be an object");
}

TEST_CASE("a name that appears twice is refused") {
  CHECK(problem(with_header(
            "{" + entry("a", "U8", "[1]", 0, 1) + "," + entry("a", "U8", "[1]", 1, 2) + "}", 2)) ==
        "the name 'a' appears twice");
}

TEST_CASE("holes, overlaps and aliases are refused (rule 6)") {
  CHECK(problem(with_header("{" + entry("a", "U8", "[1]", 1, 2) + "}", 2)) ==
        "tensor 'a' begins at byte 1 of the data, where 0 was due (hole or overlap)");
  CHECK(problem(with_header(
            "{" + entry("a", "U8", "[2]", 0, 2) + "," + entry("b", "U8", "[2]", 1, 3) + "}", 3)) ==
        "tensor 'b' begins at byte 1 of the data, where 2 was due (hole or overlap)");
  CHECK(problem(with_header(
            "{" + entry("a", "U8", "[2]", 0, 2) + "," + entry("b", "U8", "[2]", 0, 2) + "}", 2)) ==
        "tensor 'b' begins at byte 0 of the data, where 2 was due (hole or overlap)");
  CHECK(problem(with_header(
            "{" + entry("a", "U8", "[0]", 0, 0) + "," + entry("b", "U8", "[2]", 2, 0) + "}", 2)) ==
        "tensor 'b' begins at byte 2 of the data, where 0 was due (hole or overlap)");
}

TEST_CASE("a shape must fit its bytes, and overflow is caught (rule 7)") {
  CHECK(problem(with_header("{" + entry("a", "F32", "[2]", 0, 4) + "}", 4)) ==
        "tensor 'a' needs 8 bytes, but its offsets span 4");
  CHECK(problem(with_header("{" + entry("a", "F32", "[100000,100000,100000,100000]", 0, 4) + "}",
                            4)) == "tensor 'a' has a shape that overflows");
  CHECK(problem(with_header("{" + entry("a", "F32", "[1000000000]", 0, 4) + "}", 4)) ==
        "tensor 'a' needs 4000000000 bytes, but its offsets span 4");
  CHECK(problem(with_header("{" + entry("a", "U8", "[999999999999999]", 0, 4) + "}", 4)) ==
        "tensor 'a' has a size beyond 2^48");
  CHECK(problem(with_header("{" + entry("a", "F4", "[3]", 0, 2) + "}", 2)) ==
        "tensor 'a' does not end on a whole byte");
  CHECK(problem(with_header("{" + entry("a", "Q17", "[1]", 0, 1) + "}", 1)) ==
        "tensor 'a' has the unsupported dtype 'Q17'");
}

TEST_CASE("trailing bytes and a short file are refused (rule 8)") {
  const std::string header = "{" + entry("a", "U8", "[2]", 0, 2) + "}";
  CHECK(problem(with_header(header, 3)).find("but the file has") != std::string::npos);
  CHECK(problem(with_header(header, 1)).find("but the file has") != std::string::npos);
  CHECK(problem(with_header(header, 2)).empty());
}

TEST_CASE("scalars, empty tensors, an empty header and blanks around it are legal") {
  CHECK(problem(with_header("{}", 0)).empty());
  CHECK(problem(with_header(" \n{\"__metadata__\":{\"format\":\"pt\"}}   ", 0)).empty());
  const scratch_folder folder;
  const auto file = open_safetensors_file(folder.write(
      "x",
      with_header("{" + entry("s", "U8", "[]", 0, 1) + "," + entry("e", "F32", "[3,0]", 1, 1) + "}",
                  1)));
  CHECK(file->tensor("s").dim() == 0);
  CHECK(file->tensor("s").item<int>() == 1);
  CHECK(file->tensor("e").sizes() == at::IntArrayRef({3, 0}));
}

TEST_CASE("a dtype that torch cannot hold is named when the tensor is asked for, not before") {
  const scratch_folder folder;
  const auto file = open_safetensors_file(
      folder.write("x", with_header("{" + entry("a", "F4", "[2]", 0, 1) + "}", 1)));
  CHECK(file->tensors().size() == 1);
  CHECK_THROWS_WITH(file->tensor("a"), contains("tensor 'a' has the unsupported dtype 'F4'"));
  CHECK_THROWS_WITH(file->tensor("b"), contains("there is no tensor 'b'"));
}

TEST_CASE("all dtypes survive writing and reading") {
  const scratch_folder folder;
  named_tensors tensors;
  for (const at::ScalarType type :
       {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kFloat8_e4m3fn, at::kFloat8_e5m2,
        at::kChar, at::kByte, at::kInt, at::kLong, at::kBool})
    tensors.emplace_back(c10::toString(type), at::arange(6).reshape({2, 3}).to(type));
  tensors.emplace_back("u32", at::arange(6).to(at::kUInt32));
  write_safetensors(folder.file("all"), tensors);
  const auto file = open_safetensors_file(folder.file("all"));
  CHECK(file->tensors().size() == tensors.size());
  for (const auto &[name, tensor] : tensors) {
    const at::Tensor back = file->tensor(name);
    CHECK(back.scalar_type() == tensor.scalar_type());
    CHECK(back.sizes() == tensor.sizes());
    CHECK(std::memcmp(back.data_ptr(), tensor.data_ptr(), tensor.nbytes()) == 0);
  }
}

TEST_CASE("the writer's bytes are those of the package safetensors: order, padding, metadata") {
  const scratch_folder folder;
  write_safetensors(folder.file("a"), {{"b", at::ones({1}, at::kChar)},
                                       {"a", at::ones({1}, at::kFloat)},
                                       {"z", at::ones({1}, at::kFloat)},
                                       {"c", at::ones({1}, at::kLong)}});
  const std::string bytes = bytes_of(folder.file("a"));
  const std::string header =
      "{\"__metadata__\":{\"format\":\"pt\"},\"c\":{\"dtype\":\"I64\",\"shape\":[1],\"data_"
      "offsets\":[0,8]},"
      "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},\"z\":{\"dtype\":\"F32\","
      "\"shape\":[1],"
      "\"data_offsets\":[12,16]},\"b\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[16,17]}}";
  const size_t padded = (header.size() + 7) / 8 * 8;
  CHECK(bytes.substr(8, padded) == header + std::string(padded - header.size(), ' '));
  CHECK(bytes.size() == 8 + padded + 17);
}

TEST_CASE("strided tensors are written in row order, and two equal names are refused") {
  const scratch_folder folder;
  const at::Tensor t = at::arange(6, at::kFloat).reshape({2, 3}).t();
  write_safetensors(folder.file("a"), {{"t", t}});
  CHECK(open_safetensors_file(folder.file("a"))->tensor("t").equal(t));
  CHECK_THROWS_WITH(write_safetensors(folder.file("b"), {{"t", t}, {"t", t}}),
                    "two tensors are named 't'");
}

TEST_CASE("a full disk is one clear error and leaves no file under the final name") {
  const scratch_folder folder;
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  CHECK_THROWS_WITH(write_safetensors(folder.file("big"), {{"t", at::zeros({100000})}}),
                    contains("cannot write the file: File too large"));
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  CHECK(std::filesystem::is_empty(folder.path));
}

TEST_CASE("a folder of shards reads like one file; shard paths stay in the folder") {
  const scratch_folder folder;
  named_tensors tensors;
  for (int i = 0; i < 5; ++i)
    tensors.emplace_back("t" + std::to_string(i), at::full({64}, i, at::kFloat));
  write_safetensors_folder(folder.path.string(), tensors, 600);
  CHECK(std::filesystem::exists(folder.file("model-00001-of-00003.safetensors")));
  const auto source = open_safetensors_folder(folder.path.string());
  CHECK(source->tensors().size() == 5);
  CHECK(source->tensor("t4").equal(tensors[4].second));
  const auto index = [&](const std::string &shard) {
    folder.write("model.safetensors.index.json",
                 "{\"metadata\":{},\"weight_map\":{\"t0\":\"" + shard + "\"}}");
    try {
      open_safetensors_folder(folder.path.string());
    } catch (const error &e) {
      return e.message();
    }
    return std::string();
  };
  CHECK(index("../x.safetensors") == "the shard path '../x.safetensors' leaves the folder");
  CHECK(index("/etc/passwd") == "the shard path '/etc/passwd' leaves the folder");
  CHECK(index("gone.safetensors") == "the shard 'gone.safetensors' is missing");
  CHECK(index("model-00003-of-00003.safetensors") ==
        "the index places 't0' in model-00003-of-00003.safetensors, which does not have it");
  const scratch_folder elsewhere;
  write_safetensors(elsewhere.file("secret"), {{"t0", at::ones({1})}});
  std::filesystem::create_symlink(elsewhere.file("secret"), folder.path / "link.safetensors");
  CHECK(index("link.safetensors") == "the shard 'link.safetensors' is a link out of the folder");
}

TEST_CASE("a single file that is a link out of the folder is refused, except in the hub's cache") {
  const scratch_folder folder;
  const auto &root = folder.path;
  const auto problem = [](const std::filesystem::path &model) {
    try {
      open_safetensors_folder(model.string());
    } catch (const error &e) {
      return e.message();
    }
    return std::string();
  };
  for (const char *name : {"secrets", "model", "repo/blobs", "repo/snapshots/abc"})
    std::filesystem::create_directories(root / name);
  write_safetensors(folder.file("secrets/x"), {{"t", at::ones({1})}});
  std::filesystem::create_symlink(root / "secrets/x", root / "model/model.safetensors");
  CHECK(problem(root / "model") == "the file 'model.safetensors' is a link out of the folder");
  write_safetensors(folder.file("repo/blobs/0123"), {{"t", at::ones({1})}});
  std::filesystem::create_symlink("../../blobs/0123",
                                  root / "repo/snapshots/abc/model.safetensors");
  CHECK(problem(root / "repo/snapshots/abc").empty());
  std::filesystem::create_directory_symlink(root / "repo/snapshots/abc", root / "linked");
  CHECK(problem(root / "linked").empty());
}

TEST_CASE("one file is written without an index, and an old index is removed") {
  const scratch_folder folder;
  folder.write("model.safetensors.index.json", "{}");
  write_safetensors_folder(folder.path.string(), {{"t", at::ones({3})}});
  CHECK_FALSE(std::filesystem::exists(folder.file("model.safetensors.index.json")));
  CHECK(open_safetensors_folder(folder.path.string())->has("t"));
}

TEST_CASE(
    "a tensor borrows the memory of the file, and editing the tensor never changes the file") {
  const scratch_folder folder;
  write_safetensors(folder.file("a"), {{"t", at::ones({1024})}});
  const std::string before = bytes_of(folder.file("a"));
  auto file = open_safetensors_file(folder.file("a"));
  at::Tensor first = file->tensor("t"), second = file->tensor("t");
  CHECK(first.data_ptr() == second.data_ptr());
  file.reset();  // the tensors keep the map alive
  first.fill_(3);
  CHECK(second[0].item<float>() == 3);
  CHECK(bytes_of(folder.file("a")) == before);
}

TEST_CASE("a conversion reads the same values, and a tensor borrowed before stays valid") {
  const scratch_folder folder;
  write_safetensors(folder.file("a"),
                    {{"t", at::arange(4096).to(at::kBFloat16)}, {"u", at::ones({4096})}});
  const auto file = open_safetensors_file(folder.file("a"));
  CHECK(file->tensor_as("t", at::kFloat).equal(at::arange(4096).to(at::kBFloat16).to(at::kFloat)));
  at::Tensor borrowed = file->tensor("t");
  borrowed.fill_(2);
  CHECK(file->tensor_as("t", at::kFloat).sum().item<float>() == 8192);
  CHECK(borrowed[0].item<float>() == 2);
  CHECK(file->tensor_as("u", at::kFloat).data_ptr() == file->tensor("u").data_ptr());
}

TEST_CASE("tensors after a header that is not padded to the element size are read by copying") {
  const scratch_folder folder;
  std::string header = "{" + entry("a", "F32", "[2]", 0, 8) + "}";
  while (header.size() % 4 != 1) header += ' ';
  const auto file = open_safetensors_file(folder.write("x", with_header(header, 8)));
  int32_t bits = 0x01010101;
  float value;
  std::memcpy(&value, &bits, 4);
  CHECK(file->tensor("a")[1].item<float>() == value);
}

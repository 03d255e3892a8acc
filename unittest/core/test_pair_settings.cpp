// Settings of the pair style and the record that restart files keep.
#include "torchpot_error.h"
#include "torchpot_pair_settings.h"

#include <gtest/gtest.h>

using namespace torchpot;

static std::string message(const std::vector<std::string> &words)
{
  try {
    parse_pair_settings(words);
  } catch (const Error &error) {
    return error.what();
  }
  return "no error";
}

TEST(PairSettings, Defaults)
{
  const PairSettings s = parse_pair_settings({});
  EXPECT_EQ(s.device, "auto");
  EXPECT_EQ(s.precision, "model");
  EXPECT_EQ(s.comm, "auto");
  EXPECT_FALSE(s.check);
  EXPECT_EQ(s.chunk, 0);
  EXPECT_TRUE(s.operators.empty());
  EXPECT_FALSE(s.plain);
  EXPECT_TRUE(s == PairSettings());
}

TEST(PairSettings, AllKeywords)
{
  const PairSettings s =
      parse_pair_settings({"device", "cuda", "precision", "float64", "comm", "shell", "check",
                           "yes", "chunk", "17", "operators", "a b.so", "kernels", "plain"});
  EXPECT_EQ(s.device, "cuda");
  EXPECT_EQ(s.precision, "float64");
  EXPECT_EQ(s.comm, "shell");
  EXPECT_TRUE(s.check);
  EXPECT_EQ(s.chunk, 17);
  EXPECT_EQ(s.operators, "a b.so");
  EXPECT_TRUE(s.plain);
  EXPECT_TRUE(parse_pair_settings(pair_settings_words(s)) == s);
  EXPECT_FALSE(s == PairSettings());
}

TEST(PairSettings, Errors)
{
  EXPECT_EQ(message({"kernel", "fast"}),
            "unknown keyword; found: kernel; wanted: one of device, precision, comm, check, "
            "chunk, operators, kernels. Did you mean kernels?");
  EXPECT_EQ(message({"elephant", "fast"}).find("Did you mean"), std::string::npos);
  EXPECT_NE(message({"precision", "float6"}).find(". Did you mean float64?"), std::string::npos);
  EXPECT_EQ(message({"check", "yes", "chunk"}),
            "keyword chunk lacks its value");
  for (const char *word : {"device", "precision", "comm", "check", "kernels"})
    EXPECT_NE(message({word, "wrong"}).find(std::string("unknown value of keyword ") + word +
                                            "; found: wrong; wanted: "),
              std::string::npos);
  for (const char *number : {"0", "-3", "4.5", "many", "", "99999999999"})
    EXPECT_NE(message({"chunk", number}).find("a whole number of at least 1"), std::string::npos);
  EXPECT_NE(message({"precision", "float32", "kernels", "plain"}).find("float64 only"),
            std::string::npos);
}

static PairRecord record()
{
  PairRecord r;
  r.settings.chunk = 5;
  r.files = {{"a model.pt", "", std::string(64, 'a')}, {"b.pt", "", std::string(64, 'b')}};
  r.elements = {"Si", "NULL", "O"};
  return r;
}

TEST(PairRecord, RoundTrip)
{
  const PairRecord r = record(), back = pair_record_from(pair_record_text(r), "here");
  EXPECT_TRUE(back.settings == r.settings);
  ASSERT_EQ(back.files.size(), 2u);
  EXPECT_EQ(back.files[0].name, "a model.pt");
  EXPECT_EQ(back.files[1].sha256, std::string(64, 'b'));
  EXPECT_EQ(back.elements, r.elements);
  back.require_same(r.files, r.elements, "where", "next");
}

TEST(PairRecord, Errors)
{
  const auto read = [](const std::string &text) -> std::string {
    try {
      pair_record_from(text, "restart");
    } catch (const Error &error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_NE(read("").find("not a record of the pair style"), std::string::npos);
  EXPECT_NE(read("torchpot pair style, version 2\n").find("version 1"), std::string::npos);
  EXPECT_NE(read(pair_record_text(record()) + "more\n").find("unknown line"), std::string::npos);
  EXPECT_NE(read(pair_record_text(record()) + "model short a.pt\n").find("unknown line"),
            std::string::npos);

  const auto differs = [](std::vector<PairModelFile> files, std::vector<std::string> elements) {
    try {
      record().require_same(files, elements, "where", "next");
    } catch (const Error &error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  std::vector<PairModelFile> files = record().files;
  EXPECT_NE(differs({files[0]}, record().elements).find("another number of models"),
            std::string::npos);
  EXPECT_NE(differs(files, {"Si", "O", "O"}).find("found: Si O O; wanted: Si NULL O"),
            std::string::npos);
  files[1].sha256 = std::string(64, 'c');
  EXPECT_NE(differs(files, record().elements).find("model file b.pt is not the one"),
            std::string::npos);
}

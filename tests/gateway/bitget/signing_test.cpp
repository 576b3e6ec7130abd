// The signature is what the venue computes: recorded vectors, and OpenSSL's own HMAC and base64 over random
// bytes.
#include <fstream>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "gateway/bitget/base64.hpp"
#include "gateway/bitget/hmac.hpp"
#include "tests/gateway/bitget/support.hpp"

namespace backhand::bitget {
namespace {

using testing::kSecret;

/// Hashes `text` in pieces cut at `cuts`, each into a copy of the state before it, as the encoder does.
std::string sign(std::string_view secret, std::string_view text, const std::vector<std::size_t>& cuts = {}) {
  HmacKey key;
  key.load(secret);
  HmacMessage message = key.begin();
  for (const std::size_t cut : cuts) {
    const std::size_t size = std::min(cut, text.size());
    HmacMessage copy = message;
    copy.add(text.substr(0, size));
    text.remove_prefix(size);
    message = copy;
  }
  message.add(text);
  std::string out(kSignatureText, '\0');
  encode_base64(key.finish(message), out.data());
  return out;
}

TEST(Signing, AgreesWithEveryRecordedVector) {
  std::ifstream file(BACKHAND_TEST_DATA "/signatures.tsv");
  std::string line;
  int vectors = 0;
  while (std::getline(file, line)) {
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string> fields;
    std::istringstream columns(line);
    for (std::string field; std::getline(columns, field, '\t');) fields.push_back(field);
    ASSERT_EQ(fields.size(), 6U) << line;
    EXPECT_EQ(sign(kSecret, fields[1] + fields[2] + fields[3] + fields[4]), fields[5]) << fields[0];
    ++vectors;
  }
  EXPECT_EQ(vectors, 8) << "tests/data/signatures.tsv is not the file that was recorded";
}

TEST(Signing, AgreesWithTheVectorOfAnEmptyMessage) {
  EXPECT_EQ(sign(kSecret, ""), "DYpJbANTruSLyhvzP3L9uG24n2akK8bFjBFVESylHoM=");
}

RC_GTEST_PROP(Signing, AgreesWithOpenSslHoweverTheMessageIsCut,
              (const std::string& secret, const std::string& text, const std::vector<std::uint8_t>& cuts)) {
  const std::vector<std::size_t> sizes(cuts.begin(), cuts.end());
  RC_ASSERT(sign(secret, text, sizes) == testing::reference_signature(secret, text));
}

TEST(Signing, AgreesWithOpenSslForSecretsLongerThanABlock) {
  for (const std::size_t size : {63U, 64U, 65U, 128U}) {
    const std::string secret(size, 'k');
    EXPECT_EQ(sign(secret, "text"), testing::reference_signature(secret, "text")) << size;
  }
}

RC_GTEST_PROP(Base64, AgreesWithOpenSsl, (const std::array<std::uint8_t, 32>& digest)) {
  std::string ours(kSignatureText, '\0');
  encode_base64(digest, ours.data());
  std::string theirs(64, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(theirs.data()), digest.data(),
                                   static_cast<int>(digest.size()));
  theirs.resize(static_cast<std::size_t>(size));
  RC_ASSERT(ours == theirs);
  encode_base64_portable(digest, ours.data());
  RC_ASSERT(ours == theirs);
}

}  // namespace
}  // namespace backhand::bitget

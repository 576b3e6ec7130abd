// What the tests of this room share: a dialect with the documentation's dummy secret, replies with padding
// behind them, headers, and a reader of our own requests.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/assert.hpp"
#include "gateway/bitget/dialect.hpp"

namespace backhand::bitget::testing {

inline constexpr std::string_view kKey = "bg_0123456789abcdef";
inline constexpr std::string_view kSecret = "22582BD0CFF14C41EDBF1AB98506286D";
inline constexpr std::string_view kPassphrase = "correct-horse";
inline constexpr AccountIndex kAccount{0};
inline constexpr PositionIndex kPosition{0};
inline constexpr VenueMs kNow = 1'718'000'000'123;

[[nodiscard]] inline Credentials credentials(std::string_view secret = kSecret) {
  return {SecretText(kKey), SecretText(secret), SecretText(kPassphrase)};
}

[[nodiscard]] inline domain::Instrument instrument(std::string_view symbol = "ETHUSDT",
                                                   std::string_view coin = "USDT",
                                                   domain::Product product = domain::Product::usdt_futures) {
  return {product, wire::SymbolName(symbol), wire::CoinName(coin)};
}

/// A dialect with one account and one position.
[[nodiscard]] inline std::unique_ptr<Dialect> make_dialect(domain::PositionMode mode,
                                                           const Settings& settings = {},
                                                           const domain::Instrument& of = instrument()) {
  auto made = make_classic_dialect(settings);
  BH_ASSERT(made.has_value());
  BH_ASSERT((*made)->add_account(kAccount, credentials()).has_value());
  BH_ASSERT((*made)->prepare(kPosition, kAccount, of, mode).has_value());
  return std::move(*made);
}

[[nodiscard]] inline domain::ReversalRequest reversal(domain::PositionSide held,
                                                      std::string_view client_oid = "bh-0000000001",
                                                      std::string_view size = {}) {
  domain::ReversalRequest out;
  out.account = kAccount;
  out.position = kPosition;
  out.held_side = held;
  out.client_oid = wire::ClientOid(client_oid);
  if (!size.empty()) {
    out.has_size = true;
    out.size = *Decimal::parse(size);
  }
  return out;
}

[[nodiscard]] inline std::string encode(Dialect& dialect, const domain::ReversalRequest& request,
                                        VenueMs timestamp = kNow) {
  std::string out(Dialect::kMaxRequest, '\0');
  out.resize(dialect.encode_reversal(request, timestamp, out));
  return out;
}
[[nodiscard]] inline std::string encode(Dialect& dialect, const domain::Lookup& lookup,
                                        VenueMs timestamp = kNow) {
  std::string out(Dialect::kMaxRequest, '\0');
  out.resize(dialect.encode_lookup(lookup, timestamp, out));
  return out;
}

/// A body with the padding that a decoder may read over; the padding is JSON-like rubbish on purpose.
class PaddedBody {
 public:
  explicit PaddedBody(std::string_view body) : size_(body.size()), bytes_(body) {
    while (bytes_.size() < size_ + Dialect::kReplyPadding) bytes_ += "\"}],:1";
  }
  [[nodiscard]] std::string_view view() const { return std::string_view(bytes_).substr(0, size_); }

 private:
  std::size_t size_;
  std::string bytes_;
};

using Headers = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] inline HeaderLookup look_into(const Headers& headers) {
  return {[](const void* context, std::string_view name) noexcept -> std::string_view {
            const auto& all = *static_cast<const Headers*>(context);
            const auto found = all.find(name);
            return found == all.end() ? std::string_view{} : std::string_view(found->second);
          },
          &headers};
}

/// A request taken apart by a reader that shares no code with the writer.
struct ReadRequest {
  std::string method, target, version, body;
  Headers headers;  ///< Names in lower case, values trimmed.
  bool whole = false;
};

[[nodiscard]] inline ReadRequest read_request(std::string_view bytes) {
  ReadRequest out;
  const auto head_end = bytes.find("\r\n\r\n");
  if (head_end == std::string_view::npos) return out;
  std::string_view head = bytes.substr(0, head_end + 2);
  out.body = bytes.substr(head_end + 4);
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, last - first - 1);
  out.version = line.substr(last + 1);
  for (head.remove_prefix(line.size() + 2); !head.empty();) {
    const auto end = head.find("\r\n");
    const std::string_view field = head.substr(0, end);
    head.remove_prefix(end + 2);
    const auto colon = field.find(':');
    if (colon == std::string_view::npos) return out;
    std::string name(field.substr(0, colon));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::string_view value = field.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (!out.headers.emplace(name, value).second) return out;
  }
  const auto length = out.headers.find("content-length");
  out.whole =
      length == out.headers.end() ? out.body.empty() : length->second == std::to_string(out.body.size());
  return out;
}

/// The signature by OpenSSL's one-shot functions: what the venue computes.
[[nodiscard]] inline std::string reference_signature(std::string_view secret, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  std::string out(64, '\0');
  out.resize(static_cast<std::size_t>(
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), digest, static_cast<int>(size))));
  return out;
}

[[nodiscard]] inline std::string reference_signature(const ReadRequest& request) {
  return reference_signature(
      kSecret, request.headers.at("access-timestamp") + request.method + request.target + request.body);
}

}  // namespace backhand::bitget::testing

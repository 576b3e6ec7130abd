// Signing, encoding and reading of the venue's dialect, each beside the plain way to do it.
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "gateway/bitget/base64.hpp"
#include "gateway/bitget/codes.hpp"
#include "gateway/bitget/dialect.hpp"
#include "gateway/bitget/hmac.hpp"

namespace backhand::bitget {
namespace {

constexpr std::string_view kSecret = "22582BD0CFF14C41EDBF1AB98506286D";
/// As long as a hedge reversal's text to sign, and its first 151 bytes that `refresh` hashes ahead.
constexpr std::string_view kText =
    "1718000000123POST/api/v2/mix/order/click-backhand"
    R"({"symbol":"ETHUSDT","marginCoin":"USDT","productType":"USDT-FUTURES","side":"buy","tradeSide":"open",)"
    R"("size":"0.02","clientOid":"bh-1718000000-03-0000000042"})";
constexpr std::size_t kAhead = 150;
constexpr VenueMs kNow = 1'718'000'000'123;

Digest plain_hmac(std::string_view text) {
  Digest digest;
  unsigned int size = 0;
  HMAC(EVP_sha256(), kSecret.data(), static_cast<int>(kSecret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  return digest;
}

void BitgetSignPlainHmac(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(plain_hmac(kText));
}
BENCHMARK(BitgetSignPlainHmac);

void BitgetSignEvpMacReused(benchmark::State& state) {
  EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* const context = EVP_MAC_CTX_new(mac);
  char name[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                               OSSL_PARAM_construct_end()};
  EVP_MAC_init(context, reinterpret_cast<const unsigned char*>(kSecret.data()), kSecret.size(), params);
  const auto sign = [&] {
    Digest digest;
    std::size_t size = 0;
    EVP_MAC_init(context, nullptr, 0, nullptr);
    EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(kText.data()), kText.size());
    EVP_MAC_final(context, digest.data(), &size, digest.size());
    return digest;
  };
  if (sign() != plain_hmac(kText)) state.SkipWithError("wrong signature");
  for (auto _ : state) benchmark::DoNotOptimize(sign());
  EVP_MAC_CTX_free(context);
  EVP_MAC_free(mac);
}
BENCHMARK(BitgetSignEvpMacReused);

/// `ahead` bytes are hashed before the clock starts.
void sign_from(benchmark::State& state, std::size_t ahead) {
  HmacKey key;
  key.load(kSecret);
  HmacMessage prefix = key.begin();
  prefix.add(kText.substr(0, ahead));
  const auto sign = [&] {
    HmacMessage message = prefix;
    message.add(kText.substr(ahead));
    return key.finish(message);
  };
  if (sign() != plain_hmac(kText)) state.SkipWithError("wrong signature");
  for (auto _ : state) benchmark::DoNotOptimize(sign());
}
void BitgetSignCachedPads(benchmark::State& state) { sign_from(state, 0); }
BENCHMARK(BitgetSignCachedPads);
void BitgetSignCachedPrefix(benchmark::State& state) { sign_from(state, kAhead); }
BENCHMARK(BitgetSignCachedPrefix);

void BitgetBase64(benchmark::State& state) {
  Digest digest = plain_hmac(kText);
  std::array<char, kSignatureText + 1> ours{};
  std::array<unsigned char, kSignatureText + 1> theirs{};
  encode_base64(digest, ours.data());
  EVP_EncodeBlock(theirs.data(), digest.data(), static_cast<int>(digest.size()));
  if (!std::equal(ours.begin(), ours.end() - 1, theirs.begin())) state.SkipWithError("wrong base64");
  for (auto _ : state) {
    benchmark::DoNotOptimize(digest);
    encode_base64(digest, ours.data());
    benchmark::DoNotOptimize(ours);
  }
}
BENCHMARK(BitgetBase64);

void BitgetBase64OpenSsl(benchmark::State& state) {
  Digest digest = plain_hmac(kText);
  std::array<unsigned char, kSignatureText + 1> out{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(digest);
    EVP_EncodeBlock(out.data(), digest.data(), static_cast<int>(digest.size()));
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(BitgetBase64OpenSsl);

std::unique_ptr<Dialect> make_dialect() {
  auto dialect = make_classic_dialect({});
  const domain::Instrument instrument{domain::Product::usdt_futures, wire::SymbolName("ETHUSDT"),
                                      wire::CoinName("USDT")};
  const bool ready =
      dialect &&
      (*dialect)->add_account(AccountIndex{0}, {SecretText("bg_0123456789abcdef"), SecretText(kSecret),
                                                SecretText("correct-horse")}) &&
      (*dialect)->prepare(PositionIndex{0}, AccountIndex{0}, instrument, domain::PositionMode::hedge);
  return ready ? std::move(*dialect) : nullptr;
}

domain::ReversalRequest reversal() {
  domain::ReversalRequest out;
  out.account = AccountIndex{0};
  out.position = PositionIndex{0};
  out.has_size = true;
  out.size = {2, 2};
  out.client_oid = wire::ClientOid("bh-1718000000-03-0000000042");
  return out;
}

/// The request as somebody would write it who does it for the first time.
std::size_t encode_plainly(std::span<char> out) {
  char body[256];
  const int body_size =
      std::snprintf(body, sizeof(body),
                    R"({"symbol":"%s","marginCoin":"%s","productType":"%s","side":"%s",)"
                    R"("tradeSide":"open","size":"%s","clientOid":"%s"})",
                    "ETHUSDT", "USDT", "USDT-FUTURES", "buy", "0.02", "bh-1718000000-03-0000000042");
  char text[512];
  const int text_size = std::snprintf(text, sizeof(text), "%lld%s%s%.*s", static_cast<long long>(kNow),
                                      "POST", "/api/v2/mix/order/click-backhand", body_size, body);
  const Digest digest = plain_hmac({text, static_cast<std::size_t>(text_size)});
  unsigned char signature[64];
  EVP_EncodeBlock(signature, digest.data(), static_cast<int>(digest.size()));
  return static_cast<std::size_t>(std::snprintf(
      out.data(), out.size(),
      "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: backhand\r\nContent-Type: application/json\r\nlocale: "
      "%s\r\n"
      "ACCESS-KEY: %s\r\nACCESS-PASSPHRASE: %s\r\nACCESS-TIMESTAMP: %lld\r\nACCESS-SIGN: %s\r\n"
      "Content-Length: %d\r\n\r\n%.*s",
      "/api/v2/mix/order/click-backhand", "api.bitget.com", "en-US", "bg_0123456789abcdef", "correct-horse",
      static_cast<long long>(kNow), reinterpret_cast<const char*>(signature), body_size, body_size, body));
}

/// Whether the dialect writes what the plain way does.
bool encodes_rightly(Dialect& dialect, std::span<char> out) {
  std::array<char, Dialect::kMaxRequest> plain;
  const std::size_t size = encode_plainly(plain);
  return dialect.encode_reversal(reversal(), kNow, out) == size &&
         std::string_view(out.data(), size) == std::string_view(plain.data(), size);
}

void encode(benchmark::State& state, bool refreshed) {
  const auto dialect = make_dialect();
  std::array<char, Dialect::kMaxRequest> out;
  if (refreshed) dialect->refresh(PositionIndex{0}, kNow);
  if (!encodes_rightly(*dialect, out)) state.SkipWithError("wrong request");
  const auto request = reversal();
  for (auto _ : state) {
    benchmark::DoNotOptimize(dialect->encode_reversal(request, kNow, out));
    benchmark::ClobberMemory();
  }
}
void BitgetEncodeReversalRefreshed(benchmark::State& state) { encode(state, true); }
BENCHMARK(BitgetEncodeReversalRefreshed);
void BitgetEncodeReversalOnTheSpot(benchmark::State& state) { encode(state, false); }
BENCHMARK(BitgetEncodeReversalOnTheSpot);

void BitgetEncodeReversalPlainly(benchmark::State& state) {
  std::array<char, Dialect::kMaxRequest> out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(encode_plainly(out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BitgetEncodeReversalPlainly);

void BitgetRefresh(benchmark::State& state) {
  const auto dialect = make_dialect();
  for (auto _ : state) dialect->refresh(PositionIndex{0}, kNow);
}
BENCHMARK(BitgetRefresh);

void decode(benchmark::State& state, std::string_view text, domain::Verdict expected) {
  const auto dialect = make_dialect();
  const std::string padded = std::string(text) + std::string(Dialect::kReplyPadding, ' ');
  const std::string_view body = std::string_view(padded).substr(0, text.size());
  const auto request = reversal();
  if (dialect->decode_reversal(request.client_oid, 200, body, {}).verdict != expected) {
    state.SkipWithError("wrong verdict");
  }
  for (auto _ : state) benchmark::DoNotOptimize(dialect->decode_reversal(request.client_oid, 200, body, {}));
}
void BitgetDecodeAck(benchmark::State& state) {
  decode(state,
         R"({"code":"00000","msg":"success","requestTime":1695806875837,"data":{"clientOid":)"
         R"("bh-1718000000-03-0000000042","orderId":"1323031696869281794"}})",
         domain::Verdict::acked);
}
BENCHMARK(BitgetDecodeAck);
void BitgetDecodeReject(benchmark::State& state) {
  decode(state, R"({"code":"40774","msg":"The order type is wrong","requestTime":1695806875837,"data":null})",
         domain::Verdict::rejected);
}
BENCHMARK(BitgetDecodeReject);

/// `rows` positions, as a refresh of an account reads them.
void BitgetDecodePositions(benchmark::State& state) {
  const auto dialect = make_dialect();
  const auto rows = static_cast<std::size_t>(state.range(0));
  std::string body = R"({"code":"00000","msg":"success","requestTime":1695806875837,"data":[)";
  for (std::size_t i = 0; i < rows; ++i) {
    if (i > 0) body += ",";
    body +=
        R"({"marginCoin":"USDT","symbol":"ETHUSDT","holdSide":"long","openDelegateSize":"0","marginSize":"12.3",)"
        R"("available":"20","locked":"0","total":"20","leverage":"5","openPriceAvg":"2431.26","marginMode":)"
        R"("crossed","posMode":"hedge_mode","unrealizedPL":"","liquidationPrice":"0","cTime":"1751161257957"})";
  }
  body += "]}";
  const std::size_t size = body.size();
  body.append(Dialect::kReplyPadding, ' ');
  domain::Lookup lookup;
  lookup.kind = domain::LookupKind::positions;
  domain::LookupReply reply;
  reply.positions.reserve(rows);
  const auto read = [&] {
    dialect->decode_lookup(lookup, 200, std::string_view(body).substr(0, size), {}, reply);
  };
  read();
  if (reply.status != domain::LookupStatus::ok || reply.positions.size() != rows || reply.truncated) {
    state.SkipWithError("wrong positions");
  }
  for (auto _ : state) {
    read();
    benchmark::DoNotOptimize(reply.positions.data());
  }
}
BENCHMARK(BitgetDecodePositions)->Arg(1)->Arg(100);

void BitgetClassOfCode(benchmark::State& state) {
  std::string code = "40774";
  if (class_of(code) != CodeClass::mode) state.SkipWithError("wrong class");
  for (auto _ : state) {
    benchmark::DoNotOptimize(code);
    benchmark::DoNotOptimize(class_of(code));
  }
}
BENCHMARK(BitgetClassOfCode);

}  // namespace
}  // namespace backhand::bitget

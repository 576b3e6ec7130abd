#include "bench/round_trip/plain_client.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.hpp"

namespace backhand::bench {

namespace {

constexpr std::size_t kJournalRecords = 1U << 16;
constexpr std::size_t kMostPerSecond = 1'000'000;

void forget_before(std::deque<Ns>& times, Ns when) {
  while (!times.empty() && times.front() < when) times.pop_front();
}

}  // namespace

PlainClient::PlainClient(const Place& place, std::string_view label)
    : host_("127.0.0.1:" + std::to_string(place.venue_port)) {
  for (const BenchAccount& account : place.accounts) {
    accounts_[account.name] = {account, {}};
    for (const std::string& symbol : account.symbols) positions_[{account.name, symbol}] = {};
  }
  // On tmpfs, as the gateway's own; a plain file would be written back and cost more.
  const std::string path = "/dev/shm/backhand-bench-" + std::string{label} + "-" + std::to_string(::getpid());
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const std::size_t size = kJournalRecords * sizeof(Record);
  if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(size)) != 0)
    throw std::runtime_error("cannot make " + path);
  void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  ::unlink(path.c_str());
  ::close(fd);
  if (at == MAP_FAILED) throw std::runtime_error("cannot map " + path);
  journal_ = static_cast<Record*>(at);
}

PlainClient::~PlainClient() { ::munmap(journal_, kJournalRecords * sizeof(Record)); }

PlainClient::Position& PlainClient::position_of(const wire::Intent& intent) {
  return positions_[{std::string{intent.account.view()}, std::string{intent.symbol.view()}}];
}

void PlainClient::record(std::uint64_t kind, const wire::Intent& intent, std::string_view client_oid,
                         Ns now) {
  Record& record = journal_[records_++ % kJournalRecords];
  record = {
      kind, intent.id, now, intent.created_ns, intent.account, intent.symbol, wire::ClientOid{client_oid}};
}

const char* PlainClient::check(const wire::Intent& intent, Ns now) {
  if (intent.kind != wire::IntentKind::reverse || intent.reserved != 0) return "malformed";
  if (intent.id <= last_id_) return "id not increasing";
  last_id_ = intent.id;
  if (now >= intent.deadline_ns) return "deadline passed";
  if (intent.deadline_ns - now > wire::kMaxDeadlineAhead_ns) return "deadline too far";
  forget_before(intents_, now - kSecond);
  if (intents_.size() >= kMostPerSecond) return "too many intents";
  intents_.push_back(now);
  const auto account = accounts_.find(std::string{intent.account.view()});
  if (account == accounts_.end()) return "unknown account";
  const auto found = positions_.find({std::string{intent.account.view()}, std::string{intent.symbol.view()}});
  if (found == positions_.end()) return "unknown instrument";
  if (halted_) return "halted";
  Position& position = found->second;
  if (position.busy) return "busy";
  if (position.long_held != (intent.position_side == wire::PositionSide::long_side)) return "wrong side";
  forget_before(position.minute, now - 60 * kSecond);
  forget_before(position.day, now - 86'400 * kSecond);
  if (position.minute.size() >= 10'000 || position.day.size() >= 1'000'000) return "too many reversals";
  forget_before(account->second.sent, now - kSecond);
  if (account->second.sent.size() >= 100'000) return "rate";
  position.busy = true;
  return nullptr;
}

void PlainClient::build(const wire::Intent& intent, Request& out) {
  const Account& account = accounts_.find(std::string{intent.account.view()})->second;
  std::array<char, 40> oid{};
  std::snprintf(oid.data(), oid.size(), "pl-%010u-%02u-%010llu", 1'718'000'000U, 3U,
                static_cast<unsigned long long>(++sequence_));
  out.client_oid = oid.data();
  out.timestamp = std::to_string(unix_now_ms());
  const bool is_long = intent.position_side == wire::PositionSide::long_side;
  std::array<char, 512> body{};
  std::snprintf(
      body.data(), body.size(),
      R"({"symbol":"%s","marginCoin":"USDT","productType":"USDT-FUTURES","side":"%s","clientOid":"%s"})",
      std::string{intent.symbol.view()}.c_str(), is_long ? "buy" : "sell", oid.data());
  out.body = body.data();
  const std::string prehash = out.timestamp + "POST/api/v2/mix/order/click-backhand" + out.body;
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), account.known.secret.data(), static_cast<int>(account.known.secret.size()),
       reinterpret_cast<const unsigned char*>(prehash.data()), prehash.size(), digest.data(), &size);
  std::array<unsigned char, 64> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  out.signature = reinterpret_cast<const char*>(base64.data());
  out.key = account.known.key;
  out.passphrase = account.known.passphrase;
  std::array<char, 1'024> head{};
  std::snprintf(head.data(), head.size(),
                "POST /api/v2/mix/order/click-backhand HTTP/1.1\r\nHost: %s\r\nACCESS-KEY: %s\r\n"
                "ACCESS-SIGN: %s\r\nACCESS-TIMESTAMP: %s\r\nACCESS-PASSPHRASE: %s\r\nlocale: en-US\r\n"
                "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                host_.c_str(), out.key.c_str(), out.signature.c_str(), out.timestamp.c_str(),
                out.passphrase.c_str(), out.body.size());
  out.head = head.data();
  record(1, intent, out.client_oid, monotonic_now());
}

void PlainClient::note_sent(const wire::Intent& intent, Ns written, Ns now) {
  Position& position = position_of(intent);
  position.minute.push_back(now);
  position.day.push_back(now);
  accounts_.find(std::string{intent.account.view()})->second.sent.push_back(now);
  record(2, intent, {}, written);
}

bool PlainClient::take_reply(const wire::Intent& intent, const Request& request, std::string_view body,
                             wire::Outcome& out, Ns now) {
  if (body.find(R"("code":"00000")") == std::string_view::npos) return false;
  if (body.find(R"("clientOid":")" + request.client_oid + "\"") == std::string_view::npos) return false;
  const std::size_t id = body.find(R"("orderId":")");
  if (id == std::string_view::npos) return false;
  const std::string_view rest = body.substr(id + 11);
  out = outcome(intent, wire::EventKind::acked);
  out.order_id = wire::OrderId{rest.substr(0, rest.find('"'))};
  out.client_oid = wire::ClientOid{request.client_oid};
  out.venue_code = wire::VenueCode{"00000"};
  record(3, intent, request.client_oid, now);
  Position& position = position_of(intent);
  position.busy = false;
  position.long_held = !position.long_held;
  return true;
}

wire::Outcome PlainClient::outcome(const wire::Intent& intent, wire::EventKind kind) const {
  wire::Outcome out{};
  out.intent_id = intent.id;
  out.kind = kind;
  out.position_side = intent.position_side;
  out.created_ns = intent.created_ns;
  out.account = intent.account;
  out.symbol = intent.symbol;
  out.user_tag = intent.user_tag;
  return out;
}

std::string_view whole_body(std::string_view reply, std::string& unchunked) {
  const std::size_t end = reply.find("\r\n\r\n");
  if (end == std::string_view::npos) return {};
  const std::string_view head = reply.substr(0, end);
  std::string_view rest = reply.substr(end + 4);
  constexpr std::string_view kLength = "Content-Length: ";
  if (const std::size_t at = head.find(kLength); at != std::string_view::npos) {
    const auto size = static_cast<std::size_t>(std::atol(head.data() + at + kLength.size()));
    return rest.size() < size ? std::string_view{} : rest.substr(0, size);
  }
  unchunked.clear();
  for (;;) {
    const std::size_t line = rest.find("\r\n");
    if (line == std::string_view::npos) return {};
    const auto size = static_cast<std::size_t>(std::strtoul(rest.data(), nullptr, 16));
    if (rest.size() < line + 2 + size + 2) return {};
    if (size == 0) return unchunked;
    unchunked.append(rest.substr(line + 2, size));
    rest.remove_prefix(line + 2 + size + 2);
  }
}

}  // namespace backhand::bench

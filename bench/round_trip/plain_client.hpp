// What a competent engineer writes first: the same checks as the gateway makes, by the standard library's
// containers, and the request by snprintf and HMAC(). All references that send a real request share it, so
// that they differ in their transport only. Subject's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bench/round_trip/subject.hpp"
#include "common/decimal.hpp"
#include "common/wire/outcome.hpp"

namespace backhand::bench {

class PlainClient {
 public:
  PlainClient(const Place& place, std::string_view label);
  ~PlainClient();
  PlainClient(const PlainClient&) = delete;
  PlainClient& operator=(const PlainClient&) = delete;

  /// All checks, then the record before the write. Empty: it may go.
  [[nodiscard]] const char* check(const wire::Intent& intent, Ns now);
  struct Request {
    std::string head;  ///< Request line and headers with the empty line.
    std::string body;
    std::string timestamp, signature;  ///< For clients that write the head themselves.
    std::string client_oid;
    std::string key, passphrase;
  };
  void build(const wire::Intent& intent, Request& out);
  void note_sent(const wire::Intent& intent, Ns written, Ns now);
  /// Reads the reply's body. False: not an ack of this request.
  [[nodiscard]] bool take_reply(const wire::Intent& intent, const Request& request, std::string_view body,
                                wire::Outcome& out, Ns now);
  [[nodiscard]] wire::Outcome outcome(const wire::Intent& intent, wire::EventKind kind) const;

 private:
  struct Account {
    BenchAccount known;
    std::deque<Ns> sent;  ///< Of the last second.
  };
  struct Position {
    bool long_held = true;
    bool busy = false;
    Decimal size{20, 0};
    std::deque<Ns> minute;
    std::deque<Ns> day;
  };
  struct Record {
    std::uint64_t kind, intent_id;
    Ns at, created;
    wire::AccountName account;
    wire::SymbolName symbol;
    wire::ClientOid client_oid;
  };
  [[nodiscard]] Position& position_of(const wire::Intent& intent);
  void record(std::uint64_t kind, const wire::Intent& intent, std::string_view client_oid, Ns now);

  std::unordered_map<std::string, Account> accounts_;
  std::map<std::pair<std::string, std::string>, Position> positions_;
  std::deque<Ns> intents_;  ///< Of the last second.
  std::uint64_t last_id_ = 0;
  std::uint64_t sequence_ = 0;
  bool halted_ = false;
  std::string host_;
  Record* journal_ = nullptr;  ///< A mapped file.
  std::size_t records_ = 0;
};

/// The body of a whole HTTP reply with Content-Length or one chunk or more; empty while it is not whole.
[[nodiscard]] std::string_view whole_body(std::string_view reply, std::string& unchunked);

}  // namespace backhand::bench

// The engine on one thread for tests: the real dialect and journal (its disk is memory and can stand still),
// the simulated venue's logic behind a wire that costs nothing, lanes that keep what is told, and a clock
// that moves when told.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/time.hpp"
#include "common/wire/attach.hpp"
#include "gateway/bitget/dialect.hpp"
#include "gateway/config/load.hpp"
#include "gateway/engine/engine.hpp"
#include "gateway/journal/journal.hpp"
#include "tests/gateway/journal/memory_storage.hpp"
#include "tests/venue/exchange.hpp"

namespace backhand::test {

struct WorldSettings {
  std::uint16_t accounts = 1;
  std::uint32_t symbols = 4;
  std::uint32_t strategies = 1;
  std::string gateway;            ///< More lines of [gateway].
  std::string pacing;             ///< Lines of [pacing].
  std::string strategy;           ///< More lines of each strategy.
  std::uint32_t hot_records = 0;  ///< 0: as the configuration makes it.
  journal::Durability durability = journal::Durability::process;
};

class GatewayWorld final : public engine::WirePort, public engine::LanePort, public engine::EventPort {
 public:
  static constexpr Ns kUnixBase_ns = 1'760'000'000 * kSecond;

  explicit GatewayWorld(const WorldSettings& settings);
  ~GatewayWorld() override;

  /// The process starts from what its disk holds, and proves itself ready where the venue lets it.
  void start();
  /// It dies at once; its disk and its memory file stay.
  void kill();
  /// One strategy's lane, by strategy number; opened and attached with the first start.
  void attach(std::uint16_t lane, std::uint64_t cursor = wire::kCursorNow);

  /// An intent of lane `lane` for the `symbol`-th instrument of account `account`, with the next id of that
  /// lane.
  [[nodiscard]] wire::Intent reversal(std::uint16_t lane, std::uint32_t symbol, std::uint16_t account = 0);
  /// The engine takes it as the I/O loop would; false where the engine takes none now.
  bool push(std::uint16_t lane, const wire::Intent& intent);
  /// Time passes in steps of a millisecond: turns, the venue's answers, the disk.
  void pass(Ns time);
  [[nodiscard]] std::vector<wire::Outcome> told(std::uint16_t lane, wire::EventKind kind) const;
  [[nodiscard]] const std::vector<wire::Outcome>& told(std::uint16_t lane) const { return lanes[lane]; }

  // engine::WirePort
  [[nodiscard]] bool can_send(net::RequestClass request_class) const noexcept override;
  [[nodiscard]] std::size_t free_connections() const noexcept override;
  [[nodiscard]] engine::Sent send(net::RequestToken token, net::RequestClass request_class,
                                  std::span<const char> bytes, Ns reply_deadline_ns,
                                  Ns now) noexcept override;
  void check(std::uint16_t) noexcept override { check_wanted_ = true; }

  // engine::LanePort
  bool publish(LaneIndex lane, wire::Outcome& outcome) noexcept override;
  bool offer(LaneIndex lane, wire::Outcome& outcome) noexcept override;
  void close_intent(LaneIndex) noexcept override {}

  // engine::EventPort
  void on_engine_event(engine::EngineEvent event, const engine::EventDetails&, Ns) noexcept override {
    events.push_back(event);
  }
  void on_raw_reply(const journal::ReversalKey&, int, std::string_view, std::string_view,
                    Ns) noexcept override {}
  [[nodiscard]] std::size_t count(engine::EngineEvent event) const;

  config::Config config;
  venue::Scenario played;
  venue::Exchange exchange;
  MemoryStorage storage;
  journal::Settings journal_settings;
  std::unique_ptr<bitget::Dialect> dialect;
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<engine::Engine> engine;
  Ns now = 1'000 * kSecond;
  Ns lost = 0;  ///< What `now` has missed of real time.

  bool disk_stands = false;                       ///< Nothing is copied to the disk.
  bool connections_taken = false;                 ///< No trade finds a connection.
  bool answers = true;                            ///< The venue answers.
  bool hears_answers = true;                      ///< Else it does what is asked, and no answer arrives.
  bool tells_uid = true;                          ///< Else it refuses to tell whose key an account has.
  std::vector<std::uint16_t> keys;                ///< By account: the venue's account that its key is of.
  std::size_t trades = 0;                         ///< Reversals written.
  std::vector<wire::Outcome> offered;             ///< What took spare room only.
  std::vector<std::vector<wire::Outcome>> lanes;  ///< By lane: what took reserved room.
  std::vector<std::uint64_t> next_ids;
  std::vector<engine::EngineEvent> events;

 private:
  struct Request {
    net::RequestToken token;
    std::string bytes;
  };
  void answer_all();
  void tell_clock();
  [[nodiscard]] net::ReplyView probe_reply();

  bool check_wanted_ = false;  ///< The reply that is just being told is to be checked.
  std::deque<Request> requests_;
  std::string body_;
};

}  // namespace backhand::test

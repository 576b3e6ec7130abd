// The network between gateway and venue, and the gateway's connection pool in short: requests and replies are
// bytes with delays, replies go through the real HTTP parser, connections break in every way. A request that
// was written travels on, whatever becomes of its connection or of the process.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/engine/ports.hpp"
#include "gateway/journal/sink.hpp"
#include "gateway/net/http_exchange.hpp"
#include "tests/simulation/context.hpp"
#include "tests/simulation/crash.hpp"
#include "tests/simulation/ledger.hpp"
#include "tests/simulation/plan.hpp"
#include "tests/venue/exchange.hpp"

namespace backhand::simulation {

class Network final : public engine::WirePort {
 public:
  Network(Context& context, const Plan& plan, CrashPoint& crash, Ledger& ledger, venue::Exchange& venue);
  ~Network() override;

  // The gateway's process comes and goes.
  void begin(net::Handler& handler, const journal::Sink& journal, std::string_view probe_request);
  void end();

  [[nodiscard]] bool can_send(net::RequestClass request_class) const noexcept override;
  [[nodiscard]] std::size_t free_connections() const noexcept override;
  [[nodiscard]] engine::Sent send(net::RequestToken token, net::RequestClass request_class,
                                  std::span<const char> bytes, Ns reply_deadline_ns,
                                  Ns now) noexcept override;
  void distrust(std::uint16_t connection) noexcept override { connections_[connection].distrusted = true; }
  void check(std::uint16_t connection) noexcept override { connections_[connection].check_wanted = true; }
  /// Reads what has arrived, times out, dials, pings.
  int do_work();
  [[nodiscard]] Ns next_due() const noexcept;
  /// The clientOid of a reversal's bytes; empty where there is none.
  [[nodiscard]] static std::string_view client_oid_in(std::string_view request) noexcept;

  void begin_outage(Ns until);
  /// Reads of positions are refused until then.
  void blind_until(Ns until) { blind_until_ = std::max(blind_until_, until); }
  /// A look-up was answered for another account: rows of strangers may have been taken for nobody's.
  [[nodiscard]] bool showed_other_account() const noexcept { return showed_other_account_; }
  void end_idle_connection();
  /// A request arrived later than pacing assumes of the network, so the venue may have counted it elsewhere.
  [[nodiscard]] bool arrived_beyond_assumption() const noexcept { return beyond_assumption_; }
  /// When the last request that is still on its way arrives; the world's time.
  [[nodiscard]] Ns last_arrival() const noexcept { return last_arrival_; }
  /// For the story's end: in which state each connection is.
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] std::uint64_t lost_replies() const noexcept { return lost_; }

 private:
  enum class State : std::uint8_t { closed, dialing, ready, busy };
  enum class Fate : std::uint8_t {
    fine,
    reset_before,
    reset_after,
    closed_before,
    closed_after,
    request_lost,
    reply_lost,
    request_late,
    request_very_late,
    reply_late,
    slices,
    truncated,
    duplicated,
    swapped,
    garbage,
    interim,
  };
  /// What a request is to the pool.
  enum class Kind : std::uint8_t { reversal, lookup, ping, check };
  struct Connection {
    State state = State::closed;
    std::uint32_t generation =
        0;  ///< Changes whenever the connection ends: what arrives for an older one is dropped.
    bool distrusted = false;    ///< Of its last reply,
    bool check_wanted = false;  ///< and the engine wants it checked.
    bool stalled = false;       ///< The peer, or what is in between, passes nothing more on.
    Ns last_arrival = 0;        ///< World's time: nothing written later arrives earlier,
    Ns last_reply = 0;          ///< and replies keep their order too.
    Ns round_trip = 0;          ///< Of its last ping or look-up.
    Ns held_until = 0;          ///< Monotonic: a whole reply to a look-up is told then; 0: none is held.
    std::unique_ptr<net::HttpExchange> exchange;
    net::RequestToken token;
    Kind kind = Kind::ping;
    Ns deadline = 0;  ///< Monotonic; with busy.
    Ns written = 0;   ///< Monotonic.
    Ns readable = 0;  ///< Monotonic: when the first bytes of the reply were read; 0: none were.
    Ns last_used = 0;
    std::string request;  ///< For the bug that sends it again.
    std::string inbox;
    std::size_t taken = 0;  ///< Of the inbox.
    bool one_by_one = false;
    bool ended = false;  ///< End of stream follows the inbox.
    bool reset = false;
  };
  struct Flight {
    std::uint16_t connection = 0;
    std::uint32_t generation = 0;
    std::string bytes;
    Kind kind = Kind::ping;
    Fate fate = Fate::fine;
    std::uint32_t process = 0;
  };
  /// A connection that the dialing thread has made, or failed to make.
  struct Dialed {
    std::uint16_t place = 0;
    bool ok = false;
    Ns written = 0;
    std::string reply;
  };

  [[nodiscard]] std::size_t count(State state) const noexcept;
  /// Connections in the pool.
  [[nodiscard]] std::size_t pooled() const noexcept {
    return count(State::dialing) + count(State::ready) + count(State::busy);
  }
  [[nodiscard]] engine::Sent write_on(std::size_t place, net::RequestToken token, std::string_view text,
                                      Kind kind, Ns reply_deadline_ns, Ns now);
  [[nodiscard]] int pick(net::RequestClass request_class) const noexcept;
  [[nodiscard]] Fate draw_fate(Kind kind);
  [[nodiscard]] Ns path_delay();
  /// No packet takes less.
  [[nodiscard]] Ns least_path_delay() const noexcept { return plan_.one_way * 63 / 100; }
  void write(std::uint16_t place, std::string_view bytes, Kind kind);
  void arrive(const Flight& flight);
  void answer(const Flight& flight, const venue::HttpResponse& response);
  void deliver(const Flight& flight, std::string bytes, Ns delay, bool ends, bool one_by_one);
  void end_stream(const Flight& flight, Ns delay, bool reset);
  void stall(const Flight& flight);
  void note_arrival(const Flight& flight);

  // Replies too many, in network_extra.cpp.
  [[nodiscard]] bool draw_extra() const;
  void extra_at_write(const Flight& flight);
  void extra_at_answer(const Flight& flight, std::string& bytes, Ns delay);
  void note_reply(const Flight& flight, const std::string& bytes);
  /// Of what might be taken for the reply to `flight`, or to a request after it; fires what kind it is.
  [[nodiscard]] std::string extra_reply(const Flight& flight, bool may_be_lookup);
  void put(std::uint16_t place, std::uint32_t generation, Ns delay, std::string bytes);
  void spoil_time_of_probe(std::string& bytes);
  void plan_venue_fault(std::string_view client_oid);
  void plan_lookup_fault();

  int read(std::uint16_t place);
  int read_idle(std::uint16_t place);
  [[nodiscard]] bool must_hold(Connection& connection) const;
  void replied(std::uint16_t place);
  void hand_out(std::uint16_t place);
  void believe_unchecked(std::uint16_t place);
  void write_check(std::uint16_t place);
  void lose(std::uint16_t place, net::LossReason reason, bool by_us);
  void drop(Connection& connection) noexcept;
  int dial();
  int take_dialed();
  void fail_dial(std::uint16_t place, Ns delay);
  void resend(Connection& broken);
  void release_held();
  int ping();
  void tell_pool(std::string_view why);

  Context& context_;
  const Plan& plan_;
  CrashPoint& crash_;
  Ledger& ledger_;
  venue::Exchange& venue_;
  net::Handler* handler_ = nullptr;
  std::string probe_;
  std::vector<Connection> connections_;
  Ns next_dial_ = 0;  ///< Monotonic.
  Ns next_ping_try_ = 0;
  Ns outage_until_ = 0;
  Ns blind_until_ = 0;
  bool showed_other_account_ = false;
  Ns backoff_ = 0;
  const journal::Sink* journal_ = nullptr;
  std::uint64_t lost_ = 0;
  Ns process_began_ = 0;  ///< World's time.
  std::uint32_t process_ = 0;
  bool beyond_assumption_ = false;
  Ns last_arrival_ = 0;
  std::optional<Flight> held_;  ///< A reply to be swapped waits for its partner,
  std::string held_reply_;      ///< with these bytes.
  std::vector<Dialed> dialed_;
  std::string last_ack_;                                         ///< The last yes that was sent to anybody.
  std::map<std::string, std::string, std::less<>> last_lookup_;  ///< By path: the last reply to a look-up,
  std::map<std::string, std::string, std::less<>> last_asker_;   ///< and the key that asked.
  std::map<std::pair<std::uint16_t, std::uint32_t>, Ns>
      ended_at_;  ///< (connection, generation) and when it ended.
};

}  // namespace backhand::simulation

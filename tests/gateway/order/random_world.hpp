// Random worlds with a known truth: a venue with random habits, reversals with random fates, other traders,
// and look-ups that are late, lost or refused. Only for the property tests of order/.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/gateway/order/rig.hpp"

namespace backhand::order::test {

/// What is to go wrong on purpose, so that the checker is seen to catch it.
struct Planted {
  bool believes_absence_at_once = false;  ///< Fuse, grace and second look are skipped.
  bool forgets_fuse = false;              ///< The request is believed dead once the grace is over.
  bool forgets_grace = false;             ///< What is not readable at once is believed not to come.
  bool forgets_lag = false;               ///< What a look-up shows is believed to be of its reply's time.
  bool venue_lags_beyond_bound = false;   ///< The assumption about the lag of look-ups does not hold.
  bool nameless_program = false;          ///< Another program reverses without naming its orders.
  bool others_unlisted = false;           ///< What others trade is not in the list of executions.
  bool forgets_clocks = false;            ///< The venue's clocks are believed to be one.
  bool swaps_positions = false;           ///< Told positions are mixed up.
};

struct Tally {
  std::uint64_t worlds = 0;
  std::uint64_t cases = 0;
  std::uint64_t benign = 0;  ///< Cases in which nobody else traded and no answer was cut short.
  std::uint64_t unresolved = 0;
  std::uint64_t lookups = 0;
  std::array<std::uint64_t, 5> results{};  ///< By SettledResult.
  std::map<std::string, std::uint64_t> grounds;
  std::map<std::string, std::uint64_t> causes;    ///< Of unresolved: what the truth had that hid the end.
  std::map<std::string, std::uint64_t> listings;  ///< Cases executed, by how the venue lists them.
};

class RandomWorld {
 public:
  RandomWorld(std::uint64_t seed, const Planted& planted);

  /// Plays it to the end; returns what is wrong with what was told, in words, or nothing.
  [[nodiscard]] std::string play(Tally& tally);

 private:
  enum class Fate {
    lost_before,
    executed_ack_lost,
    acked,
    acked_but_dropped,
    doubtful,
    doubtful_after_close
  };
  enum class Carrier { close, open, both, none };
  struct Truth {
    std::int64_t closed = 0;
    std::int64_t opened = 0;
    bool benign = true;   ///< Nothing hid the end, so it must be found.
    bool others = false;  ///< Others traded, or may have as far as evidence goes.
    bool over = false;
    const char* why = "";  ///< Not benign: what hid it.
    void hide(const char* reason) {
      if (benign) why = reason;
      benign = false;
    }
    std::string story;
  };
  struct Event {
    enum class Kind { close_done, open_done, trade, reversal } kind = Kind::trade;
    VenueMs at = 0;
    std::int64_t long_by = 0;
    std::int64_t short_by = 0;
    bool from_api = false;
  };
  /// One reversal while it is being made up.
  struct Draft {
    std::uint32_t number = 0;
    domain::Instrument instrument;
    CaseFacts facts;
    Truth truth;
    Fate fate = Fate::acked;
    bool executes = false;
    VenueMs sent = 0;
    VenueMs close_created = 0, close_done = 0, open_created = 0, open_done = 0;
    std::int64_t margin = 0;             ///< The open leg is at most so large.
    std::int64_t longs = 0, shorts = 0;  ///< While the timeline is walked.
    bool is_long = true;                 ///< The side that the close leg closes.
    std::vector<Event> events;
    std::string close_number, open_number;
  };

  [[nodiscard]] std::int64_t any(std::int64_t from, std::int64_t to);
  [[nodiscard]] bool chance(int percent);
  [[nodiscard]] std::string number_at(VenueMs created);

  void draw_venue();
  void begin_round(std::uint32_t position);
  void hold_something(Draft& draft);
  void draw_times(Draft& draft);
  void draw_foreign(Draft& draft);
  void walk(Draft& draft);
  void execute_close(Draft& draft, const Event& event);
  void execute_open(Draft& draft, const Event& event);
  void reverse_foreign(Draft& draft, const Event& event);
  void change(const Draft& draft, VenueMs at, std::int64_t long_by, std::int64_t short_by,
              bool by_others = false);
  void draw_listing();
  void list_whole(Draft& draft, VenueMs done);
  void state_role(domain::OrderRow& row, bool closes, bool is_long, bool whole);
  [[nodiscard]] std::string contradiction(const Decision& decision, const Truth& truth) const;
  FakeOrder& add_row(const Draft& draft, bool closes, bool is_long, VenueMs created, VenueMs done,
                     std::int64_t size, std::int64_t filled);
  void name_row(FakeOrder& order, bool carries, const std::string& name);
  [[nodiscard]] VenueMs tell_engine(Draft& draft);
  [[nodiscard]] std::string judge(const Told& told, Tally& tally);

  std::mt19937_64 random_;
  Planted planted_;
  Settings believed_;
  VenueMs tolerance_ms_ = 0;
  VenueMs grace_ms_ = 0;
  VenueMs lag_ms_ = 0;
  Rig rig_;
  domain::PositionMode mode_ = domain::PositionMode::one_way;
  Carrier name_on_ = Carrier::close;
  Carrier number_on_ = Carrier::close;
  // How the venue lists a reversal, in orders-history and by name (its printed sides are not read).
  bool one_order_ = false;     ///< One order for both legs; else two.
  bool both_sizes_ = false;    ///< That one has the size of both legs; else of one.
  bool roles_echoed_ = false;  ///< Rows repeat the request's words (open, of the side held) or say nothing.
  bool roles_stated_ = false;
  bool clocks_beyond_ = false;  ///< The clocks are further apart than is believed.
  VenueMs clock_error_ms_ = 0;  ///< A quarter of how far apart clocks are; offset and jitter of each.
  VenueMs order_clock_ms_ = 0;
  bool venue_names_rows_ = false;
  bool canceled_rows_ = false;
  bool named_lookup_ = true;
  bool foreign_ = true;
  int lose_percent_ = 0;
  int spoil_percent_ = 0;
  int slow_percent_ = 0;
  std::uint64_t next_number_ = 0;
  std::uint32_t next_name_ = 1;
  std::uint64_t next_trade_ = 700'000;
  std::vector<int> rounds_left_;
  std::vector<VenueMs> quiet_from_;  ///< By position: the timeline made up so far ends here.
  std::vector<VenueMs> others_at_;   ///< By position: when others last traded.
  std::vector<Truth> truths_;        ///< By case id, which is the position's number.
  struct Opening {
    Ns at = 0;
    CaseFacts facts;
  };
  std::vector<Opening> openings_;
};

}  // namespace backhand::order::test

// The simulated Bitget: pure logic. It reads no clock, opens no socket and draws randomness only from its
// seed: `now` (nanoseconds since 1970 on the venue's clock) comes in with every call, so that one copy serves
// the TLS server and a simulation in virtual time. One thread; cheap to make and throw away.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "common/decimal.hpp"
#include "common/time.hpp"
#include "tests/venue/http.hpp"
#include "tests/venue/model.hpp"
#include "tests/venue/options.hpp"

namespace backhand::venue {

class Exchange {
 public:
  /// Symbols, accounts and positions of `scenario` must fit each other: a position of an unknown symbol is
  /// left out.
  Exchange(const Options& options, const Scenario& scenario);
  ~Exchange();
  Exchange(Exchange&&) noexcept;
  Exchange& operator=(Exchange&&) noexcept;

  /// Answers one request that arrives now, running what is due first. Never throws for what a request says.
  [[nodiscard]] HttpResponse handle(const HttpRequest& request, Ns now, std::string_view client_ip);
  /// Runs executions due at or before `now`. A `now` before the last one changes nothing.
  void advance(Ns now);
  /// When `advance` next has something to do; kNever: nothing is under way.
  [[nodiscard]] Ns next_due() const noexcept;

  /// May be changed between calls; what is under way keeps its times.
  [[nodiscard]] Options& options() noexcept;
  void add_fault(Fault fault);
  void clear_faults();

  /// What really happened so far. References stay valid until the next call that is not const.
  [[nodiscard]] const Truth& truth() const noexcept;
  /// Forgets arrivals, executions, counters and rate windows; keeps positions, orders and options.
  void reset_truth();
  /// How many accepted reversals of this clientOid had their close leg executed; more than one is the thing
  /// that must never happen.
  [[nodiscard]] std::uint32_t executed_times(std::string_view account, std::string_view client_oid) const;
  /// The most arrivals of an account at an endpoint in any one second, refused ones too.
  [[nodiscard]] std::uint32_t max_in_second(std::uint32_t account, Endpoint endpoint) const noexcept;

  [[nodiscard]] std::uint32_t accounts() const noexcept;
  [[nodiscard]] const AccountSpec& account(std::uint32_t index) const noexcept;  ///< Without its positions.
  [[nodiscard]] std::optional<std::uint32_t> find_account(std::string_view name) const noexcept;
  [[nodiscard]] std::uint32_t contracts() const noexcept;
  [[nodiscard]] const Contract& contract(std::uint32_t index) const noexcept;
  /// By symbol in upper case, which is unique over all products.
  [[nodiscard]] std::optional<std::uint32_t> find_contract(std::string_view symbol) const noexcept;

  struct Sizes {
    Decimal long_size, short_size;
    friend bool operator==(const Sizes&, const Sizes&) = default;
  };
  [[nodiscard]] Sizes position(std::uint32_t account, std::uint32_t contract) const noexcept;
  [[nodiscard]] const Order* find_order(std::uint64_t id) const noexcept;

  /// Sets a position without any order, as a test's beginning does.
  void set_position(std::uint32_t account, std::uint32_t contract, Sizes sizes, Ns now);
  void set_mark_price(std::uint32_t contract, Decimal price);
  void set_contract_status(std::uint32_t contract, ContractStatus status);
  void set_equity(std::uint32_t account, std::optional<Decimal> equity);
  void set_unified(std::uint32_t account, bool unified);
  void set_mode(std::uint32_t account, PositionMode mode);
  void set_lead_trader(std::uint32_t account, bool lead_trader);

  /// Another trader (a person, a stop, the venue itself) acts now. `reduces`: closes (part of) `side`, never
  /// more than is held; else opens, which in one-way mode nets against the other side. Returns what was
  /// executed.
  Decimal trade(std::uint32_t account, std::uint32_t contract, PositionSide side, bool reduces, Decimal size,
                Source source, Ns now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backhand::venue

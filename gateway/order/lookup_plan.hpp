// When to ask which question: due times of open cases, batched by (account, product). Of what is due the
// account goes first that was asked about longest ago, so that one with many open cases does not hold up the
// others. Knows nothing of what answers mean. Owned by Settlement. Costs O(log n) in the number of (account,
// product) pairs with open cases, and O(k) in those that are due; idle ones cost nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "gateway/domain/lookup.hpp"

namespace backhand::order {

/// The questions that settlement asks. The first two answer for every open case of an (account, product).
enum class Ask : std::uint8_t { history, positions, by_client_oid, by_order_id, fills };
inline constexpr std::size_t kAsks = 5;

[[nodiscard]] domain::LookupKind kind_of(Ask ask) noexcept;

/// Names one asked question until it is answered. Plain; the engine keeps it beside the request.
struct LookupTicket {
  std::uint32_t group = 0;       ///< (account, product)
  std::uint32_t sequence = 0;    ///< Of this question of this group; a late answer to an earlier one is void.
  std::uint32_t case_id = 0;     ///< Of by_client_oid, by_order_id, fills and a narrow history.
  std::uint32_t generation = 0;  ///< Tells a case from a later one with the same id.
  Ask ask = Ask::history;
  bool narrow = false;  ///< Of history: of the case's symbol only.
};

class LookupPlan {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::size_t kProducts = 6;

  LookupPlan(std::size_t accounts, std::size_t max_cases, Ns backoff_min, Ns backoff_max);

  [[nodiscard]] static std::uint32_t group_of(AccountIndex account, domain::Product product) noexcept;

  void add(std::uint32_t case_id, std::uint32_t group) noexcept;
  void remove(std::uint32_t case_id) noexcept;

  /// When the case wants that question; kNever: not at all. Takes effect at the next `refresh`.
  void set_due(std::uint32_t case_id, Ask ask, Ns due) noexcept;
  [[nodiscard]] Ns due(std::uint32_t case_id, Ask ask) const noexcept;
  /// Brings the group's place in the order up to date after its cases' wishes changed.
  void refresh(std::uint32_t group) noexcept;

  [[nodiscard]] Ns next_due() const noexcept;
  /// Takes the most overdue question of the account whose turn it is; false where none is due. It is
  /// outstanding until `finish`.
  [[nodiscard]] bool take(Ns now, LookupTicket& ticket) noexcept;

  enum class End : std::uint8_t { answered, failed, postponed };
  /// Ends an outstanding question; false where the ticket is void. `until`: for postponed. On success
  /// `asked_at` is when it was taken.
  bool finish(const LookupTicket& ticket, End end, Ns now, Ns until, Ns& asked_at) noexcept;
  /// The case of the ticket still is the one that asked.
  [[nodiscard]] bool is_current(const LookupTicket& ticket) const noexcept;

  /// Walks the cases of a group; a case may be removed while it is visited.
  [[nodiscard]] std::uint32_t first_case(std::uint32_t group) const noexcept;
  [[nodiscard]] std::uint32_t next_case(std::uint32_t case_id) const noexcept;

 private:
  struct Question {
    Ns hold_until = 0;  ///< Back-off, or the engine's budget.
    Ns asked_at = 0;
    std::uint64_t turn = 0;
    std::uint64_t turn_before =
        0;  ///< The account's turn before this one: given back where it was postponed.
    std::uint32_t sequence = 0;
    std::uint8_t failures = 0;
    bool outstanding = false;
  };
  struct Group {
    std::array<Question, kAsks> questions{};
    Ns due = kNever;
    std::uint32_t first = kNone;
    std::uint32_t place = kNone;  ///< In heap_; kNone: not in it.
  };
  struct Node {
    std::array<Ns, kAsks> due{};
    std::uint32_t group = kNone;
    std::uint32_t next = kNone;
    std::uint32_t previous = kNone;
    std::uint32_t generation = 0;
  };
  struct Wish {
    Ns due = kNever;
    Ask ask = Ask::history;
    std::uint32_t case_id = kNone;
  };

  void find_next(std::size_t at, Ns now, std::uint32_t& best) const noexcept;
  [[nodiscard]] std::uint64_t& turn_of(std::uint32_t group) noexcept { return turns_[group / kProducts]; }
  [[nodiscard]] Wish best_wish(const Group& group) const noexcept;
  void place(std::uint32_t group, Ns due) noexcept;
  void sift_up(std::size_t at) noexcept;
  void sift_down(std::size_t at) noexcept;
  void put(std::size_t at, std::uint32_t group) noexcept;

  Ns backoff_min_;
  Ns backoff_max_;
  std::vector<Group> groups_;
  std::vector<Node> nodes_;
  std::vector<std::uint64_t> turns_;  ///< By account: which question was its last one.
  std::uint64_t turn_ = 0;
  std::vector<std::uint32_t> heap_;  ///< Groups by due time, a binary heap; reserved for all of them.
};

}  // namespace backhand::order

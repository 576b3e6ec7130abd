// The venue's side of the harness: a TLS server on loopback that spins on its sockets. A reversal is answered
// at once from a prepared reply; what it does to the account is worked out afterwards by the same exchange
// logic as the simulated venue's, which also answers every other question. One thread: the harness's.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/time.hpp"
#include "tests/venue/exchange.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace backhand::bench {

struct VenueTimes {
  Ns request_seen = 0;
  Ns reply_entered = 0;
};

class SpinVenue {
 public:
  /// Listens on a free port of 127.0.0.1; writes its authority's certificate to `ca_file`.
  [[nodiscard]] static std::expected<std::unique_ptr<SpinVenue>, Error> make(venue::Exchange& exchange,
                                                                             const std::string& ca_file);
  ~SpinVenue();
  SpinVenue(const SpinVenue&) = delete;
  SpinVenue& operator=(const SpinVenue&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// Connections accepted from now on belong to this group; only the current group's are looked at.
  void use_group(int group) noexcept { group_ = group; }
  /// One look at every socket of the group. Answers a reversal at once; anything else waits for
  /// `serve_rest`. True where a reversal was answered; `times` says when.
  bool look(VenueTimes& times);
  /// Accepts, handshakes, tells the exchange of answered reversals and answers one question, if one waits.
  /// False where there was nothing to do.
  bool serve_rest();
  /// While on, reversals are answered by the exchange with every check, not from the prepared reply.
  void check_everything(bool on) noexcept { checks_ = on; }
  /// While off, reversals are not told to the exchange: their sender does not settle them.
  void keep_books(bool on) noexcept { keeps_books_ = on; }

  /// What the exchange refused although it was acknowledged; empty: all is well.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }
  [[nodiscard]] std::uint64_t answered() const noexcept { return answered_; }
  [[nodiscard]] std::uint64_t questions() const noexcept { return questions_; }

 private:
  struct Peer;
  struct Past {
    std::string bytes;
    Ns at = 0;
    std::uint64_t order_id = 0;
  };
  SpinVenue(venue::Exchange& exchange);

  void accept_all();
  bool advance_handshake(Peer& peer);
  bool read(Peer& peer);
  bool answer_fast(Peer& peer, VenueTimes& times);
  void answer_slow(Peer& peer);
  void send_out(Peer& peer, std::string_view plain);
  void book(const Past& past);
  [[nodiscard]] std::string& prepared_reply(std::size_t oid_size);

  struct Reply;
  venue::Exchange& exchange_;
  ssl_ctx_st* context_ = nullptr;
  int listener_ = -1;
  int epoll_ = -1;
  std::uint16_t port_ = 0;
  int group_ = 0;
  bool checks_ = false;
  bool keeps_books_ = true;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<std::unique_ptr<Reply>> replies_;  ///< By length of the clientOid.
  std::deque<Past> past_;
  std::uint64_t next_order_id_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t questions_ = 0;
  std::string trouble_;
};

}  // namespace backhand::bench

// One TLS connection over memory: sealed bytes in and out through fixed buffers, no socket. Touched by one
// thread at a time: first the dialing thread (handshake, probe), then the I/O thread. OpenSSL does all
// cryptography.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "common/near_memory.hpp"
#include "gateway/net/tls_context.hpp"
#include "gateway/net/tls_memory.hpp"

struct ssl_st;

namespace backhand::net {

enum class HandshakeStatus : std::uint8_t {
  done,
  more,    ///< Write output(), then come back with more input.
  failed,  ///< See problem(); output() may hold an alert for the peer.
};

enum class TlsReadStatus : std::uint8_t {
  bytes,   ///< Plain bytes were read.
  more,    ///< All input is used up.
  closed,  ///< The peer said orderly that nothing follows.
  failed,  ///< The stream is broken.
};

class TlsSession {
 public:
  /// A client's session with the context's host; throws std::bad_alloc. Dialing thread.
  explicit TlsSession(const TlsContext& context);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  [[nodiscard]] HandshakeStatus handshake() noexcept;
  /// After `failed`: one sentence for a person, with the host's name.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

  /// Room for received bytes; `received` says how many were put there.
  [[nodiscard]] std::span<char> input_space() noexcept;
  void received(std::size_t count) noexcept;

  /// Encrypts one request into output(), which must be empty. False: the stream is broken. Hot.
  [[nodiscard]] bool encrypt(std::span<const char> bytes) noexcept;
  /// Bytes to be written to the socket; `sent` takes the first `count` away.
  [[nodiscard]] std::span<const char> output() const noexcept {
    return {output_.get() + output_begin_, output_end_ - output_begin_};
  }
  void sent(std::size_t count) noexcept;

  /// Decrypts into `room`; `count` says how much.
  [[nodiscard]] TlsReadStatus read(std::span<char> room, std::size_t& count) noexcept;
  /// After `bytes`: is there nothing left to decrypt, so that another read would say `more`? May say no
  /// wrongly.
  [[nodiscard]] bool input_is_used_up() const noexcept;
  /// Has the peer sent anything after the handshake but data and session tickets (a KeyUpdate, a request to
  /// renegotiate, an alert)? Such a connection is not used again.
  [[nodiscard]] bool spoiled() const noexcept { return spoiled_; }
  /// Where nothing but key updates spoiled it: takes part in them, so that the connection is as good as new
  /// once output() has been sent. False: something else did. Dialing thread.
  [[nodiscard]] bool accept_key_updates() noexcept;
  /// What the next request and its reply will use.
  void add_to(NearMemory& near) const;
  /// Puts close_notify into output(): an orderly end of an idle connection.
  void say_goodbye() noexcept;

 private:
  struct Callbacks;
  struct Free {
    void operator()(ssl_st* ssl) const noexcept;
  };
  void note_failure();

  std::string host_;
  std::unique_ptr<char[]> input_;
  std::unique_ptr<char[]> output_;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::size_t output_begin_ = 0;
  std::size_t output_end_ = 0;
  bool spoiled_ = false;
  bool spoiled_beyond_keys_ = false;  ///< By more than key updates.
  std::string problem_;
  std::unique_ptr<ssl_st, Free> ssl_;
  TlsMemory memory_;  ///< Of ssl_. Cold, so last.
};

}  // namespace backhand::net

// A certificate authority of the venue's own, made afresh at every start, and a server certificate from it;
// or one of the bad certificates that a client must refuse.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "common/error.hpp"

namespace backhand::venue {

enum class CertificateKind : std::uint8_t {
  good,         ///< localhost, api.bitget.test, api.bitget.com, 127.0.0.1 and ::1, valid for a month.
  expired,      ///< The same, but its time has passed.
  self_signed,  ///< The same names, signed by itself: the authority's file does not vouch for it.
  wrong_host,   ///< Valid, but for wrong.example only.
};

inline constexpr std::array<std::pair<std::string_view, CertificateKind>, 4> kCertificateKinds{
    {{"good", CertificateKind::good},
     {"expired", CertificateKind::expired},
     {"self_signed", CertificateKind::self_signed},
     {"wrong_host", CertificateKind::wrong_host}}};

struct Certificates {
  std::string ca_pem;
  std::string certificate_pem;
  std::string key_pem;
};

[[nodiscard]] std::expected<Certificates, Error> make_certificates(CertificateKind kind);

}  // namespace backhand::venue

// Connectivity checks as a peer makes them, and answers as it reads them: RFC 8489 and RFC 8445 once more, byte by
// byte, with OpenSSL's HMAC and a CRC bit by bit. Nothing of the code under test but loads and stores.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/flow.h"
#include "tests/support/frames.h"

namespace weir::tests {

/// Attributes of a check, in the order in which they are sent.
struct Check {
  std::uint16_t type = 0x0001;
  std::uint32_t transaction = 1;
  std::string username = "abcd:efgh";
  std::string password = "VOkJxbRl1RmTxUk/WvJxBt";
  std::uint32_t priority = 1'845'501'695;
  bool nominates = false;
  bool controlled = false;               ///< the peer says so of itself; else controlling
  std::vector<std::uint16_t> unknown{};  ///< attributes without a value
  bool integrity = true;
  bool fingerprint = true;
};
Packet stun_check(const Check& check);

/// What a peer sees in an answer.
struct StunAnswer {
  std::uint16_t type = 0;
  std::uint32_t transaction = 0;
  std::string mapped;  ///< "address:port" of XOR-MAPPED-ADDRESS
  unsigned error = 0;
  std::vector<std::uint16_t> unknown{};
  bool integrity_holds = false;
  bool fingerprint_holds = false;
};
StunAnswer read_stun_answer(const Packet& payload, std::string_view password = Check().password);

/// HMAC-SHA1 by OpenSSL.
Packet openssl_hmac_sha1(std::string_view key, const Packet& message);

proto::IceCredentialsSpec ice_credentials(std::string_view ufrag, std::string_view password);

}  // namespace weir::tests

// A binding: one contact of one address of record, as the registrar keeps it. RFC 3261 section 10.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controlplane/path.h"
#include "proto/inet.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

/// What the store keeps too. About half a kilobyte.
struct BindingRecord {
  std::uint64_t number = 0;       ///< its own for good
  std::string realm;              ///< name
  std::string user;               ///< of the address of record, unescaped
  std::string contact;            ///< `<uri>;parameters`, without expires
  std::string instance;           ///< +sip.instance; empty if there is none
  std::uint32_t reg_id = 0;       ///< 0: not a flow of RFC 5626
  std::uint16_t q = 0;            ///< thousandths
  std::int64_t expires_at_s = 0;  ///< Unix time
  std::string call_id;
  std::uint32_t cseq = 0;
  std::uint32_t epoch = 0;  ///< another with each Call-ID: temporary GRUUs are of one (RFC 5627 section 5.4)
  std::string path;         ///< comma-separated; empty if there is none
  std::string user_agent;
  proto::settings::SipTransport transport = proto::settings::SipTransport::kUdp;
  proto::Endpoint source;  ///< where its REGISTER came from
  bool by_source = false;  ///< it is to be called there: the contact's address is not its sender's
};

/// A binding of this process.
struct Binding {
  BindingRecord record;
  std::uint64_t expires_ns = 0;  ///< CLOCK_MONOTONIC
  std::optional<sip::Hop> hop;   ///< how its REGISTER came; nullopt: in an earlier process
};

}  // namespace weir::controlplane

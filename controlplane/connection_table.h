// Every connection there is, and how it is found again: by its handle, by where it leads, by a name its peer has
// proved. RFC 3261 section 18, RFC 5923.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "controlplane/source.h"
#include "proto/inet.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

class Connection;

/// Where a connection leads, and from where.
struct Way {
  std::size_t place = 0;   ///< index in Places
  proto::Endpoint remote;  ///< accepted: the peer's own port
  std::string name;        ///< TLS of ours: who the peer has to prove to be
};

/// Connections of our own making open at once: who fills the room for accepted ones takes none of it.
inline constexpr std::size_t kConnectionsOutMax = 2000;
/// And those that were asked for and may yet be opened, at half a kilobyte: ten targets of every one of these.
inline constexpr std::size_t kConnectionsAskedMax = 20'000;

class ConnectionTable {
 public:
  /// `limits` outlive the table.
  explicit ConnectionTable(const proto::settings::LimitSettings& limits) : limits_(limits) {}
  ~ConnectionTable();

  /// Whether one more from this source may be accepted.
  [[nodiscard]] bool may_accept(const Source& source) const;
  /// Whether one more of ours may be opened.
  [[nodiscard]] bool may_open() const { return ours_open_ < kConnectionsOutMax; }

  /// If ours are too many, the oldest that was never opened goes. `reusable`: what leads where it leads may go over it.
  void add(std::shared_ptr<Connection> connection, bool reusable);
  /// One of ours begins to connect.
  void count_open() { ++ours_open_; }
  void remove(const Connection& connection);

  [[nodiscard]] std::shared_ptr<Connection> find(std::uint64_t handle) const;
  /// The one that leads there: of ours, or (without a name) accepted from exactly there; nullptr: none.
  [[nodiscard]] std::shared_ptr<Connection> find(const Way& way) const;

  /// RFC 5923: requests of this realm for `host` and `port` may go over the connection. The peer has proved that name.
  void add_alias(const Connection& connection, std::uint32_t realm, std::string host, std::uint16_t port);
  [[nodiscard]] std::shared_ptr<Connection> find_alias(std::uint32_t realm, const std::string& host,
                                                       std::uint16_t port) const;

  [[nodiscard]] std::size_t size() const { return connections_.size(); }

 private:
  /// Names one connection may have for itself.
  static constexpr std::size_t kAliasesMax = 4;

  using WayKey = std::tuple<std::size_t, proto::Family, std::array<std::uint8_t, 16>, std::uint16_t, std::string>;
  using AliasKey = std::tuple<std::uint32_t, std::string, std::uint16_t>;
  static WayKey key_of(const Way& way);
  void forget_oldest_unopened();

  const proto::settings::LimitSettings& limits_;
  std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;  ///< by handle
  std::map<WayKey, std::uint64_t> ways_;
  std::map<AliasKey, std::uint64_t> aliases_;
  std::multimap<std::uint64_t, AliasKey> aliases_of_;  ///< by handle
  std::map<Source, std::uint32_t> accepted_;           ///< how many each source made
  std::size_t accepted_now_ = 0;                       ///< all of these
  std::size_t ours_open_ = 0;
};

}  // namespace weir::controlplane

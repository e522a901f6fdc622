#include "controlplane/connection_table.h"

#include <algorithm>

#include "controlplane/connection.h"

namespace weir::controlplane {

ConnectionTable::~ConnectionTable() {
  for (auto& [handle, connection] : connections_) connection->close();
}

ConnectionTable::WayKey ConnectionTable::key_of(const Way& way) {
  return {way.place, way.remote.address.family, way.remote.address.bytes, way.remote.port, way.name};
}

bool ConnectionTable::may_accept(const Source& source) const {
  const auto same = accepted_.find(source);
  const std::uint32_t of_source = same == accepted_.end() ? 0 : same->second;
  return accepted_now_ < limits_.tcp_connections_max && of_source < limits_.tcp_connections_per_source_max;
}

void ConnectionTable::add(std::shared_ptr<Connection> connection, bool reusable) {
  if (connection->accepted()) {
    ++accepted_[source_of(connection->hop().remote.address)];
    ++accepted_now_;
  } else if (connections_.size() - accepted_now_ >= kConnectionsAskedMax) {
    forget_oldest_unopened();
  }
  if (reusable) ways_.insert_or_assign(key_of(connection->way()), connection->hop().handle);
  connections_.emplace(connection->hop().handle, std::move(connection));
}

void ConnectionTable::forget_oldest_unopened() {
  for (const auto& [handle, connection] : connections_) {  // handles grow
    if (connection->accepted() || connection->was_opened()) continue;
    const std::shared_ptr<Connection> oldest = connection;
    oldest->close();
    return remove(*oldest);
  }
}

void ConnectionTable::remove(const Connection& connection) {
  const std::uint64_t handle = connection.hop().handle;
  const auto found = connections_.find(handle);
  if (found == connections_.end()) return;
  if (connection.accepted()) {
    const auto same = accepted_.find(source_of(connection.hop().remote.address));
    if (--same->second == 0) accepted_.erase(same);
    --accepted_now_;
  } else if (connection.was_opened()) {
    --ours_open_;
  }
  if (const auto way = ways_.find(key_of(connection.way())); way != ways_.end() && way->second == handle) {
    ways_.erase(way);
  }
  const auto [first, last] = aliases_of_.equal_range(handle);
  std::for_each(first, last, [&](const auto& entry) {
    const auto alias = aliases_.find(entry.second);
    if (alias != aliases_.end() && alias->second == handle) aliases_.erase(alias);
  });
  aliases_of_.erase(first, last);
  connections_.erase(found);
}

std::shared_ptr<Connection> ConnectionTable::find(std::uint64_t handle) const {
  const auto found = connections_.find(handle);
  return found == connections_.end() ? nullptr : found->second;
}

std::shared_ptr<Connection> ConnectionTable::find(const Way& way) const {
  const auto found = ways_.find(key_of(way));
  return found == ways_.end() ? nullptr : find(found->second);
}

void ConnectionTable::add_alias(const Connection& connection, std::uint32_t realm, std::string host,
                                std::uint16_t port) {
  const std::uint64_t handle = connection.hop().handle;
  AliasKey key{realm, std::move(host), port};
  if (const auto known = aliases_.find(key); known != aliases_.end() && known->second == handle) return;
  if (aliases_of_.count(handle) >= kAliasesMax) return;
  aliases_of_.emplace(handle, key);
  aliases_.insert_or_assign(std::move(key), handle);  // the newest connection is the one that lives
}

std::shared_ptr<Connection> ConnectionTable::find_alias(std::uint32_t realm, const std::string& host,
                                                        std::uint16_t port) const {
  const auto found = aliases_.find({realm, host, port});
  return found == aliases_.end() ? nullptr : find(found->second);
}

}  // namespace weir::controlplane

#include "dataplane/media_region.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "dataplane/flow_table.h"

namespace weir::dataplane {
namespace {

// Ring lengths, for each worker. A call's set-up is a handful of commands, each answered by one event; other events are
// a few a call. A DTLS handshake is a dozen datagrams each way.
constexpr std::uint32_t kCommandSlots = 1024;
constexpr std::uint32_t kEventSlots = 4096;
constexpr std::uint32_t kPuntSlots = 1024;
constexpr std::uint32_t kInjectSlots = 1024;
static_assert(kEventSlots >= 2 * kCommandSlots);

std::uint64_t hash_bytes(std::uint64_t hash, const void* at, std::size_t bytes) {
  const auto* byte = static_cast<const std::uint8_t*>(at);
  for (std::size_t i = 0; i < bytes; ++i) hash = (hash ^ byte[i]) * 0x100000001b3ull;
  return hash;
}

std::uint64_t layout_hash(const proto::settings::Settings& settings) {
  const std::uint32_t room = bytes_of(key_room(settings.srtp.aead));
  std::uint64_t hash = hash_bytes(private_layout_hash(), &room, sizeof room);
  for (const proto::settings::NetworkSettings& network : settings.networks) {
    hash = hash_bytes(hash, network.name.data(), network.name.size() + 1);  // the closing zero separates the names
    hash = hash_bytes(hash, network.address.bytes.data(), network.address.bytes.size());
  }
  return hash;
}

struct User {
  uid_t uid;
  gid_t gid;
};

proto::Result<User> find_user(const std::string& name) {
  const passwd* entry = getpwnam(name.c_str());
  if (entry != nullptr) return User{entry->pw_uid, entry->pw_gid};
  return proto::Error{"the user '" + name + "' of control.user does not exist: create it (useradd --system " + name +
                      "), or name another"};
}

/// A directory that lies there already is left as it is: an administrator, systemd or a mount made it.
proto::Status make_directory(const std::string& path, const User& control) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return proto::success();
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  std::filesystem::create_directories(parent, error);
  if (mkdir(path.c_str(), 0750) != 0 || chmod(path.c_str(), 0750) != 0 ||
      chown(path.c_str(), static_cast<uid_t>(-1), control.gid) != 0) {
    return proto::Error{"cannot make the region directory " + path + ": " + std::strerror(errno) +
                        ": start weir-media as root, or name another region.directory"};
  }
  return proto::success();
}

}  // namespace

std::uint32_t transcodes_max(const proto::settings::Settings& settings) {
  return settings.media.transcode_cores.empty() ? 0 : settings.media.transcoded_flows_max;
}

proto::RegionShape region_shape(const proto::settings::Settings& settings) {
  return {.workers = static_cast<std::uint32_t>(settings.media.worker_cores.size()),
          .flows_max = settings.media.flows_max,
          .command_slots = kCommandSlots,
          .event_slots = kEventSlots,
          .punt_slots = kPuntSlots,
          .inject_slots = kInjectSlots,
          .private_bytes =
              FlowTable::private_bytes(settings.media.flows_max, static_cast<std::uint32_t>(settings.networks.size()),
                                       key_room(settings.srtp.aead), transcodes_max(settings)),
          .private_layout_hash = layout_hash(settings)};
}

proto::Result<proto::Region> open_region(const proto::settings::Settings& settings, bool discard) {
  const proto::Result<User> control = find_user(settings.control.user);
  if (!control) return proto::Error{control.error()};
  const proto::Status made = make_directory(settings.region.directory, *control);
  if (!made) return proto::Error{made.error()};
  return proto::Region::create({.directory = settings.region.directory,
                                .shape = region_shape(settings),
                                .control_uid = control->uid,
                                .control_gid = control->gid,
                                .discard = discard});
}

}  // namespace weir::dataplane

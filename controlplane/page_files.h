// The files of a page that browsers get from a WebSocket listener, held in memory: what is asked for is looked up among
// their names, and no name reaches a file system.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

inline constexpr std::size_t kPageFilesMax = 64;
/// Four times what a softphone's library takes.
inline constexpr std::size_t kPageFileBytesMax = 1 << 20;
/// Of all files of one page.
inline constexpr std::size_t kPageBytesMax = 8 << 20;

struct PageFile {
  std::string_view content_type;
  std::string etag;  ///< strong, with its quotes: a hash of the bytes (RFC 9110 section 8.8.3)
  std::shared_ptr<const std::string> bytes;
};

/// Immutable once loaded, and shared by the connections that began with it: what is loaded later is for later ones.
class PageFiles {
 public:
  /// Reads the folder's files whose names are letters, digits, '.', '-' and '_', begin with none of the last three, and
  /// end as something that browsers load (.html, .js, .css, .svg, .png, .ico, .woff2); what else is there, folders
  /// among it, is passed over. Blocks while it does. Errors: a folder or file that cannot be read, no index.html, more
  /// or larger files than above; each names the path.
  static proto::Result<std::shared_ptr<const PageFiles>> load(const std::string& folder);

  /// The file at a path, without its query: "/NAME", or "/" for index.html. Nullptr: there is none. Nothing is decoded
  /// or resolved: the path is the name, byte for byte.
  [[nodiscard]] const PageFile* find(std::string_view path) const;

 private:
  proto::Status add(const std::string& folder, const std::string& name, std::string_view content_type);

  std::map<std::string, PageFile, std::less<>> files_;  ///< by path
  std::size_t bytes_ = 0;
};

using RealmPages = std::vector<std::shared_ptr<const PageFiles>>;

/// Every realm's, in the order of Settings::realms; null for one that has none. Blocks while it reads. Errors: each
/// realm whose folder is no good, with the reason.
proto::Result<RealmPages> load_realm_pages(const proto::settings::Settings& settings);

}  // namespace weir::controlplane

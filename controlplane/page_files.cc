#include "controlplane/page_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "controlplane/digest_response.h"

namespace weir::controlplane {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kIndex = "/index.html";
/// Of a hash, in hexadecimal: enough to tell any two files apart.
constexpr std::size_t kEtagDigits = 32;

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kContentTypes{{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
}};

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Empty: not for browsers.
std::string_view content_type_of(std::string_view name) {
  const bool plain = is_alphanumeric(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
                       return is_alphanumeric(c) || c == '.' || c == '-' || c == '_';
                     });
  const auto found = std::find_if(kContentTypes.begin(), kContentTypes.end(),
                                  [&](const auto& type) { return name.ends_with(type.first); });
  return plain && found != kContentTypes.end() ? found->second : std::string_view();
}

/// 0, or errno.
int read_file(const std::string& path, std::string& into) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (file == nullptr) return errno;
  into.resize(kPageFileBytesMax + 1);
  const std::size_t bytes = std::fread(into.data(), 1, into.size(), file.get());
  if (std::ferror(file.get()) != 0) return errno;
  if (bytes > kPageFileBytesMax) return EFBIG;
  into.resize(bytes);
  into.shrink_to_fit();
  return 0;
}

}  // namespace

proto::Result<std::shared_ptr<const PageFiles>> PageFiles::load(const std::string& folder) {
  const auto page = std::make_shared<PageFiles>();
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const std::string_view type = content_type_of(name);
    std::error_code unknown;  // what is behind a broken link is no file
    if (type.empty() || !entry->is_regular_file(unknown)) continue;
    if (proto::Status status = page->add(folder, name, type); !status) return proto::Error{status.error()};
  }
  if (error) return proto::Error{folder + " cannot be read: " + error.message()};
  if (page->find(kIndex) == nullptr) return proto::Error{folder + " holds no index.html"};
  return std::shared_ptr<const PageFiles>(page);
}

proto::Status PageFiles::add(const std::string& folder, const std::string& name, std::string_view content_type) {
  const std::string path = folder + "/" + name;
  std::string bytes;
  if (const int reason = read_file(path, bytes); reason != 0) {
    return proto::Error{path + " cannot be read: " + std::strerror(reason)};
  }
  bytes_ += bytes.size();
  if (files_.size() == kPageFilesMax || bytes_ > kPageBytesMax) {
    return proto::Error{folder + " holds more than " + std::to_string(kPageFilesMax) + " files or " +
                        std::to_string(kPageBytesMax) + " bytes"};
  }
  std::string etag = "\"" + digest_hash(sip::DigestAlgorithm::kSha256, bytes).substr(0, kEtagDigits) + "\"";
  files_["/" + name] = {content_type, std::move(etag), std::make_shared<const std::string>(std::move(bytes))};
  return proto::success();
}

const PageFile* PageFiles::find(std::string_view path) const {
  const auto found = files_.find(path == "/" ? kIndex : path);
  return found == files_.end() ? nullptr : &found->second;
}

proto::Result<RealmPages> load_realm_pages(const proto::settings::Settings& settings) {
  RealmPages all(settings.realms.size());
  std::string mistakes;
  for (std::size_t i = 0; i < settings.realms.size(); ++i) {
    const std::string& folder = settings.realms[i].websocket.page;
    if (folder.empty()) continue;
    auto loaded = PageFiles::load(folder);
    if (loaded) {
      all[i] = std::move(loaded).value();
    } else {
      mistakes += (mistakes.empty() ? "realm '" : "; realm '") + settings.realms[i].name + "': " + loaded.error();
    }
  }
  if (!mistakes.empty()) return proto::Error{mistakes};
  return all;
}

}  // namespace weir::controlplane

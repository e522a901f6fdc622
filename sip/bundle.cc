#include "sip/bundle.h"

#include <algorithm>

#include "sip/scan.h"
#include "sip/sdp_parse.h"
#include "sip/text.h"

namespace weir::sip {
namespace {

/// Files the sections that the tags name under their group.
void take_tags(const SessionDescription& session, std::string_view tags, std::size_t group,
               std::vector<std::size_t>& groups) {
  // No group lists more sections than there may be: what follows is passed over.
  for (std::size_t count = 0; count < kSdpSectionsMax; ++count) {
    const std::string_view tag = take_word(tags);
    if (tag.empty()) return;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (groups[i] == kNoBundle && mid_of(session.media[i]) == tag) groups[i] = group;
    }
  }
}

}  // namespace

std::string_view mid_of(const MediaSection& section) {
  const SdpAttribute* attribute = find_attribute(section.attributes, "mid");
  const bool is_there = attribute != nullptr && attribute->value && attribute->value->size() <= kMidBytesMax;
  return is_there && scan::all(*attribute->value, scan::kToken) ? std::string_view(*attribute->value)
                                                                : std::string_view();
}

bool is_bundle_only(const MediaSection& section) {
  return section.port == 0 && find_attribute(section.attributes, "bundle-only") != nullptr;
}

std::vector<std::size_t> bundle_groups(const SessionDescription& session) {
  std::vector<std::size_t> groups(session.media.size(), kNoBundle);
  std::size_t group = 0;
  for (std::string_view tags : attribute_values(session.attributes, "group")) {
    if (take_word(tags) != "BUNDLE") continue;
    if (group == kSdpSectionsMax) break;
    take_tags(session, tags, group++, groups);
  }
  return groups;
}

SdpAttribute bundle_of(std::string_view mids) {
  return {"group", "BUNDLE " + std::string(mids)};
}

std::vector<std::string> mids_to_offer(std::size_t sections, const std::vector<std::string>& before) {
  std::vector<std::string> mids = before;
  mids.resize(sections);
  for (std::size_t i = 0; i < sections; ++i) {
    if (!mids[i].empty()) continue;
    std::string mid = std::to_string(i);
    while (std::find(mids.begin(), mids.end(), mid) != mids.end()) mid += '-';
    mids[i] = std::move(mid);
  }
  return mids;
}

}  // namespace weir::sip

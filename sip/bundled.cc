#include "sip/bundled.h"

#include <algorithm>
#include <utility>

#include "sip/bundle.h"
#include "sip/codecs.h"
#include "sip/text.h"

namespace weir::sip {
namespace {

bool has_ice(const MediaSection& section) {
  return find_attribute(section.attributes, "ice-ufrag") != nullptr;
}

/// Browsers alone: a transport of another kind has each section's own ports.
bool can_carry(const RemoteSection& section) {
  return section.protocol == RtpProtocol::kDtlsSavpf && section.keying == Keying::kDtls && section.rtcp_mux &&
         section.ice.has_value();
}

bool are_payload_types(const std::vector<std::string>& formats) {
  return std::all_of(formats.begin(), formats.end(),
                     [](const std::string& format) { return parse_number<std::uint8_t>(format, 127).has_value(); });
}

bool can_ride(const MediaSection& section) {
  return section.media == "video" && rtp_protocol(section.protocol) == RtpProtocol::kDtlsSavpf &&
         section.port_count == 1 && are_payload_types(section.formats);
}

void ride(const SessionDescription& session, std::size_t at, std::size_t carrier, RemoteSection& out) {
  out = RemoteSection{};
  out.use = SectionUse::kBundled;
  out.protocol = RtpProtocol::kDtlsSavpf;
  out.rtcp_mux = true;
  out.direction = direction(session, session.media[at]);
  out.carrier = carrier;
}

void refuse(std::string reason, RemoteSection& out) {
  out = RemoteSection{};
  out.use = SectionUse::kRefused;
  out.refusal.reason = std::move(reason);
}

void read_riders_of(std::size_t carrier, const std::vector<std::size_t>& groups, bool may, RemoteOffer& offer) {
  std::size_t riders = 0;
  for (std::size_t at = 0; at < groups.size(); ++at) {
    RemoteSection& remote = offer.sections[at];
    if (at == carrier || groups[at] != groups[carrier] || remote.use == SectionUse::kDisabled) continue;
    if (may && riders < kRidersMax && can_ride(offer.description.media[at])) {
      ride(offer.description, at, carrier, remote);
      ++riders;
    } else if (remote.use == SectionUse::kAccepted) {
      refuse("another section of its BUNDLE group is carried", remote);
    }
  }
}

/// Both ends say the same name, which both have.
bool same_mid(std::string_view one, std::string_view other) {
  return !one.empty() && one == other;
}

bool allows_mixed(const SessionDescription& session, const MediaSection& section) {
  return find_attribute(session.attributes, "extmap-allow-mixed") != nullptr ||
         find_attribute(section.attributes, "extmap-allow-mixed") != nullptr;
}

/// SSRCs are named where a group has more than one section: with audio alone nobody asks.
bool carries_riders(const RemoteOffer& offer, std::size_t at) {
  return std::any_of(offer.sections.begin(), offer.sections.end(), [&](const RemoteSection& section) {
    return section.use == SectionUse::kBundled && section.carrier == at;
  });
}

/// Our own name for what the carrier's group lists, as long as the section has one.
std::string group_of(const SessionDescription& mine, std::size_t carrier, const std::vector<std::size_t>& riders) {
  std::string mids(mid_of(mine.media[carrier]));
  for (const std::size_t at : riders) mids += " " + std::string(mid_of(mine.media[at]));
  return mids;
}

AgreedSection ridden(Direction direction) {
  AgreedSection agreed;
  agreed.active = true;
  agreed.protocol = RtpProtocol::kDtlsSavpf;
  agreed.rtcp_mux = true;
  agreed.direction = direction;
  return agreed;
}

}  // namespace

void read_riders(const SecurityPolicy& policy, RemoteOffer& offer) {
  const std::vector<std::size_t> groups = bundle_groups(offer.description);
  std::vector<std::size_t> done;
  for (std::size_t at = 0; at < groups.size(); ++at) {
    const bool first = std::find(done.begin(), done.end(), groups[at]) == done.end();
    if (groups[at] == kNoBundle || !first || offer.sections[at].use != SectionUse::kAccepted) continue;
    done.push_back(groups[at]);
    read_riders_of(at, groups, policy.video && policy.ice && can_carry(offer.sections[at]), offer);
  }
}

bool may_ride(const RemoteOffer& received, const LocalSession& local, std::size_t at, RtpProtocol protocol) {
  const RemoteSection& section = received.sections[at];
  if (section.use != SectionUse::kBundled || protocol != RtpProtocol::kDtlsSavpf || !local.security.video) return false;
  const bool carried = received.sections[section.carrier].use == SectionUse::kAccepted;
  return carried && section.carrier < local.sections.size() && local.sections[section.carrier].ice &&
         local.sections[section.carrier].rtcp_mux;
}

std::vector<std::string> mids_of_offer(const RemoteOffer& received, const LocalSession& local, std::size_t sections) {
  std::vector<std::string> mids = local.previous ? local.previous->mids : std::vector<std::string>();
  mids.resize(sections);
  const bool keeps = (local.security.video || local.security.extensions) && !local.hides_sources;
  for (std::size_t i = 0; keeps && i < mids.size() && i < received.description.media.size(); ++i) {
    const std::string mid(mid_of(received.description.media[i]));
    if (mids[i].empty() && std::find(mids.begin(), mids.end(), mid) == mids.end()) mids[i] = mid;
  }
  return mids_to_offer(sections, mids);
}

Crossing crossing_to_offer(const RemoteOffer& received, const LocalSession& local, std::size_t at, RtpProtocol protocol,
                           const std::string& mid) {
  const MediaSection& theirs = received.description.media[at];
  Crossing crossing;
  crossing.extensions = received.extensions && local.security.extensions && !local.hides_sources;
  crossing.simulcast = received.simulcast && local.security.simulcast;
  crossing.mixed = allows_mixed(received.description, theirs);
  crossing.same_mid = same_mid(mid, mid_of(theirs));
  crossing.sources = may_ride(received, local, at, protocol) ||
                     (carries_riders(received, at) && local.security.video && protocol == RtpProtocol::kDtlsSavpf);
  crossing.sources = crossing.sources && !local.hides_sources;
  return crossing;
}

Crossing crossing_to_answer(const RemoteOffer& offer, const Agreement& far, const LocalSession& local, std::size_t at) {
  const MediaSection& ours = far.local.media[at];
  Crossing crossing;
  crossing.extensions = offer.extensions && local.security.extensions && !local.hides_sources;
  crossing.simulcast = offer.simulcast && local.security.simulcast;
  crossing.mixed =
      allows_mixed(offer.description, offer.description.media[at]) && allows_mixed(far.remote, far.remote.media[at]);
  crossing.same_mid = same_mid(mid_of(ours), mid_of(offer.description.media[at]));
  const std::size_t carrier = offer.sections[at].use == SectionUse::kBundled ? offer.sections[at].carrier : at;
  for (std::size_t i = 0; i < far.sections.size() && i < offer.sections.size(); ++i) {
    const bool rides = offer.sections[i].use == SectionUse::kBundled && offer.sections[i].carrier == carrier;
    crossing.sources = crossing.sources || (rides && far.sections[i].active);
  }
  crossing.sources = crossing.sources && !local.hides_sources;
  return crossing;
}

void append_offered_bundle(const RemoteOffer& received, const LocalSession& local, RtpProtocol protocol,
                           SessionDescription& mine) {
  const auto tagged = std::find_if(mine.media.begin(), mine.media.end(), has_ice);
  const std::vector<std::string> before = local.previous ? local.previous->mids : std::vector<std::string>();
  const bool had_mids = std::any_of(before.begin(), before.end(), [](const std::string& mid) { return !mid.empty(); });
  if (tagged == mine.media.end() && !had_mids) return;
  const std::vector<std::string> mids = mids_of_offer(received, local, mine.media.size());
  for (std::size_t i = 0; i < mids.size(); ++i) mine.media[i].attributes.push_back({"mid", mids[i]});
  if (tagged == mine.media.end()) return;
  const auto carrier = static_cast<std::size_t>(tagged - mine.media.begin());
  std::vector<std::size_t> riders;
  for (std::size_t i = 0; i < received.sections.size(); ++i) {
    if (may_ride(received, local, i, protocol) && received.sections[i].carrier == carrier) riders.push_back(i);
  }
  mine.attributes.push_back(bundle_of(group_of(mine, carrier, riders)));
}

void append_answered_bundle(const RemoteOffer& offer, Agreement& agreement) {
  const std::vector<std::size_t> groups = bundle_groups(offer.description);
  std::vector<MediaSection>& sections = agreement.local.media;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::string_view mid = mid_of(offer.description.media[i]);
    if (!mid.empty()) sections[i].attributes.push_back({"mid", std::string(mid)});
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i] == kNoBundle || !agreement.sections[i].active || offer.sections[i].use == SectionUse::kBundled)
      continue;
    std::vector<std::size_t> riders;
    for (std::size_t at = 0; at < groups.size(); ++at) {
      const bool rides = offer.sections[at].use == SectionUse::kBundled && offer.sections[at].carrier == i;
      if (rides && agreement.sections[at].active) riders.push_back(at);
    }
    agreement.local.attributes.push_back(bundle_of(group_of(agreement.local, i, riders)));
  }
}

std::optional<std::size_t> carrier_of(const SessionDescription& ours, std::size_t at) {
  const std::string_view mid = mid_of(ours.media[at]);
  for (std::string_view tags : attribute_values(ours.attributes, "group")) {
    if (take_word(tags) != "BUNDLE") continue;
    const std::string_view first = take_word(tags);
    if (first == mid) continue;
    for (std::string_view tag = take_word(tags); !tag.empty(); tag = take_word(tags)) {
      if (tag != mid) continue;
      for (std::size_t i = 0; i < ours.media.size(); ++i) {
        if (mid_of(ours.media[i]) == first) return i;
      }
    }
  }
  return std::nullopt;
}

std::variant<AgreedSection, SdpRefusal> read_ridden_answer(const SessionDescription& offered,
                                                           const SessionDescription& answer, std::size_t at,
                                                           std::size_t carrier) {
  const MediaSection& ours = offered.media[at];
  const MediaSection& theirs = answer.media[at];
  const std::vector<std::size_t> groups = bundle_groups(answer);
  const bool bundled = groups[at] != kNoBundle && groups[at] == groups[carrier] && mid_of(theirs) == mid_of(ours) &&
                       mid_of(answer.media[carrier]) == mid_of(offered.media[carrier]);
  // Accepted in the group it has port 0, too, if a=bundle-only (section 18.1 of RFC 9143).
  if (theirs.port == 0 && !(bundled && is_bundle_only(theirs))) return AgreedSection{};
  if (!bundled) return SdpRefusal{488, "the answer takes a section out of its BUNDLE group"};
  if (!can_ride(theirs)) return SdpRefusal{488, "the answer's protocol is not the one offered"};
  if (common_formats(ours, theirs).empty()) return SdpRefusal{488, "the answer has no format of the offer"};
  return ridden(agreed_direction(direction(offered, ours), direction(answer, theirs)));
}

void restore_riders(const SessionDescription& remote, const SessionDescription& local, std::size_t carrier,
                    std::vector<AgreedSection>& agreed) {
  const std::size_t sections = std::min({agreed.size(), remote.media.size(), local.media.size()});
  for (std::size_t at = 0; at < sections; ++at) {
    const bool rides = at != carrier && can_ride(local.media[at]) && carrier_of(local, at) == carrier;
    if (!rides || !is_open(local.media[at]) || !is_open(remote.media[at])) continue;
    agreed[at] = ridden(agreed_direction(direction(local, local.media[at]), direction(remote, remote.media[at])));
  }
}

bool is_open(const MediaSection& section) {
  return section.port != 0 || is_bundle_only(section);
}

}  // namespace weir::sip

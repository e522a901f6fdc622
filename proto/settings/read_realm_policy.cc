#include <algorithm>
#include <string>
#include <string_view>

#include "proto/settings/read_border.h"

namespace weir::proto::settings {

namespace {

constexpr std::int64_t kCallsMax = 1'000'000;
/// RFC 4028 section 4: a smaller Min-SE is not allowed.
constexpr std::int64_t kSessionSecondsMin = 90;
constexpr std::int64_t kSessionSecondsMax = 86'400;
/// What a SIP message of 65,535 bytes has room for beside its headers.
constexpr std::int64_t kMessageBytesMax = 60'000;
constexpr std::int64_t kSubscriptionSecondsMin = 60;
constexpr std::int64_t kSubscriptionSecondsMax = 86'400;
/// Each takes a re-INVITE and a handshake.
constexpr std::int64_t kRekeySecondsMin = 10;
constexpr std::int64_t kRekeySecondsMax = 604'800;
/// RFC 3711 section 9.2: a key's life.
constexpr std::int64_t kRekeyPacketsMax = std::int64_t{1} << 48;

void read_keying(Table& table, std::vector<Keying>& into) {
  if (table.find("keying") == nullptr) return;
  into.clear();
  table.each_text("keying", [&](const std::string& name, std::uint32_t) {
    if (name != "dtls" && name != "sdes") return table.mistake("keying", "must name \"dtls\", \"sdes\" or both");
    const Keying keying = name == "dtls" ? Keying::kDtls : Keying::kSdes;
    if (std::count(into.begin(), into.end(), keying) != 0) {
      return table.mistake("keying", "'" + name + "' is named twice");
    }
    into.push_back(keying);
  });
  if (into.empty()) table.mistake("keying", "names no way to agree on keys");
}

bool is_allowed(SrtpProfile profile, const SrtpSettings& srtp) {
  return (srtp.aead || !srtp_profile(profile).aead) && (srtp.null_cipher || !is_null_cipher(profile));
}

void read_suites(Table& table, const SrtpSettings& srtp, std::vector<SrtpProfile>& into) {
  if (table.find("sdes_suites") == nullptr) {
    std::erase_if(into, [&](SrtpProfile profile) { return !is_allowed(profile, srtp); });
    return;
  }
  into.clear();
  table.each_text("sdes_suites", [&](const std::string& name, std::uint32_t) {
    const std::optional<SrtpProfile> profile = srtp_profile_by_name(name);
    if (!profile || *profile == SrtpProfile::kNone) {
      table.mistake("sdes_suites", "there is no SRTP suite '" + name + "'");
    } else if (is_null_cipher(*profile) && !srtp.null_cipher) {
      table.mistake("sdes_suites", "[srtp] forbids '" + name + "'");
    } else if (std::count(into.begin(), into.end(), *profile) != 0) {
      table.mistake("sdes_suites", "'" + name + "' is named twice");
    } else {
      into.push_back(*profile);
    }
  });
  std::erase_if(into, [&](SrtpProfile profile) { return !is_allowed(profile, srtp); });
  if (into.empty()) table.mistake("sdes_suites", "names no SRTP suite that [srtp] allows");
}

void read_codecs(Table& table, CodecPolicy& codecs) {
  table.each_text("offer", [&](const std::string& name, std::uint32_t) {
    const std::optional<CodecName> codec = codec_by_name(name);
    if (!codec) return table.mistake("offer", "there is no codec '" + name + "'");
    if (codecs.rank(*codec) != codecs.count) return table.mistake("offer", "'" + name + "' is named twice");
    codecs.offer[codecs.count++] = *codec;
  });
  const toml::node* offer = table.find("offer");
  const bool empty = offer != nullptr && offer->is_array() && offer->as_array()->empty();
  if (empty) table.mistake("offer", "names no codec");
  table.flag("transcode", codecs.transcode);
  const bool speaks = std::any_of(codecs.begin(), codecs.end(), can_transcode);
  if (codecs.transcode && codecs.count != 0 && !speaks) {
    table.mistake("transcode", "needs one of \"opus\", \"PCMA\" and \"PCMU\" among those offered");
  }
}

void read_crossing(Table& table, MediaPolicy& media) {
  table.flag("video", media.video);
  table.choice<bool>("header_extensions", media.header_extensions, {{"strip", false}, {"pass", true}});
  table.choice<bool>("simulcast", media.simulcast, {{"strip", false}, {"pass", true}});
  if (media.video && (media.ice == Ice::kOff || !media.avpf)) {
    table.mistake("video", "needs ice and avpf = true: it goes from browser to browser");
  }
  if (media.simulcast && !media.header_extensions) {
    table.mistake("simulcast", "needs header_extensions = \"pass\": its streams are told apart by them");
  }
}

void read_hashes(Table& table, std::string_view key, std::vector<CertificateHash>& into) {
  if (table.find(key) == nullptr) return;
  into.clear();
  table.each_text(key, [&](const std::string& name, std::uint32_t) {
    const std::optional<CertificateHash> hash = certificate_hash_by_name(name);
    if (!hash) return table.mistake(key, "there is no hash function '" + name + "', or none that may be used");
    if (std::count(into.begin(), into.end(), *hash) != 0) return table.mistake(key, "'" + name + "' is named twice");
    into.push_back(*hash);
  });
  if (into.empty()) table.mistake(key, "names no hash function");
}

void read_dtls_policy(Table& table, MediaPolicy& media) {
  read_hashes(table, "fingerprints_accepted", media.fingerprints_accepted);
  read_hashes(table, "fingerprints_offered", media.fingerprints_offered);
  table.number("dtls_rekey_s", media.dtls_rekey_s, 0, kRekeySecondsMax);
  table.number("dtls_rekey_packets", media.dtls_rekey_packets, 0, kRekeyPacketsMax);
  table.flag("dtls_renegotiation", media.dtls_renegotiation);
  table.flag("rtp_over_dtls", media.rtp_over_dtls);
  if (media.dtls_rekey_s != 0 && media.dtls_rekey_s < kRekeySecondsMin) {
    table.mistake("dtls_rekey_s", "must be 0, or at least " + std::to_string(kRekeySecondsMin));
  }
}

void read_session(Table& table, SessionTimers& session) {
  table.number("session_expires_s", session.expires_s, 0, kSessionSecondsMax);
  table.number("min_se_s", session.min_s, kSessionSecondsMin, kSessionSecondsMax);
  if (session.expires_s != 0 && session.expires_s < session.min_s) {
    table.mistake("session_expires_s", "must be 0, or at least min_se_s, " + std::to_string(session.min_s));
  }
}

/// RFC 6665 section 8.4: event-type is a package, and templates after dots.
bool is_event_type(const std::string& name) {
  const auto is_token_char = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-.!%*_+`'~").find(c) != std::string_view::npos;
  };
  return std::all_of(name.begin(), name.end(), is_token_char);
}

void read_outside(Table& table, OutsidePolicy& outside) {
  table.choice<bool>("messages", outside.messages, {{"refuse", false}, {"pass", true}});
  table.number("message_bytes_max", outside.message_bytes_max, 1, kMessageBytesMax);
  table.choice<bool>("subscriptions", outside.subscriptions, {{"refuse", false}, {"pass", true}});
  table.each_text("subscription_events", [&](const std::string& name, std::uint32_t) {
    if (!is_event_type(name)) return table.mistake("subscription_events", "'" + name + "' is no event package");
    outside.events.push_back(name);
  });
  table.number("subscriptions_max", outside.subscriptions_max, 1, kCallsMax);
  table.number("subscriptions_per_source_max", outside.subscriptions_per_source_max, 1, kCallsMax);
  table.number("subscription_s_max", outside.subscription_s_max, kSubscriptionSecondsMin, kSubscriptionSecondsMax);
  table.number("outside_per_s_max", outside.requests_per_s_max, 0, kCallsMax);
}

}  // namespace

void read_realm_policy(Table& table, const SrtpSettings& srtp, RealmPolicy& policy) {
  table.choice<MediaSecurity>("media_security", policy.media.security,
                              {{"optional", MediaSecurity::kOptional},
                               {"preferred", MediaSecurity::kPreferred},
                               {"required", MediaSecurity::kRequired},
                               {"forbidden", MediaSecurity::kForbidden}});
  read_keying(table, policy.media.keying);
  read_suites(table, srtp, policy.media.sdes_suites);
  read_dtls_policy(table, policy.media);
  table.flag("avpf", policy.media.avpf);
  table.choice<Ice>("ice", policy.media.ice, {{"off", Ice::kOff}, {"lite", Ice::kLite}, {"full", Ice::kFull}});
  read_crossing(table, policy.media);
  table.one_table("codecs", [&](Table& child) { read_codecs(child, policy.media.codecs); });
  table.flag("trusted", policy.trusted);
  table.flag("sas_header", policy.sas_header);
  table.choice<Sips>("sips", policy.sips, {{"accept", Sips::kAccept}, {"require", Sips::kRequire}});
  table.flag("topology_hiding", policy.topology_hiding);
  table.choice<Transfers>("transfers", policy.transfers, {{"handle", Transfers::kHandle}, {"pass", Transfers::kPass}});
  table.choice<ReliableProvisionals>("reliable_provisionals", policy.reliable_provisionals,
                                     {{"off", ReliableProvisionals::kOff},
                                      {"supported", ReliableProvisionals::kSupported},
                                      {"required", ReliableProvisionals::kRequired}});
  table.number("calls_in_max", policy.in.calls_max, 0, kCallsMax);
  table.number("calls_in_per_s_max", policy.in.calls_per_s_max, 0, kCallsMax);
  table.number("calls_out_max", policy.out.calls_max, 0, kCallsMax);
  table.number("calls_out_per_s_max", policy.out.calls_per_s_max, 0, kCallsMax);
  read_session(table, policy.session);
  read_outside(table, policy.outside);
}

}  // namespace weir::proto::settings

// The sections that ride on another's transport: a BUNDLE group between two browsers (RFC 9143, RFC 9429). The carrier
// is the group's section that has ports, ICE and keys; a rider has none of its own, only codecs and a direction. All of
// a group is one stream for the media plane: SSRCs, payload types and tags pass as they are.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sip/crossing.h"
#include "sip/offer_answer.h"
#include "sip/sdp.h"

namespace weir::sip {

/// Riders of one carrier: a camera or two and a screen. Each has SSRCs, of which a flow has kSsrcsPerFlowMax.
inline constexpr std::size_t kRidersMax = 4;

/// Judges the sections of an offer that share the BUNDLE group of an accepted one: video over the carrier's protocol
/// rides (kBundled) where the policy has it and the carrier is keyed by DTLS, muxed and speaks ICE; all else is
/// refused.
void read_riders(const SecurityPolicy& policy, RemoteOffer& offer);

/// Of an offer of ours with `protocol`: whether the received section may ride there, too.
bool may_ride(const RemoteOffer& received, const LocalSession& local, std::size_t at, RtpProtocol protocol);

/// A tag for each of so many sections of an offer of ours: those that the session has stay; where both legs may carry
/// more than audio the others are called as they were received, if they can be.
std::vector<std::string> mids_of_offer(const RemoteOffer& received, const LocalSession& local, std::size_t sections);

/// What may cross into section `at` of an offer of ours, which is called `mid` there, and of an answer.
Crossing crossing_to_offer(const RemoteOffer& received, const LocalSession& local, std::size_t at, RtpProtocol protocol,
                           const std::string& mid);
Crossing crossing_to_answer(const RemoteOffer& offer, const Agreement& far, const LocalSession& local, std::size_t at);

/// Tags for all sections of an offer, where the session has tags or ICE, and a BUNDLE group of the first section that
/// has ICE and those that ride on it (RFC 9143 section 7.2).
void append_offered_bundle(const RemoteOffer& received, const LocalSession& local, RtpProtocol protocol,
                           SessionDescription& mine);
/// RFC 9143 section 7.3: of each group the sections that were accepted, the carrier first.
void append_answered_bundle(const RemoteOffer& offer, Agreement& agreement);

/// The section on whose transport this one of ours rides: the first that its BUNDLE group lists. nullopt: on its own.
std::optional<std::size_t> carrier_of(const SessionDescription& ours, std::size_t at);

/// Reads the answer to a rider of ours: inactive if it is refused. Refused itself: it is answered as one that does not
/// ride, in another protocol, or with nothing of what was offered.
std::variant<AgreedSection, SdpRefusal> read_ridden_answer(const SessionDescription& offered,
                                                           const SessionDescription& answer, std::size_t at,
                                                           std::size_t carrier);

/// What was agreed of the riders on `carrier`, read again from a leg's descriptions. Those of `agreed` that are not its
/// own are written.
void restore_riders(const SessionDescription& remote, const SessionDescription& local, std::size_t carrier,
                    std::vector<AgreedSection>& agreed);

/// The section is there to be used: it has a port, or needs none of its own.
bool is_open(const MediaSection& section);

}  // namespace weir::sip

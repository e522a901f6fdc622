// A call from one weir-control to the next: what the journal is told of it, and how it goes on. Only what stands is
// kept; an offer, a transfer or a handshake that was on its way is the peers' to repeat.
#include <algorithm>
#include <array>
#include <tuple>

#include "controlplane/call.h"
#include "controlplane/call_journal.h"
#include "controlplane/call_transfer.h"
#include "controlplane/flow_register.h"
#include "controlplane/log.h"
#include "controlplane/places.h"
#include "controlplane/trunks.h"
#include "sip/bundled.h"
#include "sip/sdp_parse.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;

namespace {

/// Of the caller's INVITE, what later invitations need (shown_caller).
constexpr std::array<HeaderId, 3> kIdentityHeaders{HeaderId::kFrom, HeaderId::kPrivacy, HeaderId::kPAssertedIdentity};

std::vector<std::string> keep_identity(const Message* invite) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; invite != nullptr && i < invite->header_count(); ++i) {
    const sip::HeaderView header = invite->header_at(i);
    if (std::find(kIdentityHeaders.begin(), kIdentityHeaders.end(), header.id) == kIdentityHeaders.end()) continue;
    lines.emplace_back(header.name);
    lines.emplace_back(header.value);
  }
  return lines;
}

/// Null: there was none.
std::shared_ptr<const Message> adopt_identity(const std::vector<std::string>& lines) {
  if (lines.empty()) return nullptr;  // another party has taken the caller's place
  Message invite = Message::request("INVITE", "sip:weir.invalid");
  for (std::size_t i = 0; i + 1 < lines.size(); i += 2) invite.add_header(lines[i], lines[i + 1]);
  invite.shrink_to_fit();
  return std::make_shared<const Message>(std::move(invite));
}

/// The journal has the sections without a transport in its descriptions alone.
void restore_riders(const KeptLeg& kept, std::size_t carrier, std::vector<sip::AgreedSection>& agreed) {
  if (agreed.size() == 1) return;
  auto remote = sip::parse_sdp(kept.remote_description);
  auto local = sip::parse_sdp(kept.local);
  const auto* theirs = std::get_if<sip::SessionDescription>(&remote);
  const auto* ours = std::get_if<sip::SessionDescription>(&local);
  if (theirs != nullptr && ours != nullptr) sip::restore_riders(*theirs, *ours, carrier, agreed);
}

}  // namespace

/// The call settles, and the journal is told, when all of it is done.
void Call::changed() {
  if (changed_) return;
  changed_ = true;
  control_.settle_later(*this);
}

bool Call::stands() const {
  return answered_ns_ != 0 && !ending_ && caller_ && callee_ && caller_->dialog && callee_->dialog && !is_changing();
}

void Call::settle() {
  changed_ = false;
  unsettled_ = !stands();
  if (unsettled_) return;
  if (caller_->agreement && !callee_unacknowledged_) forget_setup();
  pack();
  if (context_.journal != nullptr) keep();
}

/// What only set-up needed.
void Call::forget_setup() {
  if (setup_forgotten_) return;
  setup_forgotten_ = true;
  offer_.reset();
  callee_offered_.reset();
  callee_session_ = {};
  callers_invite_ = adopt_identity(keep_identity(callers_invite_.get()));
}

void Call::pack() {
  for (const Side side : kSides) leg(side)->agreement.pack();
}

void Call::keep() {
  KeptCall kept;
  kept.media = media_->kept();
  unsettled_ = !kept.media;
  if (unsettled_ && journal_slot_) return;  // what was kept before goes on to count
  // What cannot be read again cannot go on: its parties are to hear of a restart.
  for (const Side side : kSides) {
    if (!leg(side)->agreement.is_packed()) kept.media.reset();
  }
  if (media_->ends_with_us()) kept.media.reset();
  if (!journal_slot_) journal_slot_ = context_.journal->reserve();
  if (!journal_slot_) return;
  kept.number = number_;
  kept.started_ns = started_ns_;
  kept.answered_ns = answered_ns_;
  kept.origin = origin_;
  kept.callee_realm = context_.settings.realms[callee_realm_].name;
  kept.callee_profile = callee_profile_;
  kept.callee_display = callee_display_;
  kept.identity = keep_identity(callers_invite_.get());
  kept.section = static_cast<std::uint32_t>(section_);
  kept.transfers_left = transfers_left_;
  for (const Side side : kSides) {
    note_flows(*leg(side));
    kept.legs[static_cast<std::size_t>(side)] = keep_leg(*leg(side));
  }
  kept.sections = static_cast<std::uint32_t>(caller_->agreement ? caller_->agreement.sections().size() : section_ + 1);
  std::array<std::uint8_t, kJournalRecordBytesMax> room;
  const std::size_t bytes = write_kept_call(std::move(kept), room);
  const bool stored = bytes != 0 && context_.journal->store(*journal_slot_, proto::Bytes(room.data(), bytes));
  proto::wipe(room.data(), bytes == 0 ? room.size() : bytes);
  if (!stored) {
    drop_journal();
    log_event(LogLevel::kWarning, "call",
              {{"call", number_}, {"event", "no room in the journal: a restart would end the call"}});
  }
}

/// Who has just lost the connection is not registered over it any more, and stays known by what was said before.
void Call::note_flows(Leg& leg) const {
  if (context_.flows == nullptr || !is_websocket(leg.path().transport)) return;
  const std::optional<Path> heir = context_.paths.heir(leg.path().hop);
  std::vector<FlowName> flows = context_.flows->flows_over(heir ? heir->hop : leg.path().hop);
  if (!flows.empty()) leg.flows = std::move(flows);
}

KeptLeg Call::keep_leg(const Leg& leg) const {
  KeptLeg kept;
  kept.realm = realm_of(leg).name;
  kept.transport = leg.path().transport;
  kept.remote = leg.path().hop.remote;
  if (leg.path().of_peer) kept.connection = leg.path().hop.handle;
  if (leg.flows) kept.flows = *leg.flows;
  kept.dialog = leg.dialog->record();
  if (leg.member && context_.trunks != nullptr) {
    std::tie(kept.trunk, kept.target) = context_.trunks->names_of(*leg.member);
  }
  kept.party = leg.party;
  kept.display = leg.display;
  kept.hides = leg.hides;
  kept.peer = leg.peer;
  if (leg.identity) kept.identity = *leg.identity;
  kept.session_s = leg.session_s;
  kept.session_min_s = leg.session_min_s;
  kept.refreshes = leg.refreshes;
  kept.session_due_ns = leg.session_due_ns;
  kept.session_id = leg.session.session_id;
  kept.security = leg.session.security;
  if (!leg.agreement) return kept;
  kept.local = leg.agreement.local_text();
  kept.remote_description = leg.agreement.remote_text();
  kept.agreed = leg.agreement.sections()[section_];
  kept.previous = leg.session.previous;
  return kept;
}

void Call::drop_journal() {
  if (journal_slot_) context_.journal->clear(*journal_slot_);
  journal_slot_.reset();
}

std::optional<EndCause> Call::adopt(const KeptCall& kept, std::uint32_t journal_slot) {
  journal_slot_ = journal_slot;
  started_ns_ = kept.started_ns;
  answered_ns_ = kept.answered_ns;
  origin_ = kept.origin;
  callee_profile_ = kept.callee_profile;
  callee_display_ = kept.callee_display;
  callers_invite_ = adopt_identity(kept.identity);
  section_ = kept.section;
  transfers_left_ = std::min(kept.transfers_left, kTransfersMax);
  std::optional<EndCause> cause;
  for (const Side side : kSides) {
    proto::Result<std::unique_ptr<Leg>> leg = adopt_leg(side, kept.legs[static_cast<std::size_t>(side)]);
    if (!leg) {
      cause = EndCause{503, leg.error()};
      continue;
    }
    place(side) = std::move(leg).value();
    control_.own(place(side)->dialog->id(), *this);
  }
  const std::optional<std::uint32_t> callee_realm = context_.settings.realm_index(kept.callee_realm);
  if (!callee_realm) cause = EndCause{503, "its realm is no more"};
  callee_realm_ = callee_realm.value_or(0);
  if (!cause) cause = adopt_media(kept);
  if (cause) return cause;
  setup_forgotten_ = true;
  places_ = {control_.realm_calls().adopt(caller_->path().realm, CallDirection::kIn),
             control_.realm_calls().adopt(callee_realm_, CallDirection::kOut)};
  for (Leg* const each : legs()) resume_session_timer(*each);
  return std::nullopt;
}

/// Connections are gone. The next request opens another, where it was ours to open; who made it comes back.
std::optional<Path> Call::adopt_path(std::uint32_t realm, const KeptLeg& kept) const {
  if (kept.connection) {
    const sip::Hop gone{*kept.connection, kept.remote, sip::Reliability::kReliable};
    for (const FlowName& flow : kept.flows) {
      if (context_.flows != nullptr) context_.flows->await(flow, gone);
    }
    return context_.paths.left(realm, kept.transport, gone);
  }
  sip::Uri there = sip::make_sip_uri("", proto::to_string(kept.remote.address), kept.remote.port);
  there.parameters.set("transport", uri_transport(kept.transport));
  return context_.paths.towards(realm, there);
}

/// The dialog, and the way to its party.
proto::Result<std::unique_ptr<Leg>> Call::adopt_leg(Side side, const KeptLeg& kept) {
  const std::optional<std::uint32_t> realm = context_.settings.realm_index(kept.realm);
  if (!realm) return proto::Error{"its realm is no more"};
  sip::DialogRecord record = kept.dialog;
  record.local_cseq = std::min(record.local_cseq + kCseqSkipped, sip::kCSeqMax);
  std::optional<sip::Dialog> dialog = sip::Dialog::from_record(record);
  if (!dialog) return proto::Error{"its record is damaged"};
  const std::optional<Path> path = adopt_path(*realm, kept);
  if (!path) return proto::Error{"there is no way to its party"};
  auto leg = std::make_unique<Leg>(side, *path);
  leg->state = LegState::kConfirmed;
  leg->dialog = std::move(dialog);
  if (!kept.trunk.empty() && context_.trunks != nullptr) leg->member = context_.trunks->find(kept.trunk, kept.target);
  if (leg->member) leg->slot = context_.trunks->begin_call(*leg->member);
  if (!kept.flows.empty()) leg->flows = kept.flows;
  leg->party = kept.party;
  leg->display = kept.display;
  leg->hides = kept.hides;
  leg->peer = kept.peer;
  if (kept.identity) leg->identity = *kept.identity;
  leg->session_s = kept.session_s;
  leg->session_min_s = kept.session_min_s;
  leg->refreshes = kept.refreshes;
  leg->session_due_ns = kept.session_due_ns;
  leg->session.session_id = kept.session_id;
  leg->session.security = kept.security;
  return leg;
}

void Call::adopt_session(Leg& leg, const KeptLeg& kept, std::uint32_t sections) {
  leg.session.sections.resize(sections);
  leg.session.sections[section_].rtcp_mux = kept.agreed.rtcp_mux;
  leg.session.sections[section_].current_role = kept.agreed.role;
  leg.session.previous = kept.previous;
  std::vector<sip::AgreedSection> agreed(sections);
  agreed[section_] = kept.agreed;
  restore_riders(kept, section_, agreed);
  leg.agreement = PackedAgreement::packed(kept.local, kept.remote_description, std::move(agreed));
}

std::optional<EndCause> Call::adopt_media(const KeptCall& kept) {
  if (!kept.media) return EndCause{503, "its media was not there yet, or carried by DTLS"};
  std::array<RemoteMedia, 2> remotes;
  for (const Side side : kSides) {
    const auto index = static_cast<std::size_t>(side);
    Leg& here = *leg(side);
    adopt_session(here, kept.legs[index], kept.sections);
    remotes[index] = to_remote_media(here.agreement.sections(), section_, kept.media->legs[index].terms);
    remotes[index].dialog = here.party;
    if (kept.media->legs[index].secured.keying != sip::Keying::kNone) here.secured = kept.media->legs[index].secured;
  }
  auto media = context_.media.adopt_media(
      *kept.media, remotes, [this](const MediaEvent& event) { on_media(event); }, now());
  if (!media) return EndCause{503, media.error()};
  media_ = std::move(media).value();
  for (const Side side : kSides) {
    sip::LocalSession& session = leg(side)->session;
    session.sections[section_].rtp = media_->local_rtp(side);  // the section is open
    session.address = session.sections[section_].rtp.address;
    say_own(side, session);
  }
  return std::nullopt;
}

}  // namespace weir::controlplane

// Dialog: a peer-to-peer relation between two user agents. RFC 3261 section 12.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/sip_hash.h"
#include "sip/message.h"

namespace weir::sip {

/// Names a dialog at one of its ends: "local" is us. A value, ordered, for use as a map's key.
struct DialogId {
  std::string call_id;
  std::string local_tag;
  std::string remote_tag;
  auto operator<=>(const DialogId&) const = default;
};

/// For the unordered containers. Peers choose their part of a dialog's id: the key is a secret.
struct DialogIdHash {
  proto::SipHashKey key;
  std::size_t operator()(const DialogId& id) const {
    return proto::sip_hash(key, id.call_id) + 3 * proto::sip_hash(key, id.local_tag) +
           5 * proto::sip_hash(key, id.remote_tag);
  }
};

/// The dialog a received message belongs to: of a request, To is local; of a response, From is local. The tags are
/// empty where the message has none.
DialogId dialog_id_of(const Message& received);

enum class DialogState : std::uint8_t { kEarly, kConfirmed, kTerminated };

/// What a received request means to the dialog.
enum class DialogVerdict : std::uint8_t {
  kInOrder,
  kOutOfOrder,  ///< answer 500 (section 12.2.2)
  kTerminated,  ///< answer 481
};

/// All that a dialog is, for who keeps it beyond the process. Addresses and URIs as SIP writes them.
struct DialogRecord {
  DialogId id;
  DialogState state = DialogState::kEarly;
  bool is_uac = false;
  std::string local;
  std::string remote;
  std::string local_contact;
  std::string remote_target;
  std::vector<std::string> route_set;
  std::uint32_t local_cseq = 0;
  std::uint32_t made_by_cseq = 0;
  std::optional<std::uint32_t> remote_cseq;
};

/// One dialog at one of its ends. A value type: no pointers, no timers, no I/O.
class Dialog {
 public:
  [[nodiscard]] DialogRecord record() const;
  /// nullopt: what should be an address or a URI is none.
  static std::optional<Dialog> from_record(const DialogRecord& record);

  /// UAC, section 12.1.2: from the INVITE (or SUBSCRIBE) we sent and a 101..299 response to it. nullopt if the response
  /// makes no dialog: no To tag, another status. A response without Contact leaves the request URI as remote target.
  static std::optional<Dialog> from_response(const Message& request, const Message& response);

  /// UAS, section 12.1.1: from a received request, before its first response with a tag. `local_contact` goes into our
  /// responses. Early until confirm(). nullopt if the request has no Contact with a SIP URI: answer 400.
  static std::optional<Dialog> from_request(const Message& request, std::string_view local_tag,
                                            const NameAddr& local_contact);

  /// Subscriber, RFC 6665 section 4.4.1: from the SUBSCRIBE we sent and a NOTIFY that it has caused, which may come
  /// before any response. nullopt if the NOTIFY has no From tag or no Contact with a SIP URI: answer 400.
  static std::optional<Dialog> from_notify(const Message& subscribe, const Message& notify);

  [[nodiscard]] const DialogId& id() const { return id_; }
  [[nodiscard]] DialogState state() const { return state_; }
  [[nodiscard]] bool is_uac() const { return is_uac_; }             ///< whether we sent the request that made it
  [[nodiscard]] const NameAddr& local() const { return local_; }    ///< with its tag
  [[nodiscard]] const NameAddr& remote() const { return remote_; }  ///< with its tag, if the peer has one
  [[nodiscard]] const NameAddr& local_contact() const { return local_contact_; }
  [[nodiscard]] const Uri& remote_target() const { return remote_target_; }
  [[nodiscard]] const std::vector<NameAddr>& route_set() const { return route_set_; }
  [[nodiscard]] std::uint32_t local_cseq() const { return local_cseq_; }  ///< of our last request; 0: none yet
  [[nodiscard]] std::optional<std::uint32_t> remote_cseq() const { return remote_cseq_; }

  /// The URI to send our requests to: the first route, or the remote target (section 12.2.1.1).
  [[nodiscard]] const Uri& next_hop() const { return route_set_.empty() ? remote_target_ : route_set_.front().uri; }

  /// A request within the dialog, any method but ACK and CANCEL, with the next CSeq, the route set (loose or strict)
  /// and, where the method refreshes the target, our Contact. `via` carries a fresh branch.
  Message make_request(Method method, const Via& via);
  /// The ACK for the 2xx to `invite`, a request of ours in (or that made) this dialog: its CSeq number and credentials,
  /// this dialog's route set (section 13.2.2.4). `via` carries a fresh branch.
  [[nodiscard]] Message make_ack(const Message& invite, const Via& via) const;
  /// A response to a request received in (or that made) this dialog: To tag always but in 100; Record-Route and our
  /// Contact in 101..299 (section 12.1.1).
  [[nodiscard]] Message make_response(const Message& request, std::uint16_t status, std::string_view reason) const;

  /// A request whose dialog id is ours: checks the order of its CSeq, takes note of it, refreshes the remote target
  /// (section 12.2.2). ACK is always in order and changes nothing. Call it once for each transaction.
  DialogVerdict on_request(const Message& request);
  /// A response to a request of ours with our dialog id: a 2xx to the INVITE that made the dialog confirms it and
  /// recomputes its route set (section 13.2.2.4); a 2xx to INVITE or UPDATE refreshes the remote target.
  void on_response(const Message& response);

  /// RFC 4916: who we are from our next request on, and who the peer has shown to be. Tags stay.
  void set_local_uri(const Uri& uri) { local_.uri = uri; }
  void set_remote_uri(const Uri& uri) { remote_.uri = uri; }

  /// UAS: our 2xx goes out.
  void confirm();
  /// BYE sent or received, or its INVITE failed.
  void terminate() { state_ = DialogState::kTerminated; }

 private:
  Dialog() = default;
  void take_target(const Message& message);
  void route(Message& request) const;

  DialogId id_;
  DialogState state_ = DialogState::kEarly;
  bool is_uac_ = false;
  NameAddr local_;
  NameAddr remote_;
  NameAddr local_contact_;
  Uri remote_target_;
  std::vector<NameAddr> route_set_;
  std::uint32_t local_cseq_ = 0;
  std::uint32_t made_by_cseq_ = 0;  ///< of the request that made the dialog, if we sent it
  std::optional<std::uint32_t> remote_cseq_;
};

/// A response with this status to a request within a dialog ends the dialog (section 12.2.1.2): send BYE.
constexpr bool ends_dialog(std::uint16_t status) {
  return status == 481 || status == 408;
}

}  // namespace weir::sip

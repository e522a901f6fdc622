#include "sip/dialog.h"

#include <utility>

namespace weir::sip {
namespace {

bool makes_dialog(std::uint16_t status) {
  return status > 100 && status < 300;
}

/// Requests whose Contact the peer takes as our new target, or needs to make a dialog of its own
/// (RFC 3261 section 12.2, RFC 3311, RFC 6665, RFC 3515).
bool carries_contact(Method method) {
  return method == Method::kInvite || method == Method::kUpdate || method == Method::kSubscribe ||
         method == Method::kNotify || method == Method::kRefer;
}

bool refreshes_target(Method method) {
  return carries_contact(method) && method != Method::kRefer;
}

/// What a Request-URI may not hold though a Route or Contact URI may (section 19.1.1, table 1).
Uri as_request_uri(Uri uri) {
  uri.parameters.remove("method");
  uri.headers.clear();
  return uri;
}

/// Record-Route grows at the front on its way to the UAS, so the hop next to a UAC comes last (section 12.1.2).
std::vector<NameAddr> reversed(std::vector<NameAddr> routes) {
  return {std::make_move_iterator(routes.rbegin()), std::make_move_iterator(routes.rend())};
}

void copy_headers(const Message& from, Message& to, HeaderId id) {
  for (const std::string_view value : from.values(id)) {
    to.add_header(id, value);
  }
}

}  // namespace

DialogId dialog_id_of(const Message& received) {
  const std::string from_tag(received.from_tag());
  const std::string to_tag(received.to_tag());
  const std::string call_id(received.call_id());
  return received.is_request() ? DialogId{call_id, to_tag, from_tag} : DialogId{call_id, from_tag, to_tag};
}

DialogRecord Dialog::record() const {
  DialogRecord record{.id = id_,
                      .state = state_,
                      .is_uac = is_uac_,
                      .local = write(local_),
                      .remote = write(remote_),
                      .local_contact = write(local_contact_),
                      .remote_target = write(remote_target_),
                      .route_set = {},
                      .local_cseq = local_cseq_,
                      .made_by_cseq = made_by_cseq_,
                      .remote_cseq = remote_cseq_};
  for (const NameAddr& route : route_set_) record.route_set.push_back(write(route));
  return record;
}

std::optional<Dialog> Dialog::from_record(const DialogRecord& record) {
  const auto local = parse_name_addr(record.local);
  const auto remote = parse_name_addr(record.remote);
  const auto contact = parse_name_addr(record.local_contact);
  const auto target = parse_uri(record.remote_target);
  if (!local || !remote || !contact || !target) return std::nullopt;
  Dialog dialog;
  for (const std::string& text : record.route_set) {
    const auto route = parse_name_addr(text);
    if (!route) return std::nullopt;
    dialog.route_set_.push_back(*route);
  }
  dialog.id_ = record.id;
  dialog.state_ = record.state;
  dialog.is_uac_ = record.is_uac;
  dialog.local_ = *local;
  dialog.remote_ = *remote;
  dialog.local_contact_ = *contact;
  dialog.remote_target_ = *target;
  dialog.local_cseq_ = record.local_cseq;
  dialog.made_by_cseq_ = record.made_by_cseq;
  dialog.remote_cseq_ = record.remote_cseq;
  return dialog;
}

std::optional<Dialog> Dialog::from_response(const Message& request, const Message& response) {
  const auto from = request.from();
  const auto to = response.to();
  const auto cseq = request.cseq();
  const auto target = request.request_uri();
  if (!makes_dialog(response.status()) || !from || !to || to->tag().empty() || !cseq || !target) {
    return std::nullopt;
  }
  Dialog dialog;
  dialog.id_ = {std::string(request.call_id()), std::string(from->tag()), std::string(to->tag())};
  dialog.is_uac_ = true;
  dialog.local_ = *from;
  dialog.remote_ = *to;
  dialog.local_contact_ = request.contact().value_or(*from);
  dialog.remote_target_ = *target;
  dialog.local_cseq_ = cseq->number;
  dialog.made_by_cseq_ = cseq->number;
  dialog.take_target(response);
  dialog.route_set_ = reversed(response.name_addrs(HeaderId::kRecordRoute));
  dialog.state_ = response.status() >= 200 ? DialogState::kConfirmed : DialogState::kEarly;
  return dialog;
}

std::optional<Dialog> Dialog::from_request(const Message& request, std::string_view local_tag,
                                           const NameAddr& local_contact) {
  const auto from = request.from();
  const auto to = request.to();
  const auto cseq = request.cseq();
  const auto contact = request.contact();
  if (!from || !to || !cseq || !contact || !contact->uri.is_sip()) {
    return std::nullopt;
  }
  Dialog dialog;
  dialog.id_ = {std::string(request.call_id()), std::string(local_tag), std::string(from->tag())};
  dialog.local_ = *to;
  dialog.local_.set_tag(local_tag);
  dialog.remote_ = *from;
  dialog.local_contact_ = local_contact;
  dialog.remote_target_ = contact->uri;
  dialog.route_set_ = request.name_addrs(HeaderId::kRecordRoute);
  dialog.remote_cseq_ = cseq->number;
  return dialog;
}

std::optional<Dialog> Dialog::from_notify(const Message& subscribe, const Message& notify) {
  const auto local = subscribe.from();
  const auto ours = subscribe.cseq();
  std::optional<Dialog> dialog = from_request(notify, notify.to_tag(), subscribe.contact().value_or(NameAddr{}));
  if (!dialog || !local || !ours || notify.from_tag().empty()) {
    return std::nullopt;
  }
  dialog->is_uac_ = true;
  dialog->state_ = DialogState::kConfirmed;
  dialog->local_ = *local;
  dialog->local_cseq_ = ours->number;
  dialog->made_by_cseq_ = ours->number;
  return dialog;
}

void Dialog::take_target(const Message& message) {
  if (const auto contact = message.contact(); contact && contact->uri.is_sip()) {
    remote_target_ = contact->uri;
  }
}

void Dialog::route(Message& request) const {
  const bool strict = !route_set_.empty() && !route_set_.front().uri.has_lr();
  request.set_request_uri(write(as_request_uri(strict ? route_set_.front().uri : remote_target_)));
  for (std::size_t i = strict ? 1 : 0; i < route_set_.size(); ++i) {
    request.add_header(HeaderId::kRoute, write(route_set_[i]));
  }
  if (strict) {
    NameAddr target;
    target.uri = remote_target_;
    request.add_header(HeaderId::kRoute, write(target));
  }
}

Message Dialog::make_request(Method method, const Via& via) {
  if (local_cseq_ < kCSeqMax) {
    ++local_cseq_;
  }
  Message request = sip::make_request({.method = method,
                                       .request_uri = {},
                                       .via = via,
                                       .from = local_,
                                       .to = remote_,
                                       .call_id = id_.call_id,
                                       .cseq = local_cseq_});
  route(request);
  if (carries_contact(method)) {
    request.add_header(HeaderId::kContact, write(local_contact_));
  }
  return request;
}

Message Dialog::make_ack(const Message& invite, const Via& via) const {
  const auto cseq = invite.cseq();
  Message ack = sip::make_request({.method = Method::kAck,
                                   .request_uri = {},
                                   .via = via,
                                   .from = local_,
                                   .to = remote_,
                                   .call_id = id_.call_id,
                                   .cseq = cseq ? cseq->number : 0});
  route(ack);
  for (const HeaderId credentials : {HeaderId::kAuthorization, HeaderId::kProxyAuthorization}) {
    for (std::size_t i = 0; i < invite.header_count(); ++i) {
      if (const HeaderView header = invite.header_at(i); header.id == credentials) {
        ack.add_header(credentials, header.value);  // not a list: its commas are its own
      }
    }
  }
  return ack;
}

Message Dialog::make_response(const Message& request, std::uint16_t status, std::string_view reason) const {
  Message response = sip::make_response(request, status, reason, id_.local_tag);
  if (makes_dialog(status)) {
    copy_headers(request, response, HeaderId::kRecordRoute);
    response.add_header(HeaderId::kContact, write(local_contact_));
  }
  return response;
}

DialogVerdict Dialog::on_request(const Message& request) {
  if (state_ == DialogState::kTerminated) {
    return DialogVerdict::kTerminated;
  }
  const auto cseq = request.cseq();
  if (request.method() == Method::kAck || !cseq) {
    return DialogVerdict::kInOrder;
  }
  if (remote_cseq_ && cseq->number < *remote_cseq_) {
    return DialogVerdict::kOutOfOrder;
  }
  remote_cseq_ = cseq->number;
  if (refreshes_target(request.method())) {
    take_target(request);
  }
  return DialogVerdict::kInOrder;
}

void Dialog::on_response(const Message& response) {
  const auto cseq = response.cseq();
  if (state_ == DialogState::kTerminated || !cseq || response.status() / 100 != 2) {
    return;
  }
  const bool made_it = is_uac_ && cseq->number == made_by_cseq_ && cseq->method == Method::kInvite;
  if (made_it && state_ == DialogState::kEarly) {
    route_set_ = reversed(response.name_addrs(HeaderId::kRecordRoute));
    state_ = DialogState::kConfirmed;
  }
  if (refreshes_target(cseq->method)) {
    take_target(response);
  }
}

void Dialog::confirm() {
  if (state_ == DialogState::kEarly) {
    state_ = DialogState::kConfirmed;
  }
}

}  // namespace weir::sip

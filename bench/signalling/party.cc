#include "bench/signalling/party.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "sip/parse.h"
#include "sip/write.h"

namespace weir::bench {

using sip::HeaderId;
using sip::Message;
using sip::Method;

namespace {

std::string session_description(std::string_view local) {
  const std::string address(local.substr(0, local.find(':')));
  return "v=0\r\no=load 1 1 IN IP4 " + address + "\r\ns=-\r\nc=IN IP4 " + address +
         "\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
}

/// Without the angle brackets and what follows them.
std::string uri_of(std::string_view contact) {
  const std::size_t open = contact.find('<');
  if (open == std::string_view::npos) return std::string(contact.substr(0, contact.find(';')));
  return std::string(contact.substr(open + 1, contact.find('>') - open - 1));
}

}  // namespace

Party::Party(UdpPort& port, std::string name, Tally& tally) : port_(port), name_(std::move(name)), tally_(tally) {}

std::optional<std::uint32_t> Party::number_of(std::string_view tag) const {
  if (!tag.starts_with(name_ + "-")) return std::nullopt;
  std::uint32_t number = 0;
  const char* const last = tag.data() + tag.size();
  const auto read = std::from_chars(tag.data() + name_.size() + 1, last, number);
  if (read.ec != std::errc{} || read.ptr != last || number >= ends_.size()) return std::nullopt;
  return number;
}

RequestTally& Party::tally_of(Request request) {
  return request == Request::kBye ? tally_.byes : request == Request::kReinvite ? tally_.reinvites : tally_.invites;
}

std::string Party::request(std::string_view method, std::uint32_t number, bool with_sdp) const {
  const End& end = ends_[number];
  const std::string cseq = std::to_string(end.cseq);
  std::string text;
  text.reserve(1024);
  text.append(method).append(" ").append(end.target).append(" SIP/2.0\r\nVia: SIP/2.0/UDP ").append(port_.local());
  text.append(";branch=z9hG4bK")
      .append(tag(number))
      .append(".")
      .append(cseq)
      .append(method == "ACK" ? "a\r\n" : "\r\n");
  text.append(end.routes).append("From: ").append(end.local).append("\r\nTo: ").append(end.remote);
  text.append("\r\nCall-ID: ").append(end.call_id).append("\r\nCSeq: ").append(cseq).append(" ").append(method);
  text.append("\r\nContact: <sip:load@").append(port_.local()).append(">\r\nMax-Forwards: 70\r\n");
  const std::string body = with_sdp ? session_description(port_.local()) : "";
  if (with_sdp) text.append("Content-Type: application/sdp\r\n");
  text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  return text;
}

void Party::invite(std::uint64_t now_ns, std::uint64_t hold_ns) {
  const auto number = static_cast<std::uint32_t>(ends_.size());
  End& end = ends_.emplace_back();
  end.call_id = tag(number) + "@" + port_.local();
  end.local = "<sip:load@" + port_.local() + ">;tag=" + tag(number);
  end.target = "sip:service@" + port_.remote();
  end.remote = "<" + end.target + ">";
  end.hold_ns = hold_ns;
  ask(number, Request::kInvite, now_ns);
}

void Party::ask(std::uint32_t number, Request kind, std::uint64_t now_ns) {
  End& end = ends_[number];
  ++end.cseq;
  end.waiting = kind;
  end.provisional = false;
  end.sent_ns = now_ns;
  ++tally_of(kind).sent;
  ++pending_;
  repeat(number, kind == Request::kBye ? request("BYE", number, false) : request("INVITE", number, true), now_ns);
}

/// Sends, and again until ends_[number].unheard is cleared or becomes something else.
void Party::repeat(std::uint32_t number, std::string bytes, std::uint64_t now_ns) {
  End& end = ends_[number];
  unheard_[0].push_back({now_ns + kT1Ns, number, ++end.version});
  end.unheard = bytes;
  port_.send(std::move(bytes));
}

bool Party::reinvite(std::uint64_t now_ns) {
  return ask_somebody(Request::kReinvite, now_ns);
}

bool Party::bye(std::uint64_t now_ns) {
  return ask_somebody(Request::kBye, now_ns);
}

bool Party::ask_somebody(Request kind, std::uint64_t now_ns) {
  for (int tries = 0; tries < 100 && !up_.empty(); ++tries) {
    const std::uint32_t number = up_[random_() % up_.size()];
    if (number >= settled_ || ends_[number].waiting != Request::kNone || !ends_[number].unheard.empty()) continue;
    ask(number, kind, now_ns);
    return true;
  }
  return false;
}

void Party::on_datagram(std::string_view bytes, std::uint64_t now_ns) {
  const sip::ParseResult parsed = sip::parse_message(bytes);
  if (!parsed) {
    ++tally_.unmatched;
  } else if (parsed.message().is_request()) {
    on_request(parsed.message(), now_ns);
  } else {
    on_response(parsed.message(), now_ns);
  }
}

void Party::on_response(const Message& response, std::uint64_t now_ns) {
  const auto number = number_of(response.from_tag());
  const auto cseq = response.cseq();
  if (!number || cseq->number != ends_[*number].cseq) {
    ++tally_.unmatched;
    return;
  }
  End& end = ends_[*number];
  if (end.call_id.empty()) return;  // a repeated answer in a call that has ended
  const bool is_invite = cseq->method == Method::kInvite;
  if (response.status() < 200) {
    end.provisional = true;
    if (is_invite) end.unheard.clear();
    return;
  }
  if (is_invite && response.status() >= 300) {  // its ACK belongs to the INVITE's transaction: section 17.1.1.3
    std::string ack = request("ACK", *number, false);
    ack.erase(ack.find("a\r\n", ack.find(";branch=")), 1);
    port_.send(std::move(ack));
  }
  if (end.waiting != Request::kNone && is_invite == (end.waiting != Request::kBye)) {
    on_final(*number, response, now_ns);
  } else if (is_invite && response.status() < 300) {
    port_.send(request("ACK", *number, false));
  }
}

void Party::on_final(std::uint32_t number, const Message& response, std::uint64_t now_ns) {
  End& mine = ends_[number];
  const Request asked = std::exchange(mine.waiting, Request::kNone);
  RequestTally& tally = tally_of(asked);
  --pending_;
  mine.unheard.clear();
  if (response.status() >= 300) {
    ++(response.status() == 503 ? tally.refused : tally.failed);
    if (asked != Request::kReinvite) end(number);
    return;
  }
  ++tally.answered;
  tally.latencies_us.push_back(static_cast<std::uint32_t>((now_ns - mine.sent_ns) / 1000));
  if (asked == Request::kBye) return end(number);
  mine.remote = response.header(HeaderId::kTo).value_or("");
  mine.target = uri_of(response.header(HeaderId::kContact).value_or(""));
  if (asked == Request::kInvite) take_routes(mine, response, true);
  port_.send(request("ACK", number, false));
  if (asked == Request::kInvite) come_up(number, now_ns);
}

/// A caller takes them in reverse order (section 12.1.2).
void Party::take_routes(End& end, const Message& message, bool reversed) {
  std::vector<std::string_view> routes = message.values(HeaderId::kRecordRoute);
  if (reversed) std::reverse(routes.begin(), routes.end());
  for (const std::string_view route : routes) end.routes.append("Route: ").append(route).append("\r\n");
}

void Party::come_up(std::uint32_t number, std::uint64_t now_ns) {
  End& end = ends_[number];
  end.is_up = true;
  end.place = static_cast<std::uint32_t>(up_.size());
  up_.push_back(number);
  if (end.hold_ns == 0) return ask(number, Request::kBye, now_ns);
  if (end.hold_ns != kHeld) hangups_.push_back({now_ns + end.hold_ns, number, 0});
}

void Party::end(std::uint32_t number) {
  End& gone = ends_[number];
  if (gone.is_up) {
    up_[gone.place] = up_.back();
    ends_[up_.back()].place = gone.place;
    up_.pop_back();
  }
  const std::uint32_t version = gone.version + 1;
  const std::uint32_t cseq = gone.cseq;
  gone = {};
  gone.version = version;
  gone.cseq = cseq;
}

void Party::on_request(const Message& request, std::uint64_t now_ns) {
  if (request.to_tag().empty()) {
    if (request.method() == Method::kInvite) return on_new_call(request, now_ns);
    ++tally_.unmatched;
    return;
  }
  const auto number = number_of(request.to_tag());
  if (!number || (ends_[*number].call_id.empty() && request.method() != Method::kBye)) {
    ++tally_.unmatched;
    return;
  }
  End& mine = ends_[*number];
  switch (request.method()) {
    case Method::kAck:
      if (mine.waiting == Request::kNone) mine.unheard.clear();
      by_call_id_.erase(mine.call_id);
      if (!mine.is_up) come_up(*number, now_ns);
      return;
    case Method::kInvite:
      return answer(request, *number, true, now_ns);
    case Method::kBye:
      answer(request, *number, false, now_ns);
      if (mine.waiting != Request::kNone) --pending_;
      return end(*number);
    default:
      return answer(request, *number, false, now_ns);
  }
}

void Party::on_new_call(const Message& invite, std::uint64_t now_ns) {
  const auto [known, is_new] =
      by_call_id_.try_emplace(std::string(invite.call_id()), static_cast<std::uint32_t>(ends_.size()));
  if (!is_new) return;  // what was not heard is repeated anyway
  const std::uint32_t number = known->second;
  End& end = ends_.emplace_back();
  end.call_id = known->first;
  end.local = std::string(*invite.header(HeaderId::kTo)) + ";tag=" + tag(number);
  end.remote = std::string(*invite.header(HeaderId::kFrom));
  end.target = uri_of(invite.header(HeaderId::kContact).value_or(""));
  end.hold_ns = kHeld;
  take_routes(end, invite, false);
  Message ringing = sip::make_response(invite, 180, "", tag(number));
  for (const std::string_view route : invite.values(HeaderId::kRecordRoute)) {
    ringing.add_header(HeaderId::kRecordRoute, route);
  }
  ringing.add_header(HeaderId::kContact, "<sip:load@" + port_.local() + ">");
  port_.send(sip::write(ringing));
  answer(invite, number, true, now_ns);
}

/// 200. With SDP it is an INVITE's, repeated until its ACK.
void Party::answer(const Message& request, std::uint32_t number, bool with_sdp, std::uint64_t now_ns) {
  Message response = sip::make_response(request, 200, "", tag(number));
  for (const std::string_view route : request.values(HeaderId::kRecordRoute)) {
    response.add_header(HeaderId::kRecordRoute, route);
  }
  response.add_header(HeaderId::kContact, "<sip:load@" + port_.local() + ">");
  if (with_sdp) response.set_body(session_description(port_.local()), "application/sdp");
  if (!with_sdp) return port_.send(sip::write(response));
  repeat(number, sip::write(response), now_ns);
}

void Party::on_clock(std::uint64_t now_ns) {
  while (!hangups_.empty() && hangups_.front().at_ns <= now_ns) {
    const std::uint32_t number = hangups_.front().number;
    hangups_.pop_front();
    if (ends_[number].is_up && ends_[number].waiting == Request::kNone) ask(number, Request::kBye, now_ns);
  }
  for (std::size_t times = 0; times <= kRepetitions; ++times) {
    std::deque<Deadline>& due = unheard_[times];
    while (!due.empty() && due.front().at_ns <= now_ns) {
      const Deadline deadline = due.front();
      due.pop_front();
      End& mine = ends_[deadline.number];
      if (mine.version != deadline.version || mine.unheard.empty()) continue;
      if (times == kRepetitions) {
        if (mine.waiting != Request::kNone) {
          ++tally_of(mine.waiting).timed_out;
          --pending_;
        }
        end(deadline.number);
        continue;
      }
      ++tally_.repeated;
      port_.send(mine.unheard);
      unheard_[times + 1].push_back({now_ns + (kT1Ns << (times + 1)), deadline.number, deadline.version});
    }
  }
  port_.flush();
}

}  // namespace weir::bench

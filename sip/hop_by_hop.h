// The two requests that follow an INVITE hop by hop instead of through its dialog: ACK for a 300..699 response (RFC
// 3261 section 17.1.1.3) and CANCEL (section 9.1). The ACK for a 2xx is the dialog's: see Dialog::make_ack.
#pragma once

#include "sip/message.h"

namespace weir::sip {

/// `invite` as it was sent, `response` as it came: the To header is the response's.
Message make_ack(const Message& invite, const Message& response);

/// `invite` as it was sent.
Message make_cancel(const Message& invite);

}  // namespace weir::sip

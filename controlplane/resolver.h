// Who asks the DNS. RFC 1035.
#pragma once

#include <functional>
#include <string>

#include "controlplane/dns_answer.h"

namespace weir::controlplane {

class Resolver {
 public:
  using Answered = std::function<void(const DnsAnswer&)>;

  virtual ~Resolver() = default;
  /// `name` is as dns_name makes it. `answered` is called once, at once or later, unless the resolver goes before.
  virtual void query(const std::string& name, DnsType type, Answered answered) = 0;
};

}  // namespace weir::controlplane

// Asks name servers through c-ares, in the shard's event loop. RFC 1035.
#pragma once

#include <ares.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>

#include "controlplane/resolver.h"
#include "proto/result.h"
#include "proto/settings/transport_settings.h"

namespace weir::controlplane {

class AresResolver : public Resolver {
 public:
  /// How long a server's refusal (SERVFAIL, REFUSED) is taken for "there is none".
  static constexpr std::uint32_t kRefusalSeconds = 5;

  /// Reads /etc/resolv.conf if the settings name no servers. Errors: c-ares'.
  static proto::Result<std::unique_ptr<AresResolver>> create(boost::asio::io_context& io,
                                                             const proto::settings::DnsSettings& settings);
  AresResolver(const AresResolver&) = delete;
  AresResolver& operator=(const AresResolver&) = delete;
  /// Who still waits hears nothing more.
  ~AresResolver() override;

  void query(const std::string& name, DnsType type, Answered answered) override;

 private:
  struct Socket {
    boost::asio::posix::stream_descriptor descriptor;
    bool reads = false;  ///< c-ares wants to know when it can be read
    bool writes = false;
    bool awaits_read = false;  ///< and Asio has been asked
    bool awaits_write = false;
  };

  explicit AresResolver(boost::asio::io_context& io) : io_(io), timer_(io) {}
  void on_socket(int socket, bool reads, bool writes);
  void wait(const std::shared_ptr<Socket>& socket, bool reading);
  void set_timer();

  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  ares_channel channel_ = nullptr;
  std::map<int, std::shared_ptr<Socket>> sockets_;
  std::shared_ptr<AresResolver*> self_ = std::make_shared<AresResolver*>(this);  ///< handlers ask it whether we live
};

}  // namespace weir::controlplane

// A fetcher in a loop of its own, names that lead where a test says, and a certificate authority.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/https_fetch.h"
#include "tests/support/https_server.h"
#include "tests/support/tls_files.h"

namespace weir::controlplane {

/// What is not in it is not there; a name that is mute is never answered.
class HostsFile : public Resolver {
 public:
  explicit HostsFile(boost::asio::io_context& io) : io_(io) {}

  void host(const std::string& name, const char* text) {
    const proto::IpAddress address = proto::parse_ip_address(text).value();
    const bool four = address.family == proto::Family::kIpv4;
    addresses_[{name, four ? DnsType::kA : DnsType::kAaaa}].push_back(address);
  }
  void mute(const std::string& name) { mute_ = name; }
  /// From now on the name leads nowhere else, as a rebinding name server would have it.
  void forget(const std::string& name) { addresses_.erase({name, DnsType::kA}); }

  void query(const std::string& name, DnsType type, Answered answered) override {
    asked.push_back(name);
    if (name == mute_) return;
    DnsAnswer answer;
    answer.status = DnsStatus::kNothing;
    if (const auto known = addresses_.find({name, type}); known != addresses_.end()) {
      answer.status = DnsStatus::kFound;
      answer.addresses = known->second;
    }
    if (at_once) return answered(answer);
    boost::asio::post(io_, [answered, answer] { answered(answer); });
  }

  std::vector<std::string> asked;
  bool at_once = false;

 private:
  boost::asio::io_context& io_;
  std::map<std::pair<std::string, DnsType>, std::vector<proto::IpAddress>> addresses_;
  std::string mute_;
};

class HttpsFetchLab : public testing::Test {
 protected:
  using Answer = tests::HttpsServer::Answer;

  HttpsFetchLab() {
    settings_.ca = files_.ca();
    settings_.allowed = {{proto::parse_ip_address("127.0.0.0").value(), 8}};
    settings_.ports.clear();
    names_.host("a.example", "127.0.0.1");
  }

  /// A server of `names`, whose port may be fetched from.
  tests::HttpsServer& serve(tests::HttpsServer::Script script, const std::string& names = "DNS:a.example",
                            const char* address = "127.0.0.1") {
    const std::string file = "server" + std::to_string(servers_.size());
    servers_.push_back(
        std::make_unique<tests::HttpsServer>(io_, files_.issue(file, names), std::move(script), address));
    settings_.ports.push_back(servers_.back()->port());
    return *servers_.back();
  }
  static Answer reply(const std::string& body, const std::string& fields = "", const std::string& status = "200 OK") {
    return {"HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields + "\r\n" +
            body};
  }
  static Answer redirect(const std::string& to, const std::string& status = "302 Found") {
    return reply("", "Location: " + to + "\r\n", status);
  }
  static std::string url(const tests::HttpsServer& server, const std::string& target = "/",
                         const std::string& host = "a.example") {
    return "https://" + host + ":" + std::to_string(server.port()) + target;
  }

  /// Its settings are what they are now.
  void start() {
    proto::Result<std::unique_ptr<HttpsFetcher>> made = HttpsFetcher::create(io_, names_, settings_, tls_);
    ASSERT_TRUE(made.ok()) << made.error();
    fetcher_ = std::move(made).value();
  }
  FetchResult fetch(const std::string& from) {
    if (fetcher_ == nullptr) start();
    std::optional<FetchResult> got;
    fetcher_->fetch(from, [&](const FetchResult& result) { got = result; });
    EXPECT_FALSE(got) << "not before fetch() has returned";
    EXPECT_TRUE(run_until([&] { return got.has_value(); }));
    return got.value_or(FetchResult{});
  }
  template <typename Done>
  bool run_until(Done done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done() && std::chrono::steady_clock::now() < limit) io_.run_for(std::chrono::milliseconds(2));
    return done();
  }

  boost::asio::io_context io_;
  tests::TlsFiles files_;
  HostsFile names_{io_};
  proto::settings::IdentityFetchSettings settings_;
  proto::settings::TlsSettings tls_;
  std::vector<std::unique_ptr<tests::HttpsServer>> servers_;
  std::unique_ptr<HttpsFetcher> fetcher_;
};

}  // namespace weir::controlplane

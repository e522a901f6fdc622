// DtlsEndpoint against the openssl program, over UDP in a network namespace of the test's own: equal exporter output on
// both sides, as client and as server. Needs root, for the namespace.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "controlplane/dtls.h"
#include "tests/support/dtls_bench.h"
#include "tests/support/hex.h"
#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

using tests::Datagram;

constexpr std::uint32_t kAddress = 0xc6120001;  // 198.18.0.1
constexpr std::uint16_t kOurPort = 4433;
constexpr std::uint16_t kServerPort = 4434;
constexpr char kAllProfiles[] = "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM";

std::string contents(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// The value after `label` on its line.
std::string value_after(const std::string& text, const std::string& label) {
  const std::size_t at = text.find(label);
  if (at == std::string::npos) return "";
  const std::size_t start = at + label.size();
  return text.substr(start, text.find('\n', start) - start);
}

/// The openssl program: one run, its output in a file, its input open until the end.
class Openssl {
 public:
  Openssl(const std::string& directory, const std::string& arguments) : out_(directory + "/out") {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const std::string command = "cd " + directory + " && exec openssl " + arguments + " >out 2>&1";
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[0], STDIN_FILENO);
      execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      _exit(127);
    }
    close(ends[0]);
    input_ = ends[1];
  }
  Openssl(const Openssl&) = delete;
  Openssl& operator=(const Openssl&) = delete;
  ~Openssl() {
    close(input_);
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] std::string output() const { return contents(out_); }

 private:
  std::string out_;
  pid_t pid_ = -1;
  int input_ = -1;
};

sockaddr_in to_socket_address(const proto::Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  address.sin_addr.s_addr = htonl(endpoint.address.ipv4());
  return address;
}

/// The randoms of the two hellos as they crossed the wire: the handshake's type lies behind the record's header, the
/// random behind its own and the version (RFC 6347 section 4.2.2).
struct HelloRandoms {
  Datagram client;
  Datagram server;

  void look_at(const Datagram& datagram) {
    if (datagram.size() < 59 || datagram[0] != 22) return;
    const Datagram random(datagram.begin() + 27, datagram.begin() + 59);
    if (datagram[13] == 1) client = random;
    if (datagram[13] == 2) server = random;
  }
};

/// The bench's datagrams over a UDP socket until `done` or some seconds are over.
template <typename Done>
void bridge(tests::DtlsBench& bench, int socket_fd, HelloRandoms& randoms, Done done) {
  std::vector<std::uint8_t> buffer(2048);
  for (int i = 0; i < 1000 && !done(); ++i) {
    for (const auto& [to, bytes] : bench.sent) {
      const sockaddr_in address = to_socket_address(to);
      randoms.look_at(bytes);
      sendto(socket_fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    bench.sent.clear();
    pollfd waiting{.fd = socket_fd, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 5) > 0) {
      sockaddr_in from{};
      socklen_t length = sizeof from;
      const ssize_t bytes =
          recvfrom(socket_fd, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (bytes < 0) continue;  // an ICMP error of a server that does not listen yet
      const proto::Endpoint source = tests::endpoint_of(ntohl(from.sin_addr.s_addr), ntohs(from.sin_port));
      const Datagram datagram(buffer.begin(), buffer.begin() + bytes);
      randoms.look_at(datagram);
      bench.receive(source, datagram);
    }
    bench.now_ns += 5'000'000;
    bench.endpoint.advance(bench.now_ns);
  }
}

/// What both sides exported, in hex: client key, server key, client salt, server salt.
std::string exported_by(const DtlsSecured& secured) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(secured.profile);
  const bool server = secured.role == sip::DtlsRole::kServer;
  const MasterKey& client_write = server ? *secured.receive_key : *secured.send_key;
  const MasterKey& server_write = server ? *secured.send_key : *secured.receive_key;
  return tests::to_hex({client_write.key.data(), info.key_bytes}) +
         tests::to_hex({server_write.key.data(), info.key_bytes}) +
         tests::to_hex({client_write.salt.data(), info.salt_bytes}) +
         tests::to_hex({server_write.salt.data(), info.salt_bytes});
}

Datagram der_of(X509& certificate) {
  Datagram der(static_cast<std::size_t>(i2d_X509(&certificate, nullptr)));
  unsigned char* at = der.data();
  i2d_X509(&certificate, &at);
  return der;
}

/// One handshake with the program, in a child process that has the namespace to itself. Returns what went wrong, or "".
std::string handshake(const std::string& directory, sip::DtlsRole role, proto::SrtpProfile profile,
                      const std::string& more) {
  if (unshare(CLONE_NEWNET) != 0) return "no namespace";
  if (std::system("ip addr add 198.18.0.1/32 dev lo && ip link set lo up") != 0) return "no address";
  const int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in ours = to_socket_address(tests::endpoint_of(kAddress, kOurPort));
  if (bind(socket_fd, reinterpret_cast<const sockaddr*>(&ours), sizeof ours) != 0) return "no socket";
  const std::string certificate =
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test -keyout k.pem -out c.pem";
  if (std::system(("cd " + directory + " && openssl " + certificate +
                   " 2>/dev/null && "
                   "openssl x509 -noout -fingerprint -sha256 -in c.pem >fingerprint && "
                   "openssl x509 -outform DER -in c.pem -out c.der")
                      .c_str()) != 0) {
    return "no certificate";
  }
  const auto promised =
      sip::parse_fingerprint("sha-256 " + value_after(contents(directory + "/fingerprint"), "ingerprint="));
  if (!std::holds_alternative<sip::Fingerprint>(promised)) return "no fingerprint";

  const bool we_serve = role == sip::DtlsRole::kServer;
  tests::DtlsBench bench(DtlsOptions{.profiles = {profile}});
  bench.endpoint.start(role, tests::endpoint_of(kAddress, kServerPort), {std::get<sip::Fingerprint>(promised)},
                       bench.now_ns);
  const std::string common = " -dtls1_2 -mtu 1200 -cert c.pem -key k.pem -use_srtp " + std::string(kAllProfiles) +
                             " -keymatexport EXTRACTOR-dtls_srtp -keymatexportlen " +
                             std::to_string(exporter_bytes(profile)) + " " + more;
  Openssl program(directory, we_serve ? "s_client -connect 198.18.0.1:4433" + common
                                      : "s_server -accept 198.18.0.1:4434 -Verify 1" + common);
  const std::string label = "Keying material: ";
  HelloRandoms randoms;
  bridge(bench, socket_fd, randoms, [&] { return bench.secured && program.output().find(label) != std::string::npos; });
  close(socket_fd);
  if (!bench.secured) return "not secured: " + bench.failure.value_or("") + "\n" + program.output();
  if (bench.secured->profile != profile) return "another profile";
  std::string theirs = value_after(program.output(), label);
  for (char& digit : theirs) digit = static_cast<char>(std::tolower(digit));
  const std::string certificate_bytes = contents(directory + "/c.der");
  const Datagram their_certificate(certificate_bytes.begin(), certificate_bytes.end());
  const Datagram our_certificate = der_of(*bench.context->certificate().x509());
  const std::string heard = tests::spoken(we_serve ? their_certificate : our_certificate, randoms.client,
                                          we_serve ? our_certificate : their_certificate, randoms.server);
  if (heard != bench.secured->short_authentication) {
    return "short authentication " + bench.secured->short_authentication + ", but the wire says " + heard;
  }
  const std::string exported = exported_by(*bench.secured);
  return theirs == exported ? "" : "exported " + exported + "\nbut openssl " + theirs;
}

class DtlsOpenssl : public testing::TestWithParam<std::tuple<proto::SrtpProfile, bool, const char*>> {};

TEST_P(DtlsOpenssl, BothSidesExportTheSame) {
  const auto [profile, we_serve, more] = GetParam();
  const tests::TemporaryDirectory directory;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::string wrong =
        handshake(directory.path(), we_serve ? sip::DtlsRole::kServer : sip::DtlsRole::kClient, profile, more);
    std::ofstream(directory.path() + "/wrong") << wrong;
    _exit(wrong.empty() ? 0 : wrong == "no namespace" ? 2 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no right to make a network namespace";
  EXPECT_EQ(WEXITSTATUS(status), 0) << contents(directory.path() + "/wrong");
}

INSTANTIATE_TEST_SUITE_P(AsServer, DtlsOpenssl,
                         testing::Combine(testing::Values(proto::SrtpProfile::kAesCm128HmacSha1_80,
                                                          proto::SrtpProfile::kAeadAes128Gcm,
                                                          proto::SrtpProfile::kAeadAes256Gcm),
                                          testing::Values(true), testing::Values("")));
INSTANTIATE_TEST_SUITE_P(AsClient, DtlsOpenssl,
                         testing::Combine(testing::Values(proto::SrtpProfile::kAesCm128HmacSha1_80,
                                                          proto::SrtpProfile::kAeadAes128Gcm,
                                                          proto::SrtpProfile::kAeadAes256Gcm),
                                          testing::Values(false), testing::Values("", "-listen")));

}  // namespace
}  // namespace weir::controlplane

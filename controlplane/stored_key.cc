// Engines are how OpenSSL 1 had it, and how Debian 12 still has PKCS#11.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "controlplane/stored_key.h"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include <memory>
#include <mutex>
#include <set>
#include <string_view>

#include "sip/text.h"

namespace weir::controlplane {

using proto::Error;
using proto::Result;

namespace {

constexpr std::string_view kPkcs11 = "pkcs11:";
constexpr std::string_view kModulePath = "module-path=";

/// What may be said of a URI to people.
std::string shown(const std::string& uri) {
  return uri.substr(0, uri.find('?'));
}

/// Answers every question for a PIN with: nobody is here. OpenSSL's own would ask at the terminal, and wait.
UI_METHOD* nobody() {
  static UI_METHOD* const method = [] {
    UI_METHOD* made = UI_create_method("nobody");
    UI_method_set_reader(made, [](UI*, UI_STRING*) { return 0; });
    return made;
  }();
  return method;
}

struct StoreDeleter {
  void operator()(OSSL_STORE_CTX* store) const { OSSL_STORE_close(store); }
  void operator()(OSSL_STORE_INFO* info) const { OSSL_STORE_INFO_free(info); }
};

/// Null: no store has it; OpenSSL's queue says why.
KeyHandle key_of_store(const std::string& uri) {
  const std::unique_ptr<OSSL_STORE_CTX, StoreDeleter> store(
      OSSL_STORE_open(uri.c_str(), nobody(), nullptr, nullptr, nullptr));
  if (store == nullptr) return nullptr;
  (void)OSSL_STORE_expect(store.get(), OSSL_STORE_INFO_PKEY);
  while (OSSL_STORE_eof(store.get()) == 0) {
    const std::unique_ptr<OSSL_STORE_INFO, StoreDeleter> info(OSSL_STORE_load(store.get()));
    if (info == nullptr) {
      if (OSSL_STORE_error(store.get()) != 0) return nullptr;
      continue;
    }
    if (OSSL_STORE_INFO_get_type(info.get()) == OSSL_STORE_INFO_PKEY) {
      return KeyHandle(OSSL_STORE_INFO_get1_PKEY(info.get()));
    }
  }
  return nullptr;
}

/// "%2F" is a slash; anything else that no URI has stays as it is.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size();
    const auto high = escape ? sip::hex_value(text[i + 1]) : std::nullopt;
    const auto low = escape ? sip::hex_value(text[i + 2]) : std::nullopt;
    out += high && low ? static_cast<char>(*high << 4 | *low) : text[i];
    if (high && low) i += 2;
  }
  return out;
}

struct ModuleUri {
  std::string uri;     ///< without what the engine does not know
  std::string module;  ///< its library; empty: not said
};

/// RFC 7512 section 2.4: query attributes are separated by '&'.
ModuleUri take_module(const std::string& uri) {
  ModuleUri result{shown(uri), ""};
  std::string_view query = std::string_view(uri).substr(result.uri.size());
  if (query.starts_with('?')) query.remove_prefix(1);
  for (char separator = '?'; !query.empty();) {
    const std::string_view attribute = sip::take_until(query, '&');
    if (attribute.starts_with(kModulePath)) {
      result.module = decoded(attribute.substr(kModulePath.size()));
      continue;
    }
    result.uri += separator + std::string(attribute);
    separator = '&';
  }
  return result;
}

/// libp11's engine, begun once and kept for as long as the process lives: its keys refer to it. Null: there is none.
ENGINE* pkcs11_engine(const std::string& module) {
  static ENGINE* engine = nullptr;
  if (engine != nullptr) return engine;
  ENGINE* made = ENGINE_by_id("pkcs11");
  if (made == nullptr) return nullptr;
  // It would write URIs to standard error, PINs and all.
  (void)ENGINE_ctrl_cmd_string(made, "QUIET", nullptr, 0);
  if (!module.empty() && ENGINE_ctrl_cmd_string(made, "MODULE_PATH", module.c_str(), 0) != 1) {
    ENGINE_free(made);
    return nullptr;
  }
  if (ENGINE_init(made) == 1) return engine = made;
  ENGINE_free(made);
  return nullptr;
}

KeyHandle key_of_engine(const std::string& uri) {
  static std::mutex mutex;  // one at start and one at a reload: no two at once, but that is not ours to know
  const std::lock_guard<std::mutex> lock(mutex);
  const ModuleUri split = take_module(uri);
  ENGINE* engine = pkcs11_engine(split.module);
  return KeyHandle(engine == nullptr ? nullptr : ENGINE_load_private_key(engine, split.uri.c_str(), nobody(), nullptr));
}

}  // namespace

bool is_key_uri(const std::string& key) {
  return !key.starts_with('/') && key.find(':') != std::string::npos;
}

proto::Status load_providers(const std::vector<std::string>& names) {
  static std::mutex mutex;
  static std::set<std::string> loaded;
  const std::lock_guard<std::mutex> lock(mutex);
  std::string mistakes;
  for (const std::string& name : names) {
    // The first one that is named makes the default one go, unless it is named too.
    if (loaded.empty() && OSSL_PROVIDER_load(nullptr, "default") != nullptr) loaded.insert("default");
    if (loaded.count(name) != 0) continue;
    if (OSSL_PROVIDER_load(nullptr, name.c_str()) != nullptr) {
      loaded.insert(name);
    } else {
      mistakes += (mistakes.empty() ? "" : "; ") + ("OpenSSL has no provider '" + name + "': ") +
                  openssl_error("no reason is given");
    }
  }
  if (!mistakes.empty()) return Error{mistakes};
  return proto::success();
}

Result<KeyHandle> read_stored_key(const std::string& uri) {
  ERR_clear_error();
  KeyHandle key = key_of_store(uri);
  if (key == nullptr && uri.starts_with(kPkcs11)) {
    ERR_clear_error();
    key = key_of_engine(uri);
  }
  if (key == nullptr) return Error{"no private key at " + shown(uri) + ": " + openssl_error("there is none")};
  ERR_clear_error();
  return key;
}

}  // namespace weir::controlplane

// What people see of the registrar.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "controlplane/binding_store.h"
#include "controlplane/places.h"
#include "controlplane/registrar.h"

namespace weir::controlplane {

namespace json = boost::json;

json::value Registrar::registrations_view() const {
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  json::array rows;
  for (const auto& [owner, bindings] : bindings_.all()) {
    for (const Binding& binding : bindings) {
      const BindingRecord& record = binding.record;
      const bool expired = binding.expires_ns <= now_ns_;
      rows.push_back(json::object{{"realm", record.realm},
                                  {"user", record.user},
                                  {"contact", record.contact},
                                  {"expires_s", expired ? 0 : (binding.expires_ns - now_ns_) / kSecondNs},
                                  {"q", record.q / 1000.0},
                                  {"source", proto::to_string(record.source)},
                                  {"transport", to_string(record.transport)},
                                  {"called_at", record.by_source ? "source" : "contact"},
                                  {"path", record.path},
                                  {"user_agent", record.user_agent}});
    }
  }
  return rows;
}

}  // namespace weir::controlplane

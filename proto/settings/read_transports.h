// Reads [tls], [realm.tls], [realm.websocket], [transport] and [dns]. Internal to proto/settings.
#pragma once

#include "proto/settings/table.h"
#include "proto/settings/transport_settings.h"

namespace weir::proto::settings {

void read_tls(Table& table, TlsSettings& tls);
void read_realm_tls(Table& table, RealmTlsSettings& tls);
void read_realm_websocket(Table& table, RealmWebSocketSettings& websocket);
void read_transport(Table& table, TransportSettings& transport);
void read_dns(Table& table, DnsSettings& dns);

}  // namespace weir::proto::settings
